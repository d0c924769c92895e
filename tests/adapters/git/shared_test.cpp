// The user's own tree as the place of work: what is lent, taken, and never overwritten.

#include <catch2/catch_test_macros.hpp>

#include "tests/adapters/git/git_fixture.hpp"

namespace muster::git::test {
namespace {

struct Shared {
  Workspace workspace;
  std::unique_ptr<GitVersionControl> control;

  Shared() {
    workspace.put("a.txt", "one\n");
    workspace.put("b.txt", "two\n");
    workspace.put(".gitignore", "build/\n");
    workspace.make_repository();
    open();
  }
  /// As a restarted engine does, or `muster undo`: without being told that the tree is shared.
  void open(bool first = true) {
    auto options = workspace.options();
    options.shared_tree = first;
    control = std::make_unique<GitVersionControl>(options);
    must(control->open());
  }
  void lend(const std::string& key) {
    CHECK(must(control->workplace(key)).path == workspace.root());
  }
};

}  // namespace

TEST_CASE("a shared tree: the task's own tree follows, and a fresh attempt begins with its base") {
  Shared shared;
  auto& workspace = shared.workspace;
  CHECK(shared.control->shared());
  auto own = must(shared.control->checkout("T1", "")).path;
  CHECK(own != workspace.root());
  shared.lend("T1");
  workspace.put("a.txt", "changed\n");
  workspace.put("new.txt", "new\n");
  workspace.put("build/out", "ignored\n");
  CHECK(must(shared.control->changed_files("T1")) == std::vector<std::string>{"a.txt", "new.txt"});
  CHECK(get_file(own + "/a.txt") == "one\n");
  must(shared.control->collect("T1"));
  CHECK(get_file(own + "/a.txt") == "changed\n");
  CHECK(get_file(own + "/new.txt") == "new\n");
  CHECK(must(shared.control->diff("T1", 0)).files.size() == 2);
  // The next agent goes on from there ...
  shared.lend("T1");
  CHECK(workspace.get("a.txt") == "changed\n");
  must(shared.control->collect("T1"));
  // ... and a fresh attempt from the base, build results apart.
  must(shared.control->checkout("T1", ""));
  shared.lend("T1");
  CHECK(workspace.get("a.txt") == "one\n");
  CHECK_FALSE(there(workspace.path("new.txt")));
  CHECK(workspace.get("build/out") == "ignored\n");
  // What was there is kept.
  CHECK(workspace.private_git({"show", "refs/muster/tasks/m1/T1-left:new.txt"}) == "new");
}

TEST_CASE("a shared tree: what somebody else changed between two agents is never overwritten") {
  Shared shared;
  auto& workspace = shared.workspace;
  must(shared.control->checkout("T1", ""));
  shared.lend("T1");
  workspace.put("a.txt", "agent\n");
  must(shared.control->collect("T1"));
  workspace.put("b.txt", "mine\n");
  must(shared.control->checkout("T1", ""));
  auto before = picture(workspace.root());
  auto lent = shared.control->workplace("T1");
  REQUIRE_FALSE(lent.ok());
  CHECK(lent.error().code == ErrorCode::conflict);
  CHECK(lent.error().message.find("b.txt") != std::string::npos);
  CHECK(picture(workspace.root()) == before);
  workspace.put("b.txt", "two\n");
  shared.lend("T1");
  CHECK(workspace.get("a.txt") == "one\n");
}

TEST_CASE("a shared tree: an agent that was cut off is gone on from after a restart") {
  Shared shared;
  must(shared.control->checkout("T1", ""));
  shared.lend("T1");
  shared.workspace.put("a.txt", "half\n");
  shared.open(false);
  CHECK(shared.control->shared());
  shared.lend("T1");
  CHECK(shared.workspace.get("a.txt") == "half\n");
  CHECK(must(shared.control->diff("T1", 0)).files.size() == 1);
}

TEST_CASE("a shared tree: undo without a seal takes the agents' files back, and theirs alone") {
  Shared shared;
  auto& workspace = shared.workspace;
  must(shared.control->checkout("T1", ""));
  shared.lend("T1");
  workspace.put("a.txt", "agent\n");
  workspace.put("new.txt", "agent\n");
  must(shared.control->collect("T1"));
  workspace.put("b.txt", "mine\n");
  shared.open(false);
  SECTION("files of the user's own stay") {
    must(shared.control->undo());
    CHECK(workspace.get("a.txt") == "one\n");
    CHECK_FALSE(there(workspace.path("new.txt")));
    CHECK(workspace.get("b.txt") == "mine\n");
  }
  SECTION("a file that both changed is refused, and nothing is touched") {
    workspace.put("a.txt", "both\n");
    auto before = picture(workspace.root());
    auto undone = shared.control->undo();
    REQUIRE_FALSE(undone.ok());
    CHECK(undone.error().message.find("a.txt") != std::string::npos);
    CHECK(picture(workspace.root()) == before);
    workspace.put("a.txt", "agent\n");  // then it can be
    must(shared.control->undo());
    CHECK(workspace.get("a.txt") == "one\n");
  }
}

TEST_CASE(
    "a shared tree: the seal commits what is there, without what did not land; undo goes back") {
  Shared shared;
  auto& workspace = shared.workspace;
  auto base = workspace.head();
  must(shared.control->checkout("T1", ""));
  shared.lend("T1");
  workspace.put("a.txt", "landed\n");
  must(shared.control->collect("T1"));
  auto commit = must(shared.control->commit("T1", CommitInfo{"T1"}));
  auto merged = must(shared.control->merge(commit, CommitInfo{"T1"}));
  must(shared.control->advance(must(shared.control->tip()), merged.commit));
  must(shared.control->checkout("T2", ""));
  shared.lend("T2");
  workspace.put("b.txt", "never landed\n");
  must(shared.control->collect("T2"));
  auto applied = must(shared.control->apply());
  CHECK(applied.kind == ApplyOutcome::Kind::applied);
  CHECK(workspace.get("a.txt") == "landed\n");
  CHECK(workspace.get("b.txt") == "two\n");
  CHECK(workspace.head() == merged.commit);
  CHECK(workspace.git({"status", "--porcelain"}).empty());
  must(shared.control->undo());
  CHECK(workspace.get("a.txt") == "one\n");
  CHECK(workspace.head() == base);
  CHECK(workspace.git({"status", "--porcelain"}).empty());
}

}  // namespace muster::git::test
