// Working trees of tasks: what they hold, how they are lent, and what agents can do to them.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <thread>

#include "adapters/git/tree_stamp.hpp"
#include "adapters/process/run_command.hpp"
#include "tests/adapters/git/git_fixture.hpp"

namespace muster::git::test {
namespace fs = std::filesystem;

TEST_CASE("a task's tree holds the user's commit and none of their uncommitted work") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put("dir/b.txt", "two\n");
  user.make_repository();
  user.put("a.txt", "one, being changed\n");
  user.put("new.txt", "untracked\n");
  user.git({"add", "new.txt"});
  const auto before = picture(user.root());
  const std::string status = user.git({"status", "--porcelain"});

  GitVersionControl control{user.options()};
  CHECK(must(control.open()) == user.head());
  CHECK(must(control.dirty_files()) == std::vector<std::string>{"a.txt", "new.txt"});
  const Snapshot tree = must(control.checkout("M1.T1", ""));
  CHECK(tree.base == user.head());
  CHECK_FALSE(tree.path.starts_with(user.root()));
  CHECK(get_file(tree.path + "/a.txt") == "one\n");
  CHECK(get_file(tree.path + "/dir/b.txt") == "two\n");
  CHECK_FALSE(there(tree.path + "/new.txt"));

  CHECK(picture(user.root()) == before);
  CHECK(user.git({"status", "--porcelain"}) == status);
}

TEST_CASE("the same key gets the same tree back, reset; a released tree is lent again") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put(".gitignore", "*.o\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot first = must(control.checkout("T1", ""));
  put_file(first.path + "/a.txt", "changed\n");
  put_file(first.path + "/left.txt", "x");
  put_file(first.path + "/build/out.o", "x");
  CHECK(must(control.existing("T1")).path == first.path);
  CHECK(get_file(first.path + "/a.txt") == "changed\n");

  const Snapshot again = must(control.checkout("T1", ""));
  CHECK(again.path == first.path);
  CHECK(get_file(first.path + "/a.txt") == "one\n");
  CHECK_FALSE(there(first.path + "/left.txt"));
  CHECK_FALSE(there(first.path + "/build"));

  const Snapshot second = must(control.checkout("T2", ""));
  CHECK(second.path != first.path);
  put_file(first.path + "/left.txt", "x");
  must(control.release("T1"));
  must(control.release("T1"));
  CHECK(control.existing("T1").error().code == ErrorCode::not_found);
  CHECK(must(control.checkout("T3", "")).path == first.path);
  CHECK_FALSE(there(first.path + "/left.txt"));
}

TEST_CASE("the pool is bounded over all missions of a workspace") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitOptions options = user.options("m1");
  options.max_trees = 2;
  GitVersionControl one{options};
  options.mission = "m2";
  GitVersionControl two{options};
  must(one.open());
  must(two.open());
  must(one.checkout("T1", ""));
  must(two.checkout("T1", ""));
  const auto full = two.checkout("T2", "");
  REQUIRE_FALSE(full);
  CHECK(full.error().code == ErrorCode::limit_reached);
  CHECK(full.error().message.find("m1, m2") != std::string::npos);
  must(one.discard());
  CHECK(two.checkout("T2", "").ok());
}

TEST_CASE("a mission that has ended holds no tree; its branch is there as before") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitOptions options = user.options("m1");
  options.max_trees = 2;
  GitVersionControl one{options};
  must(one.open());
  must(one.checkout("integrated", ""));
  const Snapshot task = must(one.checkout("T1", ""));
  put_file(task.path + "/a.txt", "two\n");
  const std::string commit = must(one.commit("T1", {}));
  must(one.advance(must(one.tip()), commit));
  must(one.release_all());
  CHECK(one.existing("T1").error().code == ErrorCode::not_found);
  options.mission = "m2";
  GitVersionControl two{options};
  must(two.open());
  must(two.checkout("integrated", ""));
  must(two.checkout("T1", ""));
  CHECK(must(one.mission_diff(1000)).files.size() == 1);
  must(two.release_all());
  CHECK(must(one.checkout("integrated", "")).base == commit);  // it may still be asked for
}

TEST_CASE("the hash of a tree follows its files and not the ignored ones") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put(".gitignore", "*.log\n/out/\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  const std::string clean = must(control.tree_hash("T1"));
  CHECK(clean == user.git({"rev-parse", "HEAD^{tree}"}));
  put_file(tree.path + "/x.log", "noise");
  put_file(tree.path + "/out/y", "noise");
  CHECK(must(control.tree_hash("T1")) == clean);
  put_file(tree.path + "/a.txt", "two\n");
  const std::string changed = must(control.tree_hash("T1"));
  CHECK(changed != clean);
  CHECK(must(control.tree_hash("T1")) == changed);
  ::chmod((tree.path + "/a.txt").c_str(), 0755);
  CHECK(must(control.tree_hash("T1")) != changed);
  ::chmod((tree.path + "/a.txt").c_str(), 0644);
  // The same size in the same clock tick is still seen.
  put_file(tree.path + "/a.txt", "six\n");
  CHECK(must(control.tree_hash("T1")) != changed);
  put_file(tree.path + "/a.txt", "one\n");
  CHECK(must(control.tree_hash("T1")) == clean);
}

/// What `git` was asked, by a program in its place that writes it down.
class ToldGit {
 public:
  explicit ToldGit(const Workspace& user)
      : log_(user.outside("asked")), binary_(user.outside("told-git")) {
    put_file(binary_, "#!/bin/sh\necho \"$1\" >>'" + log_ + "'\nexec git \"$@\"\n");
    ::chmod(binary_.c_str(), 0755);
  }
  [[nodiscard]] const std::string& binary() const { return binary_; }
  /// Since the last call of this.
  std::string asked() const {
    auto text = there(log_) ? get_file(log_) : std::string();
    fs::remove(log_);
    return text;
  }

 private:
  std::string log_;
  std::string binary_;
};

/// Until nothing in the folder is so young that its times prove nothing.
void let_settle(const std::string& folder) {
  while (!stamp_of_tree(folder, 1000)->settled) std::this_thread::yield();
}

TEST_CASE("a tree in which nothing happened is known without git") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put(".gitignore", "*.log\n");
  user.make_repository();
  const ToldGit git(user);
  auto options = user.options();
  options.git_binary = git.binary();
  GitVersionControl control{options};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  const std::string whole = user.git({"rev-parse", "HEAD^{tree}"});
  (void)git.asked();
  // The first time a look at what is too young is needed, at most.
  CHECK(must(control.tree_hash("T1")) == whole);
  CHECK(git.asked().find("add") == std::string::npos);

  put_file(tree.path + "/b.txt", "new\n");
  let_settle(tree.path);
  const auto changed = must(control.tree_hash("T1"));
  CHECK(changed != whole);
  const auto diff = must(control.diff("T1", 1000));
  CHECK(diff.files.size() == 1);
  (void)git.asked();
  CHECK(must(control.tree_hash("T1")) == changed);
  CHECK(must(control.tracked_hash("T1")) == changed);
  must(control.clean_untracked("T1"));
  CHECK(must(control.diff("T1", 0)).files.size() == 1);
  CHECK(must(control.diff("T1", 10)).patch.size() <= 10);
  CHECK(git.asked().empty());

  SECTION("another content of the same size") { put_file(tree.path + "/b.txt", "old\n"); }
  SECTION("its mode") { ::chmod((tree.path + "/b.txt").c_str(), 0755); }
  SECTION("another file") { put_file(tree.path + "/sub/c.txt", ""); }
  SECTION("a file that is gone") { fs::remove(tree.path + "/a.txt"); }
  SECTION("a link in place of a file") {
    fs::remove(tree.path + "/a.txt");
    fs::create_symlink("b.txt", tree.path + "/a.txt");
  }
  SECTION("times that are put back") {
    const auto before = fs::last_write_time(tree.path + "/b.txt");
    put_file(tree.path + "/b.txt", "old\n");
    fs::last_write_time(tree.path + "/b.txt", before);
  }
  CHECK(must(control.tree_hash("T1")) != changed);
}

TEST_CASE(
    "what is ignored is taken away at the next checkout, whatever is remembered of the tree") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put(".gitignore", "*.log\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  must(control.checkout("T1", ""));
  put_file(tree.path + "/left.log", "noise");
  put_file(tree.path + "/left.txt", "noise");
  must(control.checkout("T1", ""));
  CHECK_FALSE(there(tree.path + "/left.log"));
  CHECK_FALSE(there(tree.path + "/left.txt"));
  put_file(tree.path + "/left.log", "noise");
  must(control.tree_hash("T1"));
  must(control.checkout("T1", ""));
  CHECK_FALSE(there(tree.path + "/left.log"));
}

TEST_CASE("what a check leaves behind does not count against it, and can be taken away") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put(".gitignore", "*.o\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(must(control.tracked_hash("T1")) == user.git({"rev-parse", "HEAD^{tree}"}));
  put_file(tree.path + "/new.txt", "the task's\n");
  const std::string hash = must(control.tree_hash("T1"));
  CHECK(must(control.tracked_hash("T1")) == hash);

  put_file(tree.path + "/.coverage/data", "left by the check");
  put_file(tree.path + "/report.xml", "left by the check");
  put_file(tree.path + "/cache.o", "ignored");
  CHECK(must(control.tracked_hash("T1")) == hash);
  // Asking for the diff in between does not make them the task's.
  must(control.diff("T1", 1000));
  CHECK(must(control.tracked_hash("T1")) == hash);
  must(control.clean_untracked("T1"));
  CHECK_FALSE(there(tree.path + "/.coverage"));
  CHECK_FALSE(there(tree.path + "/report.xml"));
  CHECK(there(tree.path + "/cache.o"));
  CHECK(get_file(tree.path + "/new.txt") == "the task's\n");
  CHECK(must(control.tree_hash("T1")) == hash);

  put_file(tree.path + "/a.txt", "changed by the check\n");
  CHECK(must(control.tracked_hash("T1")) != hash);
  fs::remove(tree.path + "/new.txt");
  put_file(tree.path + "/a.txt", "one\n");
  CHECK(must(control.tracked_hash("T1")) != hash);
  put_file(tree.path + "/new.txt", "the task's\n");
  CHECK(must(control.tracked_hash("T1")) == hash);
}

TEST_CASE("odd names, links, modes and contents survive checkout, commit and diff") {
  Workspace user;
  user.put("plain.txt", "x\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  const std::vector<std::string> names{
      "with space", "quote\"and'", "new\nline",   "tab\there",        "latin-\xe9", "-dash",
      "star*[x]",   "back\\slash", ":(top)magic", "\xf0\x9f\x98\x80", "Case",       "case"};
  for (const std::string& name : names) put_file(tree.path + "/d ir/" + name, name + "\n");
  put_file(tree.path + "/binary", std::string{"\0\1\2\xff\0", 5});
  put_file(tree.path + "/crlf.txt", "a\r\nb\r\n");
  put_file(tree.path + "/script", "#!/bin/sh\n");
  ::chmod((tree.path + "/script").c_str(), 0755);
  fs::create_symlink("/etc/passwd", tree.path + "/link");
  fs::create_directories(tree.path + "/empty/folder");

  const Diff diff = must(control.diff("T1", 1U << 20U));
  CHECK(diff.files.size() == names.size() + 4);
  for (const std::string& name : names)
    CHECK(std::count_if(diff.files.begin(), diff.files.end(), [&](const FileChange& file) {
            return file.path == "d ir/" + name && file.status == 'A' && file.removed == 0;
          }) == 1);
  const auto binary = std::find_if(diff.files.begin(), diff.files.end(),
                                   [](const FileChange& file) { return file.path == "binary"; });
  REQUIRE(binary != diff.files.end());
  CHECK(binary->added == -1);

  const std::string commit = must(control.commit("T1", CommitInfo{"Odd"}));
  const Snapshot copy = must(control.checkout("T2", commit));
  for (const std::string& name : names) CHECK(get_file(copy.path + "/d ir/" + name) == name + "\n");
  CHECK(get_file(copy.path + "/crlf.txt") == "a\r\nb\r\n");
  CHECK(get_file(copy.path + "/binary").size() == 5);
  CHECK(fs::read_symlink(copy.path + "/link") == "/etc/passwd");
  CHECK(::access((copy.path + "/script").c_str(), X_OK) == 0);
  CHECK(must(control.tree_hash("T2")) == must(control.tree_hash("T1")));
}

TEST_CASE("a diff names what was changed, added, deleted and retyped, and its patch is bounded") {
  Workspace user;
  user.put("keep.txt", "same\n");
  user.put("gone.txt", "old\n");
  user.put("move.txt", "moved content\nof some lines\n");
  user.put("type.txt", "file\n");
  user.put("edit.txt", "1\n2\n3\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  fs::remove(tree.path + "/gone.txt");
  fs::rename(tree.path + "/move.txt", tree.path + "/moved.txt");
  fs::remove(tree.path + "/type.txt");
  fs::create_symlink("edit.txt", tree.path + "/type.txt");
  put_file(tree.path + "/edit.txt", "1\ntwo\n3\n4\n");
  const Diff diff = must(control.diff("T1", 1U << 20U));
  std::string summary;
  for (const FileChange& file : diff.files)
    summary += std::string{file.status} + " " + file.path + " +" + std::to_string(file.added) +
               " -" + std::to_string(file.removed) + "\n";
  CHECK(summary ==
        "M edit.txt +2 -1\nD gone.txt +0 -1\nD move.txt +0 -2\nA moved.txt +2 -0\nT type.txt +1 "
        "-1\n");
  CHECK(diff.patch.find("+two") != std::string::npos);
  CHECK_FALSE(diff.truncated);
  const Diff cut = must(control.diff("T1", 100));
  CHECK(cut.truncated);
  CHECK(cut.patch.size() <= 100);
  CHECK(cut.patch.ends_with("\n"));
  CHECK(cut.files.size() == diff.files.size());
}

TEST_CASE("an agent's git commands reach neither the user's repository nor another task") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  const Snapshot other = must(control.checkout("T2", ""));
  const std::string refs = user.git({"for-each-ref"});
  const std::string ours = user.private_git({"for-each-ref"});
  const auto agent = [&](std::vector<std::string> args, const std::string& cwd) {
    args.insert(args.begin(), "git");
    CommandSpec spec;
    spec.argv = std::move(args);
    spec.cwd = cwd;
    return must(run_command(spec));
  };
  CHECK(agent({"status", "--porcelain"}, tree.path).out.empty());
  put_file(tree.path + "/a.txt", "agent's\n");
  CHECK(agent({"diff", "--stat"}, tree.path).out.find("a.txt") != std::string::npos);
  CHECK(agent({"stash"}, tree.path).success());
  CHECK(get_file(tree.path + "/a.txt") == "one\n");
  CHECK(agent({"stash", "list"}, other.path).out.empty());
  CHECK(agent({"stash", "pop"}, tree.path).success());
  CHECK(agent({"commit", "-qam", "own"}, tree.path).success());
  CHECK(agent({"branch", "mine"}, tree.path).success());
  CHECK(agent({"log", "--oneline"}, tree.path).out.find("First") != std::string::npos);

  CHECK(user.git({"for-each-ref"}) == refs);
  CHECK(user.private_git({"for-each-ref"}) == ours);
  CHECK(user.git({"stash", "list"}).empty());
  // What the agent committed by itself is still the task's change.
  CHECK(must(control.diff("T1", 1000)).files.size() == 1);
}

TEST_CASE("what an agent leaves in its own .git never runs in the engine's git") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  const std::string canary = user.outside("canary");
  put_file(tree.path + "/.git/config",
           "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = touch '" + canary +
               "'\n[filter \"evil\"]\n\tclean = touch '" + canary + "'\n\tsmudge = touch '" +
               canary + "'\n");
  put_file(tree.path + "/.gitattributes", "* filter=evil diff=evil\n");
  put_file(tree.path + "/a.txt", "two\n");
  must(control.tree_hash("T1"));
  must(control.diff("T1", 1000));
  must(control.commit("T1", CommitInfo{"x"}));
  must(control.checkout("T1", ""));
  CHECK_FALSE(there(canary));
  CHECK(get_file(tree.path + "/.git/config").find("evil") == std::string::npos);
}

TEST_CASE(
    "a tree that its agent replaced by a symlink is made anew, and the target is not cleaned") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  put_file(user.outside("precious/file"), "keep");
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  fs::remove_all(tree.path);
  fs::create_directory_symlink(user.outside("precious"), tree.path);
  const Snapshot again = must(control.checkout("T1", ""));
  CHECK(get_file(user.outside("precious/file")) == "keep");
  CHECK_FALSE(there(user.outside("precious/a.txt")));
  CHECK(fs::is_directory(fs::symlink_status(again.path)));
  CHECK(get_file(again.path + "/a.txt") == "one\n");
}

TEST_CASE("a nested repository is refused with its path") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  fs::copy(user.root(), tree.path + "/nested", fs::copy_options::recursive);
  const auto commit = control.commit("T1", CommitInfo{"x"});
  REQUIRE_FALSE(commit);
  CHECK(commit.error().code == ErrorCode::invalid_argument);
  CHECK(commit.error().context == "nested");
}

TEST_CASE("dependency folders are linked into trees and never become content") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put(".gitignore", "node_modules/\n");
  user.put("node_modules/pkg/index.js", "x");
  user.put("tracked/file", "x");
  user.make_repository();
  GitOptions options = user.options();
  options.linked_folders = {"node_modules", "tracked", "missing", "a.txt"};
  GitVersionControl control{options};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(fs::read_symlink(tree.path + "/node_modules") == user.path("node_modules"));
  CHECK(get_file(tree.path + "/node_modules/pkg/index.js") == "x");
  CHECK(fs::is_directory(fs::symlink_status(tree.path + "/tracked")));
  CHECK_FALSE(there(tree.path + "/missing"));
  CHECK(must(control.tree_hash("T1")) == user.git({"rev-parse", "HEAD^{tree}"}));
  // Another object that does not know of the links does not turn them into content.
  GitVersionControl other{user.options()};
  must(other.open());
  CHECK(must(control.tree_hash("T1")) == user.git({"rev-parse", "HEAD^{tree}"}));
  must(control.checkout("T1", ""));
  CHECK(get_file(user.path("node_modules/pkg/index.js")) == "x");
  CHECK(there(tree.path + "/node_modules"));
}

TEST_CASE("overlay puts single files of a commit into a tree, and takes away those it has not") {
  Workspace user;
  user.put("code.txt", "old\n");
  user.put("tests/old_test.txt", "old test\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  put_file(tree.path + "/code.txt", "new\n");
  put_file(tree.path + "/tests/new test.txt", "new test\n");
  fs::remove(tree.path + "/tests/old_test.txt");
  const std::string commit = must(control.commit("T1", CommitInfo{"x"}));
  const Snapshot trial = must(control.checkout("trial", user.head()));
  must(control.overlay("trial", commit, {"tests/new test.txt", "tests/old_test.txt"}));
  CHECK(get_file(trial.path + "/code.txt") == "old\n");
  CHECK(get_file(trial.path + "/tests/new test.txt") == "new test\n");
  CHECK_FALSE(there(trial.path + "/tests/old_test.txt"));
  CHECK_FALSE(control.overlay("trial", commit, {"../outside"}).ok());
}

TEST_CASE("the files of a tree's base can be read, whatever became of them and their names") {
  Workspace user;
  user.put("a.txt", "one\ntwo\n");
  user.put("dir/b blob 7.txt", "");
  user.put("line\nbreak", "broken name");
  user.put("long.txt", std::string(5000, 'x'));
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  put_file(tree.path + "/a.txt", "changed\n");
  put_file(tree.path + "/new blob 3", "new\n");
  fs::remove(tree.path + "/line\nbreak");
  const std::map<std::string, std::string> expected{
      {"a.txt", "one\ntwo\n"}, {"dir/b blob 7.txt", ""}, {"line\nbreak", "broken name"}};
  CHECK(must(control.base_files("T1",
                                {"new blob 3", "a.txt", "no\nfile", "line\nbreak", "dir",
                                 "long.txt", "dir/b blob 7.txt"},
                                4000)) == expected);
  CHECK(must(control.base_files("T1", {}, 4000)).empty());
  CHECK(control.base_files("none", {"a.txt"}, 4000).error().code == ErrorCode::not_found);
}

TEST_CASE("D1 a tree half made when the engine died is made whole by the next checkout") {
  Workspace user;
  for (int i = 0; i < 50; ++i) user.put("f" + std::to_string(i), std::to_string(i));
  user.make_repository();
  std::string path;
  {
    GitVersionControl control{user.options()};
    must(control.open());
    path = must(control.checkout("T1", "")).path;
  }
  fs::remove(path + "/f7");
  put_file(path + "/f8", "torn");
  fs::remove_all(path + "/.git");
  put_file(user.state() + "/slots/1/index.lock", "left by a killed git");
  std::string lease = get_file(user.state() + "/slots/1/lease.json");
  lease.replace(lease.find("ready"), 5, "preparing");
  put_file(user.state() + "/slots/1/lease.json", lease);

  GitVersionControl control{user.options()};
  CHECK(must(control.open()) == user.head());
  CHECK(control.existing("T1").error().code == ErrorCode::not_found);
  CHECK(must(control.checkout("T1", "")).path == path);
  CHECK(get_file(path + "/f7") == "7");
  CHECK(get_file(path + "/f8") == "8");
  put_file(user.state() + "/slots/1/index", "not an index");
  must(control.checkout("T1", ""));
  CHECK(must(control.tree_hash("T1")) == user.git({"rev-parse", "HEAD^{tree}"}));
}

TEST_CASE("a tree with a 100 MB file is hashed and committed") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  put_file(tree.path + "/big", "");
  fs::resize_file(tree.path + "/big", 100U << 20U);
  const Diff diff = must(control.diff("T1", 1000));
  REQUIRE(diff.files.size() == 1);
  CHECK(diff.files.front().added == -1);
  CHECK(must(control.commit("T1", CommitInfo{"big"})) != user.head());
}

}  // namespace muster::git::test
