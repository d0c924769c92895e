// Kinds of workspaces: plain folders, empty repositories, odd and hostile ones.

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "tests/adapters/git/git_fixture.hpp"

namespace muster::git::test {
namespace fs = std::filesystem;
using Kind = ApplyOutcome::Kind;

TEST_CASE("a plain folder is copied, worked on, applied and undone") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put("sub/b.txt", "b\n");
  user.put(".gitignore", "secret\n");
  user.put("secret", "not copied\n");
  const auto before = picture(user.root());
  GitVersionControl control{user.options()};
  const std::string base = must(control.open());
  CHECK(must(control.open()) == base);
  CHECK(must(control.dirty_files()).empty());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(get_file(tree.path + "/sub/b.txt") == "b\n");
  CHECK_FALSE(there(tree.path + "/secret"));
  put_file(tree.path + "/a.txt", "two\n");
  put_file(tree.path + "/c.txt", "c\n");
  fs::remove(tree.path + "/sub/b.txt");
  const std::string commit = must(control.commit("T1", CommitInfo{"x"}));
  must(control.advance(base, commit));
  CHECK(picture(user.root()) == before);

  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("a.txt") == "two\n");
  CHECK(user.get("c.txt") == "c\n");
  CHECK_FALSE(there(user.path("sub")));
  CHECK_FALSE(there(user.path(".git")));
  must(control.undo());
  CHECK(user.get("a.txt") == "one\n");
  CHECK(user.get("sub/b.txt") == "b\n");
  CHECK_FALSE(there(user.path("c.txt")));
  CHECK(user.get("secret") == "not copied\n");
}

TEST_CASE("a file of a plain folder that changed since is not overwritten") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put("b.txt", "b\n");
  GitVersionControl control{user.options()};
  must(control.open());
  land(control, "T1", "a.txt", "two\n");
  user.put("a.txt", "mine\n");
  user.put("b.txt", "also mine\n");
  CHECK(must(control.dirty_files()) == std::vector<std::string>{"a.txt", "b.txt"});
  const ApplyOutcome outcome = must(control.apply());
  CHECK(outcome.kind == Kind::branch_only);
  CHECK(outcome.note.find("a.txt") != std::string::npos);
  CHECK(user.get("a.txt") == "mine\n");
  user.put("a.txt", "one\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("a.txt") == "two\n");
  CHECK(user.get("b.txt") == "also mine\n");
}

TEST_CASE("a plain folder that is too large is refused with the largest part") {
  Workspace user;
  for (int i = 0; i < 20; ++i) user.put("data/f" + std::to_string(i), "0123456789");
  user.put("a.txt", "x");
  GitOptions options = user.options();
  SECTION("files") { options.max_plain_files = 10; }
  SECTION("bytes") { options.max_plain_bytes = 100; }
  GitVersionControl control{options};
  const auto opened = control.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::limit_reached);
  CHECK(opened.error().message.find("'data'") != std::string::npos);
}

TEST_CASE("an empty folder and an empty repository work") {
  Workspace user;
  bool repository = false;
  SECTION("folder") {}
  SECTION("repository") {
    user.git({"init", "-q", "-b", "main"});
    repository = true;
  }
  SECTION("repository with files and no commit") {
    user.git({"init", "-q", "-b", "main"});
    user.put("draft.txt", "draft\n");
    user.git({"add", "draft.txt"});
    repository = true;
  }
  GitVersionControl control{user.options()};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(get_file(tree.path + "/draft.txt") == user.get("draft.txt"));
  const std::string tip = land(control, "T1", "a.txt", "a\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("a.txt") == "a\n");
  if (repository) {
    CHECK_FALSE(user.git_succeeds({"rev-parse", "-q", "--verify", "HEAD"}));
    CHECK(user.git({"rev-parse", "muster/m1"}) == tip);
    CHECK(user.git({"fsck", "--strict"}).empty());
  }
  must(control.undo());
  CHECK_FALSE(there(user.path("a.txt")));
  must(control.discard());
}

TEST_CASE("hooks, filters, fsmonitor and other commands of a hostile repository never run") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put("b.txt", "one\n");
  user.put(".gitattributes", "* filter=evil diff=evil merge=evil\n");
  user.make_repository();
  const std::string canary = user.outside("canary");
  const std::string run = "touch '" + canary + "'";
  const std::string script = "#!/bin/sh\n" + run + "\n";
  for (const char* hook :
       {"pre-commit", "post-checkout", "post-merge", "post-index-change", "pre-auto-gc",
        "reference-transaction", "post-rewrite", "pre-push", "fsmonitor-watchman"}) {
    user.put(".git/hooks/" + std::string{hook}, script);
    ::chmod(user.path(".git/hooks/" + std::string{hook}).c_str(), 0755);
  }
  std::string config = user.get(".git/config");
  config += "[core]\n\tfsmonitor = \"" + run + "\"\n\thooksPath = .git/hooks\n\teditor = \"" + run +
            "\"\n\tpager = \"" + run + "\"\n\tsshCommand = \"" + run +
            "\"\n\talternateRefsCommand = \"" + run + "\"\n\tuntrackedCache = true\n";
  config += "[filter \"evil\"]\n\tclean = \"" + run + "; cat\"\n\tsmudge = \"" + run +
            "; cat\"\n\tprocess = \"" + run + "\"\n\trequired = true\n";
  config += "[diff]\n\texternal = \"" + run + "\"\n[diff \"evil\"]\n\ttextconv = \"" + run +
            "\"\n\tcommand = \"" + run + "\"\n[merge \"evil\"]\n\tdriver = \"" + run + "\"\n";
  config += "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = \"" + run + "\"\n[gc]\n\tauto = 1\n";
  config += "[remote \"origin\"]\n\turl = \"ext::sh -c " + canary +
            "\"\n\tpromisor = true\n\tuploadpack = \"" + run +
            "\"\n[protocol]\n\tallow = always\n[extensions]\n\tpartialClone = origin\n";
  config += "[alias]\n\tstatus = \"!" + run + "\"\n\tupdate-ref = \"!" + run + "\"\n";
  user.put(".git/config", config);
  user.put("b.txt", "uncommitted\n");
  const auto before = picture(user.root());

  GitVersionControl control{user.options()};
  must(control.open());
  CHECK(must(control.dirty_files()) == std::vector<std::string>{"b.txt"});
  const Snapshot one = must(control.checkout("T1", ""));
  const Snapshot two = must(control.checkout("T2", ""));
  CHECK(picture(user.root()) == before);
  put_file(one.path + "/a.txt", "two\n");
  put_file(two.path + "/a.txt", "three\n");
  must(control.diff("T1", 1000));
  const std::string commit = must(control.commit("T1", CommitInfo{"x"}));
  const std::string other = must(control.commit("T2", CommitInfo{"y"}));
  must(control.advance(must(control.tip()), commit));
  CHECK(must(control.merge(other, CommitInfo{"y"})).conflicts == std::vector<std::string>{"a.txt"});
  must(control.rebase_with_markers("T2"));
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("a.txt") == "two\n");
  CHECK(user.get("b.txt") == "uncommitted\n");
  must(control.undo());
  CHECK(user.get("a.txt") == "one\n");
  must(control.discard());
  CHECK_FALSE(there(canary));
  CHECK(user.get(".git/config") == config);
  // The trap was armed: the user's own git falls into it.
  user.put("b.txt", "changed again\n");
  user.git_succeeds({"add", "b.txt"});
  CHECK(there(canary));
}

TEST_CASE("a hostile commit that is not there is an error and no fetch") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  const std::string canary = user.outside("canary");
  std::string config = user.get(".git/config");
  config += "[remote \"origin\"]\n\turl = " + user.outside("none") +
            "\n\tpromisor = true\n\tuploadpack = \"touch '" + canary +
            "';\"\n[extensions]\n\tpartialClone = origin\n[protocol \"file\"]\n\tallow = always\n";
  config.replace(config.find("repositoryformatversion = 0"), 27, "repositoryformatversion = 1");
  user.put(".git/config", config);
  user.put(".git/refs/heads/main", std::string(40, 'a') + "\n");
  GitVersionControl control{user.options()};
  CHECK_FALSE(control.open().ok());
  CHECK_FALSE(there(canary));
}

TEST_CASE("git variables of the environment do not lead elsewhere") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.make_repository();
  ::setenv("GIT_DIR", "/nonexistent", 1);
  ::setenv("GIT_INDEX_FILE", "/nonexistent/index", 1);
  ::setenv("GIT_EXTERNAL_DIFF", "false", 1);
  GitVersionControl control{user.options()};
  const auto opened = control.open();
  const auto tree = control.checkout("T1", "");
  for (const char* name : {"GIT_DIR", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"}) ::unsetenv(name);
  CHECK(must(opened) == user.head());
  CHECK(get_file(must(tree).path + "/a.txt") == "one\n");
}

TEST_CASE("workspaces that cannot work are refused with what to do") {
  Workspace user;
  user.put("a.txt", "one\n");
  user.put("packages/app/main.txt", "x\n");
  user.make_repository();
  GitOptions options = user.options();
  SECTION("a folder of a repository") {
    options.workspace = user.path("packages/app");
    const auto opened = GitVersionControl{options}.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::invalid_argument);
    CHECK(opened.error().message.find(user.root()) != std::string::npos);
    CHECK(workspace_root(options.workspace) == user.root());
  }
  SECTION("a bare repository") {
    user.git({"clone", "-q", "--bare", ".", user.outside("bare.git")});
    options.workspace = user.outside("bare.git");
    CHECK(GitVersionControl{options}.open().error().code == ErrorCode::invalid_argument);
  }
  SECTION("no folder") {
    options.workspace = user.outside("nowhere");
    CHECK(GitVersionControl{options}.open().error().code == ErrorCode::not_found);
  }
  SECTION("state inside of the workspace") {
    options.state_folder = user.path(".state");
    CHECK(GitVersionControl{options}.open().error().code == ErrorCode::invalid_argument);
  }
  SECTION("a mission's name that leads elsewhere") {
    for (const char* name : {"", "../x", "a/b", "-x", "a..b", "x.lock", "a b", ".x"}) {
      options.mission = name;
      CHECK(GitVersionControl{options}.open().error().code == ErrorCode::invalid_argument);
    }
  }
  SECTION("no git") {
    options.git_binary = "/nonexistent/git";
    CHECK(GitVersionControl{options}.open().error().code == ErrorCode::unavailable);
  }
  CHECK(user.git({"status", "--porcelain"}).empty());
}

TEST_CASE("an ignored or untracked folder of a repository is a plain workspace") {
  Workspace user;
  user.put(".gitignore", "scratch\n");
  user.make_repository();
  user.put("scratch/a.txt", "one\n");
  GitOptions options = user.options();
  options.workspace = user.path("scratch");
  GitVersionControl control{options};
  must(control.open());
  land(control, "T1", "a.txt", "two\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("scratch/a.txt") == "two\n");
  CHECK(user.git({"for-each-ref", "--format=%(refname)"}) == "refs/heads/main");
}

TEST_CASE("shallow clones, SHA-256 repositories and split indexes work") {
  Workspace user;
  user.put("a.txt", "one\n");
  SECTION("shallow") {
    Workspace origin;
    origin.put("a.txt", "zero\n");
    origin.make_repository();
    origin.put("a.txt", "one\n");
    origin.commit_all("Second");
    fs::remove_all(user.root());
    origin.git({"clone", "-q", "--depth", "1", "file://" + origin.root(), user.root()});
  }
  SECTION("SHA-256") {
    user.git({"init", "-q", "-b", "main", "--object-format=sha256"});
    user.commit_all("First");
  }
  SECTION("split index") {
    user.make_repository();
    user.git({"config", "core.splitIndex", "true"});
    user.git({"update-index", "--split-index"});
    user.put("b.txt", "b\n");
    user.commit_all("Second");
  }
  GitVersionControl control{user.options()};
  must(control.open());
  CHECK(must(control.dirty_files()).empty());
  land(control, "T0", "new.txt", "x\n");
  const std::string tip = land(control, "T1", "a.txt", "two\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("a.txt") == "two\n");
  CHECK(user.head() == tip);
  CHECK(user.git({"status", "--porcelain"}).empty());
  CHECK(user.git_succeeds({"fsck", "--strict"}));
  must(control.undo());
  CHECK(user.git({"status", "--porcelain"}).empty());
}

TEST_CASE("files outside of a sparse checkout are not written") {
  Workspace user;
  user.put("in/a.txt", "one\n");
  user.put("out/b.txt", "one\n");
  user.make_repository();
  user.git({"sparse-checkout", "set", "in"});
  CHECK_FALSE(there(user.path("out")));
  GitVersionControl control{user.options()};
  must(control.open());
  CHECK(must(control.dirty_files()).empty());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(get_file(tree.path + "/out/b.txt") == "one\n");
  land(control, "T1", "in/a.txt", "two\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(user.get("in/a.txt") == "two\n");
  CHECK_FALSE(there(user.path("out")));
  CHECK(user.git({"status", "--porcelain"}).empty());
  land(control, "T2", "out/b.txt", "two\n");
  CHECK(must(control.apply()).kind == Kind::branch_only);
  CHECK_FALSE(there(user.path("out")));
}

TEST_CASE("a path with quotes, spaces and a line break holds workspace and state") {
  Workspace user;
  const std::string odd = user.outside("o\"dd 'pa\nth\\");
  put_file(odd + "/work/a.txt", "one\n");
  user.git({"-C", odd + "/work", "init", "-q", "-b", "main"});
  user.git({"-C", odd + "/work", "add", "-A"});
  user.git({"-C", odd + "/work", "commit", "-q", "-m", "First"});
  GitOptions options = user.options();
  options.workspace = odd + "/work";
  options.state_folder = odd + "/state";
  GitVersionControl control{options};
  must(control.open());
  const Snapshot tree = must(control.checkout("T1", ""));
  CHECK(user.git({"-C", tree.path, "status", "--porcelain"}).empty());
  land(control, "T1", "a.txt", "two\n");
  CHECK(must(control.apply()).kind == Kind::applied);
  CHECK(get_file(odd + "/work/a.txt") == "two\n");
}

}  // namespace muster::git::test
