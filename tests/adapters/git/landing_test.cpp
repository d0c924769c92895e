// Commits, merges, the mission's branch, conflicts, parallel tasks.

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/adapters/git/git_fixture.hpp"

namespace muster::git::test {
namespace fs = std::filesystem;
using namespace std::string_literals;

TEST_CASE("a commit carries its reason and trailers, and is made once") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  const std::string base = must(control.open());
  const Snapshot tree = must(control.checkout("M1.T2", ""));
  const CommitInfo info{
      "Add two\nlines", "Because.\n", {{"Muster-Task", "M1.T2"}, {"Bad key!", "a\nb"}}};
  CHECK(must(control.commit("M1.T2", info)) == base);
  put_file(tree.path + "/a.txt", "two\n");
  const std::string commit = must(control.commit("M1.T2", info));
  CHECK(must(control.commit("M1.T2", info)) == commit);
  CHECK(user.private_git({"log", "-1", "--format=%an|%ae|%B", commit}) ==
        "muster|muster@localhost|Add two lines\n\nBecause.\n\nMuster-Task: M1.T2\nBad-key-: a b");
  CHECK(user.private_git({"log", "-1", "--format=%P", commit}) == base);
  CHECK(user.private_git({"log", "-1", "--format=%(trailers:key=Muster-Task,valueonly)", commit}) ==
        "M1.T2");
  CHECK(must(control.tip()) == base);
}

TEST_CASE("the branch moves by compare and set, forwards only, and repeating it is fine") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  const std::string base = must(control.open());
  const std::string first = land(control, "T1", "b.txt", "b\n");
  CHECK(must(control.tip()) == first);
  CHECK(control.advance(base, first).ok());
  const std::string second = land(control, "T2", "c.txt", "c\n");
  CHECK(control.advance(base, first).error().code == ErrorCode::conflict);
  CHECK(control.advance(second, base).error().code == ErrorCode::invalid_argument);
  CHECK(control.advance(second, std::string(40, '1')).error().code == ErrorCode::not_found);
  CHECK(must(control.tip()) == second);
  const Diff diff = must(control.mission_diff(1000));
  CHECK(diff.files.size() == 2);
}

TEST_CASE("what is remembered of commits, differences and refs is what git says of them") {
  Workspace user;
  user.put("a.txt", "1\n2\n3\n");
  user.put("odd \"name\"\t.txt", "x\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const auto patch = [&](const std::string& from, const std::string& to) {
    return user.private_git({"diff-tree", "-r", "-p", "--no-renames", from, to}) + "\n";
  };
  std::vector<std::string> tips{must(control.tip())};
  for (const char* key : {"T1", "T2", "T3"}) {
    const Snapshot tree = must(control.checkout(key, ""));
    put_file(tree.path + "/" + key + ".txt", std::string(key) + "\n");
    put_file(tree.path + "/odd \"name\"\t.txt", std::string(key) + "\0"s);
    fs::remove(tree.path + "/a.txt");
    const Diff diff = must(control.diff(key, 10000));
    CHECK(diff.files.size() == (tips.size() == 1 ? 3 : 2));
    CHECK(diff.patch == patch(tree.base, must(control.tree_hash(key))));
    CHECK(must(control.diff(key, 10000)).patch == diff.patch);
    CHECK(must(control.diff(key, 20)).patch.size() < diff.patch.size());
    const auto merged =
        must(control.merge(must(control.commit(key, CommitInfo{key})), CommitInfo{key}));
    CHECK(merged.tree == user.private_git({"rev-parse", merged.commit + "^{tree}"}));
    must(control.advance(tips.back(), merged.commit));
    tips.push_back(merged.commit);
    // Packed and loose ones are found alike, by whoever asks.
    if (tips.size() == 3) user.private_git({"pack-refs", "--all"});
    GitVersionControl fresh{user.options()};
    CHECK(must(control.tip()) == merged.commit);
    CHECK(must(fresh.tip()) == merged.commit);
    CHECK(must(fresh.mission_diff(10000)).patch == must(control.mission_diff(10000)).patch);
  }
}

TEST_CASE("a merge onto a moved branch is one commit on top of it") {
  Workspace user;
  user.put("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot one = must(control.checkout("T1", ""));
  const Snapshot two = must(control.checkout("T2", ""));
  put_file(one.path + "/a.txt", "ONE\n2\n3\n4\n5\n6\n7\n8\n");
  put_file(two.path + "/a.txt", "1\n2\n3\n4\n5\n6\n7\nEIGHT\n");
  const std::string first = must(control.commit("T1", CommitInfo{"one"}));
  const std::string second = must(control.commit("T2", CommitInfo{"two"}));
  const MergeOutcome easy = must(control.merge(first, CommitInfo{"one"}));
  CHECK(easy.commit == first);
  CHECK_FALSE(easy.base_moved);
  must(control.advance(must(control.tip()), easy.commit));
  const MergeOutcome moved =
      must(control.merge(second, CommitInfo{"two", "", {{"Muster-Task", "T2"}}}));
  CHECK(moved.base_moved);
  CHECK(moved.conflicts.empty());
  CHECK(user.private_git({"log", "-1", "--format=%P", moved.commit}) == first);
  CHECK(user.private_git({"show", moved.commit + ":a.txt"}) == "ONE\n2\n3\n4\n5\n6\n7\nEIGHT");
  CHECK(must(control.tip()) == first);
  must(control.advance(first, moved.commit));
  CHECK(must(control.merge(second, CommitInfo{"two"})).commit.size() == 40);
}

TEST_CASE("a conflict is reported, put into the task's tree with markers, and solved") {
  Workspace user;
  user.put("a.txt", "old\n");
  user.put("other.txt", "same\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T2", ""));
  land(control, "T1", "a.txt", "theirs\n");
  put_file(tree.path + "/a.txt", "mine\n");
  put_file(tree.path + "/new.txt", "new\n");
  const std::string work = must(control.commit("T2", CommitInfo{"two"}));
  const MergeOutcome outcome = must(control.merge(work, CommitInfo{"two"}));
  CHECK(outcome.commit.empty());
  CHECK(outcome.conflicts == std::vector<std::string>{"a.txt"});

  CHECK(must(control.rebase_with_markers("T2")) == std::vector<std::string>{"a.txt"});
  const std::string marked = get_file(tree.path + "/a.txt");
  CHECK(marked.find("<<<<<<<") != std::string::npos);
  CHECK(marked.find("theirs\n=======\nmine\n") != std::string::npos);
  CHECK(get_file(tree.path + "/new.txt") == "new\n");
  CHECK(must(control.existing("T2")).base == must(control.tip()));
  CHECK(must(control.rebase_with_markers("T2")) == std::vector<std::string>{"a.txt"});

  put_file(tree.path + "/a.txt", "both\n");
  const std::string solved = must(control.commit("T2", CommitInfo{"two"}));
  const MergeOutcome merged = must(control.merge(solved, CommitInfo{"two"}));
  CHECK(merged.commit == solved);
  must(control.advance(must(control.tip()), merged.commit));
  CHECK(user.private_git({"show", "muster/m1:a.txt"}) == "both");
  CHECK(user.private_git({"rev-list", "--count", "muster/m1"}) == "3");
}

TEST_CASE("a file deleted on one side and changed on the other is a conflict") {
  Workspace user;
  user.put("a.txt", "old\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T2", ""));
  land(control, "T1", "a.txt", "changed\n");
  fs::remove(tree.path + "/a.txt");
  const std::string work = must(control.commit("T2", CommitInfo{"delete"}));
  CHECK(must(control.merge(work, CommitInfo{"x"})).conflicts == std::vector<std::string>{"a.txt"});
  CHECK(must(control.rebase_with_markers("T2")) == std::vector<std::string>{"a.txt"});
  CHECK(get_file(tree.path + "/a.txt") == "changed\n");
}

TEST_CASE("D1 a rebase that was interrupted is finished, and says its conflicts again") {
  Workspace user;
  user.put("a.txt", "old\n");
  user.make_repository();
  std::string path;
  std::string work;
  std::string onto;
  {
    GitVersionControl control{user.options()};
    must(control.open());
    path = must(control.checkout("T2", "")).path;
    onto = land(control, "T1", "a.txt", "theirs\n");
    put_file(path + "/a.txt", "mine\n");
    work = must(control.commit("T2", CommitInfo{"two"}));
  }
  std::string lease = get_file(user.state() + "/slots/1/lease.json");
  lease.replace(lease.find("\"ready\""), 7, "\"rebasing\"");
  lease.replace(lease.find("\"work\": \"\""), 10, "\"work\": \"" + work + "\"");
  lease.replace(lease.find("\"onto\": \"\""), 10, "\"onto\": \"" + onto + "\"");
  put_file(user.state() + "/slots/1/lease.json", lease);
  put_file(path + "/a.txt", "half written");

  GitVersionControl control{user.options()};
  must(control.open());
  SECTION("by the same call") {
    CHECK(must(control.rebase_with_markers("T2")) == std::vector<std::string>{"a.txt"});
  }
  SECTION("by whatever comes first") { must(control.tree_hash("T2")); }
  CHECK(get_file(path + "/a.txt").find("theirs\n=======\nmine\n") != std::string::npos);
  CHECK(must(control.existing("T2")).base == onto);
}

TEST_CASE("eight tasks work, commit and land at the same time") {
  Workspace user;
  for (int i = 0; i < 40; ++i) user.put("src/f" + std::to_string(i), std::to_string(i) + "\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  const std::string base = must(control.open());
  std::vector<std::string> failures(8);
  const auto work = [&](int number) {
    const std::string key = "T" + std::to_string(number);
    const Snapshot tree = must(control.checkout(key, ""));
    put_file(tree.path + "/src/f" + std::to_string(number), "changed by " + key + "\n");
    const std::string commit = must(control.commit(key, CommitInfo{key}));
    for (int attempt = 0; attempt < 100; ++attempt) {
      const std::string tip = must(control.tip());
      const MergeOutcome merged = must(control.merge(commit, CommitInfo{key}));
      const Status moved = control.advance(tip, merged.commit);
      if (moved) return;
      if (moved.error().code != ErrorCode::conflict &&
          moved.error().code != ErrorCode::invalid_argument)
        throw std::runtime_error(moved.error().text());
    }
    throw std::runtime_error("never landed");
  };
  std::vector<std::thread> threads;
  for (int number = 0; number < 8; ++number)
    threads.emplace_back([&, number] {
      try {
        work(number);
      } catch (const std::exception& error) {
        failures.at(static_cast<std::size_t>(number)) = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == std::vector<std::string>(8));
  CHECK(must(control.mission_diff(10000)).files.size() == 8);
  CHECK(user.private_git({"rev-list", "--count", base + "..muster/m1"}) == "8");
}

TEST_CASE("two threads on one key and two objects on one state folder do not mix their work") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl one{user.options()};
  GitVersionControl two{user.options()};
  must(one.open());
  must(two.open());
  std::vector<std::string> failures(4);
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < 4; ++number)
    threads.emplace_back([&, number] {
      try {
        GitVersionControl& control = number % 2 == 0 ? one : two;
        for (int i = 0; i < 5; ++i) {
          must(control.checkout("T1", ""));
          must(control.tree_hash("T1"));
        }
      } catch (const std::exception& error) {
        failures.at(number) = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == std::vector<std::string>(4));
  CHECK(must(one.existing("T1")).path == must(two.existing("T1")).path);
}

TEST_CASE("discard keeps every commit reachable and ends trees and branch") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  const std::string base = must(control.open());
  const std::string landed = land(control, "T1", "b.txt", "b\n");
  const Snapshot tree = must(control.checkout("T 2", ""));
  put_file(tree.path + "/c.txt", "never landed\n");
  const std::string lost = must(control.commit("T 2", CommitInfo{"two"}));
  CHECK(user.git({"rev-parse", "refs/muster/base/m1"}) == base);
  must(control.apply());
  CHECK(user.git({"rev-parse", "muster/m1"}) == landed);

  must(control.discard());
  must(control.discard());
  CHECK_FALSE(there(tree.path));
  CHECK(user.private_git({"rev-parse", "refs/muster/archive/m1"}) == landed);
  CHECK(user.private_git({"for-each-ref", "--contains", lost, "--format=%(refname)"}) ==
        "refs/muster/archive-tasks/m1/T%202");
  CHECK(user.private_git({"for-each-ref", "refs/heads"}).empty());
  CHECK(user.git({"for-each-ref", "--format=%(refname)"}) == "refs/heads/main");
  CHECK(user.head() == landed);
  CHECK(control.tip().error().code == ErrorCode::conflict);
  CHECK(control.checkout("T3", "").error().code == ErrorCode::conflict);
}

TEST_CASE("a mission that exists needs no open() to be shown, applied, undone and discarded") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  CHECK(GitVersionControl{user.options()}.undo().error().code == ErrorCode::not_found);
  CHECK(GitVersionControl{user.options()}.tip().error().code == ErrorCode::not_found);
  CHECK(GitVersionControl{user.options()}.discard().error().code == ErrorCode::not_found);
  {
    GitVersionControl control{user.options()};
    must(control.open());
    land(control, "T1", "a.txt", "two\n");
  }
  const std::string tip = must(GitVersionControl{user.options()}.tip());
  CHECK(GitVersionControl{user.options()}.advance(user.head(), tip).ok());
  CHECK(must(GitVersionControl{user.options()}.mission_diff(1000)).files.size() == 1);
  CHECK(must(GitVersionControl{user.options()}.apply()).kind == ApplyOutcome::Kind::applied);
  CHECK(user.get("a.txt") == "two\n");
  must(GitVersionControl{user.options()}.undo());
  CHECK(user.get("a.txt") == "one\n");
  must(GitVersionControl{user.options()}.discard());
  CHECK(GitVersionControl{user.options()}.apply().error().code == ErrorCode::conflict);
}

TEST_CASE("discard leaves the user's ref to the base when nothing else holds it") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  const std::string base = must(control.open());
  const std::string landed = land(control, "T1", "b.txt", "b\n");
  user.git({"commit", "-q", "--amend", "--allow-empty", "-m", "Rewritten"});
  must(control.discard());
  user.git({"reflog", "expire", "--expire=now", "--all"});
  user.git({"gc", "-q", "--prune=now"});
  CHECK(user.git({"rev-parse", "refs/muster/base/m1"}) == base);
  CHECK(user.private_git({"ls-tree", "-r", "--name-only", landed}) == "a.txt\nb.txt");
  CHECK(user.private_git({"rev-list", "--count", landed}) == "2");
}

TEST_CASE("the base survives the user's garbage collection while the mission runs") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  user.put("a.txt", "rewritten\n");
  user.git({"commit", "-q", "-a", "--amend", "-m", "Rewritten"});
  user.git({"reflog", "expire", "--expire=now", "--all"});
  user.git({"gc", "-q", "--prune=now"});
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(get_file(tree.path + "/a.txt") == "one\n");
}

}  // namespace muster::git::test
