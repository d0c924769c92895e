// The user's tree and repository: what apply, undo and discard change, and what they never touch.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <filesystem>
#include <memory>

#include "tests/adapters/git/git_fixture.hpp"

namespace muster::git::test {
namespace fs = std::filesystem;
using Kind = ApplyOutcome::Kind;

namespace {

/// A repository with a mission that changed, added and deleted a file in two landed tasks.
struct Sealed {
  Workspace user;
  std::unique_ptr<GitVersionControl> control;
  std::string base;
  std::string tip;

  explicit Sealed(const std::string& workspace_extra = "") {
    user.put("edit.txt", "one\n");
    user.put("gone/file.txt", "old\n");
    user.put("other.txt", "other\n");
    user.put("dirty.txt", "clean\n");
    if (!workspace_extra.empty()) user.put(workspace_extra, "x\n");
    user.make_repository();
    begin();
  }

  void begin() {
    control = std::make_unique<GitVersionControl>(user.options());
    base = must(control->open());
    land(*control, "T1", "edit.txt", "two\n");
    const Snapshot tree = must(control->checkout("T2", ""));
    fs::remove_all(tree.path + "/gone");
    put_file(tree.path + "/new dir/new.txt", "new\n");
    ::chmod((tree.path + "/new dir/new.txt").c_str(), 0755);
    fs::create_symlink("edit.txt", tree.path + "/link");
    const std::string commit = must(control->commit("T2", CommitInfo{"Second"}));
    must(control->advance(must(control->tip()), commit));
    tip = commit;
  }

  void check_applied() const {
    CHECK(user.get("edit.txt") == "two\n");
    CHECK_FALSE(there(user.path("gone")));
    CHECK(user.get("new dir/new.txt") == "new\n");
    CHECK(::access(user.path("new dir/new.txt").c_str(), X_OK) == 0);
    CHECK(fs::read_symlink(user.path("link")) == "edit.txt");
  }
  void check_not_applied() const {
    CHECK(user.get("edit.txt") == "one\n");
    CHECK(user.get("gone/file.txt") == "old\n");
    CHECK_FALSE(there(user.path("new dir")));
    CHECK_FALSE(there(user.path("link")));
  }
};

}  // namespace

TEST_CASE("apply moves a clean checkout forward, and undo takes it back") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  const auto before = picture(user.root());
  const ApplyOutcome outcome = must(sealed.control->apply());
  CHECK(outcome.kind == Kind::applied);
  CHECK(outcome.branch == "muster/m1");
  CHECK(outcome.commit == sealed.tip);
  sealed.check_applied();
  CHECK(user.head() == sealed.tip);
  CHECK(user.git({"symbolic-ref", "HEAD"}) == "refs/heads/main");
  CHECK(user.git({"rev-parse", "muster/m1"}) == sealed.tip);
  CHECK(user.git({"status", "--porcelain"}).empty());
  CHECK(user.git({"rev-list", "--count", sealed.base + "..main"}) == "2");
  CHECK(user.git({"fsck", "--strict", "--no-dangling"}).empty());
  CHECK_FALSE(there(user.path(".git/index.lock")));

  // The user's repository does not need ours.
  CHECK(must(sealed.control->apply()).kind == Kind::applied);
  must(sealed.control->undo());
  sealed.check_not_applied();
  CHECK(user.head() == sealed.base);
  CHECK(user.git({"status", "--porcelain"}).empty());
  auto after = picture(user.root());
  CHECK(after.size() == before.size());
  CHECK(after["other.txt"] == before.at("other.txt"));
  CHECK(sealed.control->undo().error().code == ErrorCode::not_found);
  CHECK(must(sealed.control->apply()).kind == Kind::applied);
  sealed.check_applied();
}

TEST_CASE("the user's repository stands alone after apply") {
  Sealed sealed;
  must(sealed.control->apply());
  fs::remove_all(sealed.user.state());
  CHECK(sealed.user.git({"fsck", "--full", "--strict"}).empty());
  CHECK(sealed.user.git({"show", "muster/m1:edit.txt"}) == "two");
}

TEST_CASE("uncommitted work beside the mission's files is byte-identical after apply and undo") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  user.put("dirty.txt", "unsaved thought\n");
  user.put("untracked.txt", "mine\n");
  user.put("other.txt", "staged\n");
  user.git({"add", "other.txt"});
  user.put("other.txt", "staged and more\n");
  const std::string status = user.git({"status", "--porcelain"});
  auto before = picture(user.root());
  CHECK(must(sealed.control->apply()).kind == Kind::applied);
  sealed.check_applied();
  CHECK(user.git({"status", "--porcelain"}) == status);
  CHECK(user.git({"show", ":other.txt"}) == "staged");
  for (const char* name : {"dirty.txt", "untracked.txt", "other.txt"})
    CHECK(picture(user.root()).at(name) == before.at(name));
  must(sealed.control->undo());
  sealed.check_not_applied();
  CHECK(user.git({"status", "--porcelain"}) == status);
  for (const char* name : {"dirty.txt", "untracked.txt", "other.txt"})
    CHECK(picture(user.root()).at(name) == before.at(name));
}

TEST_CASE("apply publishes the branch alone when the user's work overlaps") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  std::string expected;
  SECTION("a changed file") {
    user.put("edit.txt", "my own\n");
    expected = "edit.txt";
  }
  SECTION("a staged file") {
    user.put("edit.txt", "my own\n");
    user.git({"add", "edit.txt"});
    user.put("edit.txt", "one\n");
    expected = "staged changes: edit.txt";
  }
  SECTION("an untracked file where one is added") {
    user.put("new dir/new.txt", "mine\n");
    expected = "new dir/new.txt";
  }
  SECTION("an ignored file where one is added") {
    user.put(".git/info/exclude", "new dir\n");
    user.put("new dir/new.txt", "mine\n");
    expected = "new dir/new.txt";
  }
  SECTION("a folder where a link is added") {
    user.put("link/file", "mine\n");
    expected = "link";
  }
  SECTION("a symlink in place of a folder") {
    fs::create_directory_symlink(user.outside("elsewhere"), user.path("new dir"));
    fs::create_directory(user.outside("elsewhere"));
    expected = "new dir/new.txt";
  }
  SECTION("a deleted file") {
    fs::remove(user.path("edit.txt"));
    expected = "edit.txt";
  }
  SECTION("a file marked as unchanged") {
    user.git({"update-index", "--assume-unchanged", "edit.txt"});
    expected = "marked as unchanged: edit.txt";
  }
  SECTION("a merge in progress") {
    user.git({"checkout", "-q", "-b", "side"});
    user.put("dirty.txt", "side\n");
    user.commit_all("side");
    user.git({"checkout", "-q", "main"});
    user.put("dirty.txt", "main\n");
    user.commit_all("main");
    CHECK_FALSE(user.git_succeeds({"merge", "side"}));
    expected = "in the middle of a merge";
  }
  const auto before = picture(user.root());
  const std::string head = user.head();
  const std::string status = user.git({"status", "--porcelain"});
  const ApplyOutcome outcome = must(sealed.control->apply());
  CHECK(outcome.kind == Kind::branch_only);
  INFO(outcome.note);
  CHECK(outcome.note.find(expected) != std::string::npos);
  CHECK(picture(user.root()) == before);
  CHECK(user.head() == head);
  CHECK(user.git({"status", "--porcelain"}) == status);
  CHECK(user.git({"rev-parse", "muster/m1"}) == sealed.tip);
  CHECK_FALSE(there(user.path(".git/index.lock")));
  CHECK(sealed.control->undo().error().code == ErrorCode::not_found);
}

TEST_CASE("apply merges into a branch that moved, when the merge is clean") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  user.put("other.txt", "moved on\n");
  user.commit_all("Theirs");
  const std::string head = user.head();
  user.put("dirty.txt", "unsaved\n");
  const ApplyOutcome outcome = must(sealed.control->apply());
  CHECK(outcome.kind == Kind::merged);
  CHECK(user.head() == outcome.commit);
  CHECK(user.git({"log", "-1", "--format=%P"}) == head + " " + sealed.tip);
  sealed.check_applied();
  CHECK(user.get("other.txt") == "moved on\n");
  CHECK(user.git({"status", "--porcelain"}) == " M dirty.txt");
  CHECK(user.git({"fsck", "--strict", "--no-dangling"}).empty());
  must(sealed.control->undo());
  sealed.check_not_applied();
  CHECK(user.head() == head);
  CHECK(user.get("dirty.txt") == "unsaved\n");
}

TEST_CASE(
    "apply publishes the branch alone when the merge conflicts or there is no common history") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  std::string expected;
  SECTION("conflict") {
    user.put("edit.txt", "theirs\n");
    user.commit_all("Theirs");
    expected = "conflicts in edit.txt";
  }
  SECTION("another history") {
    user.git({"checkout", "-q", "--orphan", "fresh"});
    user.commit_all("Fresh");
    expected = "cannot be merged";
  }
  const std::string head = user.head();
  const auto before = picture(user.root());
  const ApplyOutcome outcome = must(sealed.control->apply());
  CHECK(outcome.kind == Kind::branch_only);
  CHECK(outcome.note.find(expected) != std::string::npos);
  CHECK(user.head() == head);
  CHECK(picture(user.root()) == before);
  CHECK(user.git({"rev-parse", "muster/m1"}) == sealed.tip);
}

TEST_CASE("undo is refused, with the files, when the user has gone on") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  must(sealed.control->apply());
  std::string expected;
  SECTION("an edit") {
    user.put("edit.txt", "two, and my own\n");
    expected = "edit.txt";
  }
  SECTION("a commit") {
    user.put("other.txt", "mine\n");
    user.commit_all("Mine");
    expected = "moved";
  }
  SECTION("another branch") {
    user.git({"checkout", "-q", "-b", "elsewhere"});
    expected = "moved";
  }
  SECTION("a file brought back") {
    user.put("gone/file.txt", "again\n");
    expected = "gone/file.txt";
  }
  const auto before = picture(user.root());
  const std::string head = user.head();
  const Status undone = sealed.control->undo();
  REQUIRE_FALSE(undone);
  CHECK(undone.error().code == ErrorCode::conflict);
  CHECK(undone.error().message.find(expected) != std::string::npos);
  CHECK(picture(user.root()) == before);
  CHECK(user.head() == head);
}

TEST_CASE("a detached HEAD is moved, and the user's branches are not") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  user.git({"checkout", "-q", "--detach"});
  CHECK(must(sealed.control->apply()).kind == Kind::applied);
  sealed.check_applied();
  CHECK(user.head() == sealed.tip);
  CHECK(user.git({"rev-parse", "main"}) == sealed.base);
  CHECK_FALSE(user.git_succeeds({"symbolic-ref", "-q", "HEAD"}));
  must(sealed.control->undo());
  CHECK(user.head() == sealed.base);
}

TEST_CASE("a linked worktree of the user's is a workspace like any other") {
  Workspace main;
  main.put("a.txt", "one\n");
  main.make_repository();
  main.git({"worktree", "add", "-q", "-b", "feature", main.outside("linked")});
  GitOptions options = main.options();
  options.workspace = main.outside("linked");
  GitVersionControl control{options};
  must(control.open());
  const std::string tip = land(control, "T1", "a.txt", "two\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(get_file(main.outside("linked/a.txt")) == "two\n");
  CHECK(main.get("a.txt") == "one\n");
  CHECK(main.git({"rev-parse", "feature"}) == tip);
  CHECK(main.git({"-C", main.outside("linked"), "status", "--porcelain"}).empty());
  must(control.undo());
  CHECK(get_file(main.outside("linked/a.txt")) == "one\n");
}

TEST_CASE("a branch of the user's with the mission's name is not overwritten") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  SECTION("with commits of its own") {
    user.git({"checkout", "-q", "-b", "muster/m1"});
    user.commit_all("Own");
    user.git({"checkout", "-q", "main"});
    CHECK(sealed.control->apply().error().code == ErrorCode::already_exists);
  }
  SECTION("checked out") {
    user.git({"checkout", "-q", "-b", "muster/m1"});
    CHECK(sealed.control->apply().error().code == ErrorCode::conflict);
  }
  SECTION("a branch called muster") {
    user.git({"branch", "muster"});
    CHECK_FALSE(sealed.control->apply().ok());
  }
  sealed.check_not_applied();
}

TEST_CASE("a submodule stays as it is in trees and in the user's checkout") {
  Workspace user;
  Workspace library;
  library.put("lib.txt", "x\n");
  library.make_repository();
  user.put("a.txt", "one\n");
  user.make_repository();
  user.git({"-c", "protocol.file.allow=always", "submodule", "add", "-q", library.root(), "sub"});
  user.commit_all("Submodule");
  GitVersionControl control{user.options()};
  must(control.open());
  CHECK(must(control.dirty_files()).empty());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(must(control.tree_hash("T1")) == user.git({"rev-parse", "HEAD^{tree}"}));
  land(control, "T1", "a.txt", "two\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("sub/lib.txt") == "x\n");
  CHECK(user.git({"status", "--porcelain"}).empty());
}

TEST_CASE("a file becomes a folder and a folder a file") {
  Workspace user;
  user.put("thing", "file\n");
  user.put("place/inner/file", "x\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  fs::remove(tree.path + "/thing");
  put_file(tree.path + "/thing/inner", "now a folder\n");
  fs::remove_all(tree.path + "/place");
  put_file(tree.path + "/place", "now a file\n");
  const std::string commit = must(control.commit("T1", CommitInfo{"Swap"}));
  must(control.advance(must(control.tip()), commit));
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("thing/inner") == "now a folder\n");
  CHECK(user.get("place") == "now a file\n");
  CHECK(user.git({"status", "--porcelain"}).empty());
  must(control.undo());
  CHECK(user.get("thing") == "file\n");
  CHECK(user.get("place/inner/file") == "x\n");
  CHECK(user.git({"status", "--porcelain"}).empty());
}

TEST_CASE("line endings are converted in the user's tree as its attributes say") {
  Workspace user;
  user.put(".gitattributes", "*.bat text eol=crlf\n");
  user.put("run.bat", "one\r\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(get_file(tree.path + "/run.bat") == "one\r\n");
  put_file(tree.path + "/run.bat", "two\r\n");
  const std::string commit = must(control.commit("T1", CommitInfo{"x"}));
  must(control.advance(must(control.tip()), commit));
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("run.bat") == "two\r\n");
  CHECK(user.git({"status", "--porcelain"}).empty());
  CHECK(user.git({"show", "HEAD:run.bat"}) == "two");
}

TEST_CASE("a mission that changed nothing leaves no branch") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  GitVersionControl control{user.options()};
  must(control.open());
  const ApplyOutcome outcome = must(control.apply());
  CHECK(outcome.kind == Kind::nothing);
  CHECK_FALSE(outcome.note.empty());
  CHECK(user.git({"for-each-ref", "refs/heads", "--format=%(refname)"}) == "refs/heads/main");
}

TEST_CASE("D1 apply and undo are finished after a kill at any step") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  const std::string record = user.state() + "/missions/m1/apply.json";
  const std::string own = user.path(".git/muster-m1.index");
  must(sealed.control->apply());
  const std::string done = get_file(record);
  std::string begun = done;
  begun.replace(begun.find("\"applied\"", begun.find("phase")), 9, "\"applying\"");
  const std::string died = GENERATE("files are written", "branch is left", "record is left");
  const bool by_undo = GENERATE(false, true);
  CAPTURE(died, by_undo);
  if (died == "files are written") {
    must(sealed.control->undo());
    put_file(record, begun);
    user.put("edit.txt", "two\n");
    fs::remove_all(user.path("gone"));
    // The lock that the killed run held: known as ours by being the same file.
    put_file(own, "");
    fs::create_hard_link(own, user.path(".git/index.lock"));
  }
  if (died == "branch is left") {
    user.git({"update-ref", "refs/heads/main", sealed.base});
    put_file(record, begun);
  }
  if (died == "record is left") put_file(record, begun);
  sealed.control = std::make_unique<GitVersionControl>(user.options());
  must(sealed.control->open());
  if (by_undo) {
    must(sealed.control->undo());
    sealed.check_not_applied();
    CHECK(user.head() == sealed.base);
    CHECK(user.git({"status", "--porcelain"}).empty());
  }
  CHECK(must(sealed.control->apply()).kind == Kind::applied);
  sealed.check_applied();
  CHECK(user.head() == sealed.tip);
  CHECK(user.git({"status", "--porcelain"}).empty());
  CHECK_FALSE(there(user.path(".git/index.lock")));
  CHECK_FALSE(there(own));

  // The same for undo: some files are back, the record says so.
  std::string undoing = done;
  undoing.replace(undoing.find("\"applied\"", undoing.find("phase")), 9, "\"undoing\"");
  put_file(record, undoing);
  user.put("edit.txt", "one\n");
  must(sealed.control->undo());
  sealed.check_not_applied();
  CHECK(user.head() == sealed.base);
  CHECK(user.git({"status", "--porcelain"}).empty());
}

TEST_CASE("an apply that was interrupted does not overwrite what the user did since") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  const std::string record = user.state() + "/missions/m1/apply.json";
  must(sealed.control->apply());
  std::string begun = get_file(record);
  begun.replace(begun.find("\"applied\"", begun.find("phase")), 9, "\"applying\"");
  must(sealed.control->undo());
  put_file(record, begun);
  user.put("edit.txt", "mine\n");
  const auto before = picture(user.root());
  const auto outcome = sealed.control->apply();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::conflict);
  CHECK(outcome.error().message.find("edit.txt") != std::string::npos);
  CHECK(picture(user.root()) == before);
}

TEST_CASE("another git command's index lock is respected") {
  Sealed sealed;
  put_file(sealed.user.path(".git/index.lock"), "");
  const auto outcome = sealed.control->apply();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::unavailable);
  CHECK(there(sealed.user.path(".git/index.lock")));
  sealed.check_not_applied();
  fs::remove(sealed.user.path(".git/index.lock"));
  CHECK(must(sealed.control->apply()).kind == Kind::applied);
}

TEST_CASE("a file that had the mission's content already is not taken away by undo") {
  Sealed sealed;
  const Workspace& user = sealed.user;
  user.put("new dir/new.txt", "new\n");
  ::chmod(user.path("new dir/new.txt").c_str(), 0755);
  CHECK(must(sealed.control->apply()).kind == Kind::applied);
  sealed.check_applied();
  must(sealed.control->undo());
  CHECK(user.get("new dir/new.txt") == "new\n");
  CHECK(user.get("edit.txt") == "one\n");
  CHECK(user.git({"status", "--porcelain"}) == "?? \"new dir/\"");
}

}  // namespace muster::git::test
