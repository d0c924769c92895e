// One verification, under virtual time: receipts, freshness, the rule of the new test, and its end.
#include "actors/verifier.hpp"

#include <catch2/generators/catch_generators.hpp>

#include "tests/actors/verify_stage.hpp"
#include "tests/support/fake_tree.hpp"

namespace muster {
namespace {

using namespace test;

struct VerifyStage {
  SessionStage base;
  std::shared_ptr<FakeTree> tree =
      std::make_shared<FakeTree>(FileMap{{"src/a.cpp", "old"}, {"tests/a_test.cpp", "old"}});
  VerifySpec spec;
  decltype(VerifyDeps::syntax) syntax;
  std::map<std::string, int> exits;                                    ///< command -> exit code
  std::function<void(const std::string&, const std::string&)> on_run;  ///< command, folder

  VerifyStage() {
    REQUIRE(tree->checkout("M1.T1", "").ok());
    spec.id = "V5";
    spec.mission = "M";
    spec.intent = 5;
    spec.task = "M1.T1";
    spec.key = "M1.T1";
    spec.base = "commit1";
    spec.checks = {{"M1.T1#1", "make test", {}, {}}};
    base.processes->on_start = [this](const std::string& name) {
      const auto& ran = base.processes->specs.back();
      if (on_run) on_run(name, ran.cwd);
      if (auto code = exits.find(name); code != exits.end())
        base.processes->inner.exit(name, code->second);
    };
  }
  verifier_actor start() {
    auto deps = verify_deps(base, tree);
    deps.builtin_check = [](const Verification& check,
                            const std::string& content) -> Result<std::string> {
      if (check.check == "matches" && content.find(check.pattern) == std::string::npos)
        return std::string("does not match");
      return std::string();
    };
    deps.syntax = syntax;
    auto verifier = base.time.spawn<Verifier, verifier_actor>(spec, std::move(deps), base.mission);
    base.time.run();
    return verifier;
  }
  [[nodiscard]] const VerifyResult& result() const {
    REQUIRE(base.ledger->verified.size() == 1);
    return *base.ledger->verified[0];
  }
  FileMap& files() { return tree->files("M1.T1"); }
};

}  // namespace

TEST_CASE("M10 receipts carry what ran, how it ended, and the tree before and after") {
  VerifyStage stage;
  stage.exits = {{"make test", 0}, {"make lint", 2}};
  stage.spec.checks.push_back({"lint", "make lint", "sub", {}});
  stage.on_run = [&](const std::string& name, const std::string&) {
    stage.base.processes->inner.at(name).output =
        name == "make lint" ? "\x1b[31msrc/a.cpp:3:1: error: bad\x1b[0m\n" : "";
  };
  auto verifier = stage.start();
  const auto& result = stage.result();
  CHECK_FALSE(result.failure);
  REQUIRE(result.receipts.size() == 2);
  const auto& passed = result.receipts[0];
  CHECK(passed.passed());
  CHECK(passed.facts().check == "M1.T1#1");
  CHECK(passed.facts().command == "make test");
  CHECK(passed.fresh_for(result.tree));
  const auto& failed = result.receipts[1].facts();
  CHECK((failed.exit_code == 2 && failed.check == "lint"));
  CHECK(failed.fingerprints.size() == 1);
  CHECK(failed.output_tail.find('\x1b') == std::string::npos);
  CHECK(stage.base.processes->specs[1].cwd == "/trees/M1.T1/sub");
  CHECK(stage.base.processes->specs[1].unset_env == std::vector<std::string>{"KEY"});
  CHECK(stage.base.time.dead(verifier));
}

TEST_CASE(
    "a check that changes a tracked file is not fresh; what it leaves behind is cleaned away and "
    "does not count") {
  VerifyStage stage;
  stage.exits = {{"make test", 0}};
  bool changes = GENERATE(false, true);
  stage.on_run = [&](const std::string&, const std::string&) {
    if (changes) stage.files()["src/a.cpp"] = "formatted";
    stage.files()["build/out.o"] = "object";
  };
  stage.start();
  const auto& result = stage.result();
  REQUIRE(result.receipts.size() == 1);
  CHECK(result.receipts[0].fresh_for(result.tree) == !changes);
  CHECK_FALSE(stage.files().contains("build/out.o"));
}

TEST_CASE("the syntax of what changed comes first: an error ends it, a warning is told") {
  VerifyStage stage;
  stage.exits = {{"make test", 0}};
  stage.files()["src/a.cpp"] = "new";
  stage.files()["src/b.cpp"] = "fresh";
  stage.files().erase("tests/a_test.cpp");
  std::map<std::string, std::string> seen;
  std::string severity;
  stage.syntax = [&](const std::string& path, const std::optional<std::string>& before,
                     const std::string& after) -> std::vector<ReviewFinding> {
    seen[path] = before.value_or("<none>") + " -> " + after;
    if (path != "src/b.cpp") return {};
    return {{path, 1, "syntax: bad", severity}};
  };
  SECTION("an error") {
    severity = "error";
    stage.start();
    CHECK(stage.result().receipts.empty());
    CHECK(stage.base.processes->specs.empty());
  }
  SECTION("a warning") {
    severity = "warning";
    stage.start();
    CHECK(stage.result().receipts.size() == 1);
  }
  REQUIRE(stage.result().findings.size() == 1);
  CHECK(stage.result().findings[0].severity == severity);
  CHECK(seen == std::map<std::string, std::string>{{"src/a.cpp", "old -> new"},
                                                   {"src/b.cpp", "<none> -> fresh"}});
}

TEST_CASE("a change of behaviour wants a test that fails on the base") {
  VerifyStage stage;
  stage.spec.wants_new_test = true;
  stage.files()["src/a.cpp"] = "new";
  std::vector<std::string> folders;
  int on_base = 0;
  stage.exits = {};
  stage.on_run = [&](const std::string& name, const std::string& folder) {
    folders.push_back(folder);
    auto code = folder.ends_with("-base") ? on_base : 0;
    stage.base.processes->inner.exit(name, code);
  };
  SECTION("no test changed: a finding") {
    stage.start();
    REQUIRE(stage.result().findings.size() == 1);
    CHECK(stage.result().findings[0].message.find("no test did") != std::string::npos);
    CHECK(folders.size() == 1);
  }
  SECTION("the test passes on the base, too: a finding") {
    stage.files()["tests/a_test.cpp"] = "weak";
    stage.start();
    REQUIRE(stage.result().findings.size() == 1);
    CHECK(stage.result().findings[0].message.find("pass without the change") != std::string::npos);
    CHECK(folders == std::vector<std::string>{"/trees/M1.T1", "/trees/M1.T1-base"});
  }
  SECTION("it fails on the base: well") {
    on_base = 1;
    stage.files()["tests/a_test.cpp"] = "strong";
    std::string source;
    auto inner = stage.on_run;
    stage.on_run = [&, inner](const std::string& name, const std::string& folder) {
      if (folder.ends_with("-base")) {
        source = stage.tree->files("M1.T1-base").at("src/a.cpp") + "/" +
                 stage.tree->files("M1.T1-base").at("tests/a_test.cpp");
      }
      inner(name, folder);
    };
    stage.start();
    CHECK(stage.result().findings.empty());
    CHECK(source == "old/strong");  // the new test on the old code
    REQUIRE(stage.result().receipts.size() == 1);
  }
  SECTION("only documents changed: no test is wanted") {
    stage.files()["src/a.cpp"] = "old";
    stage.files()["README.md"] = "hello";
    stage.start();
    CHECK(stage.result().findings.empty());
  }
  SECTION("a failing check says enough") {
    stage.on_run = [&](const std::string& name, const std::string&) {
      stage.base.processes->inner.exit(name, 1);
    };
    stage.start();
    CHECK(stage.result().findings.empty());
  }
  CHECK_FALSE(stage.tree->trees.contains("M1.T1-base"));
}

TEST_CASE("a refused command is a finding, makes no receipt, and ends the matter") {
  VerifyStage stage;
  stage.spec.wants_new_test = true;
  stage.files()["src/a.cpp"] = "new";
  stage.files()["tests/a_test.cpp"] = "new";
  stage.spec.checks = {{"M1.T1#1", "rm -rf /", {}, {}}};
  SECTION("alone") {}
  SECTION("beside one that runs") {
    stage.exits = {{"make test", 0}};
    stage.spec.checks.push_back({"M1.T1#2", "make test", {}, {}});
  }
  auto verifier = stage.start();
  const auto& result = stage.result();
  REQUIRE(result.findings.size() == 1);
  CHECK(result.findings[0].message.starts_with("verification refused"));
  CHECK(result.receipts.size() == stage.spec.checks.size() - 1);
  REQUIRE(stage.base.ledger->refused.size() == 1);  // F1
  CHECK(stage.base.ledger->refused[0].role == "engine");
  CHECK(stage.base.ledger->refused[0].command == "rm -rf /");
  CHECK(stage.base.time.dead(verifier));
}

TEST_CASE("a check that runs out of time does not pass") {
  VerifyStage stage;
  stage.spec.deadline = 60s;
  auto verifier = stage.start();
  CHECK(stage.base.processes->specs.at(0).deadline == 60s);
  ProcessExit exit;
  exit.timed_out = exit.killed = true;
  exit.signal = 9;
  stage.base.processes->inner.at("make test").finish(exit);
  stage.base.time.run();
  REQUIRE(stage.result().receipts.size() == 1);
  CHECK(stage.result().receipts[0].facts().timed_out);
  CHECK_FALSE(stage.result().receipts[0].passed());
  CHECK(stage.base.time.dead(verifier));
}

TEST_CASE(
    "T9 a stopped verification kills its checks, gives its trees back, and tells once that it was "
    "cancelled") {
  VerifyStage stage;
  bool at_base = GENERATE(false, true);
  bool mission_died = GENERATE(false, true);
  CAPTURE(at_base, mission_died);
  if (at_base) {
    stage.spec.wants_new_test = true;
    stage.files()["src/a.cpp"] = "new";
    stage.files()["tests/a_test.cpp"] = "new";
    stage.on_run = [&](const std::string& name, const std::string& folder) {
      if (!folder.ends_with("-base")) stage.base.processes->inner.exit(name, 0);
    };
  }
  auto verifier = stage.start();
  REQUIRE(stage.base.processes->inner.running == 1);
  if (mission_died) {
    compat::kill(stage.base.mission);
  } else {
    compat::post(verifier, stop_atom_v);
    compat::post(verifier, stop_atom_v);
  }
  stage.base.time.run();
  CHECK(stage.base.processes->inner.running == 0);
  CHECK(stage.base.time.dead(verifier));
  CHECK_FALSE(stage.tree->trees.contains("M1.T1-base"));
  if (mission_died) return;
  REQUIRE(stage.result().failure);
  CHECK(stage.result().failure->code == ErrorCode::cancelled);
}

TEST_CASE("built-in checks are receipts like others") {
  VerifyStage stage;
  stage.files()["README.md"] = "hello";
  stage.spec.checks = {{"c1", "", {}, {"", "exists", "README.md", ""}},
                       {"c2", "", {}, {"", "exists", "missing.md", ""}},
                       {"c3", "", {}, {"", "matches", "README.md", "world"}}};
  stage.start();
  const auto& receipts = stage.result().receipts;
  REQUIRE(receipts.size() == 3);
  CHECK(receipts[0].passed());
  CHECK(receipts[0].facts().command == "builtin exists README.md");
  CHECK(receipts[0].fresh_for(stage.result().tree));
  CHECK_FALSE(receipts[1].passed());
  CHECK(receipts[1].facts().output_tail == "missing.md does not exist");
  CHECK_FALSE(receipts[2].passed());
}

TEST_CASE(
    "a check that cannot start, and a tree that is not there, are failures of the verification, "
    "not of the work") {
  VerifyStage stage;
  SECTION("no process") {
    stage.base.processes->inner.start_error = Error{ErrorCode::not_found, "no bash"};
  }
  SECTION("no tree") { stage.spec.key = "other"; }
  SECTION("killed from outside") {
    stage.on_run = [&](const std::string& name, const std::string&) {
      stage.base.processes->inner.at(name).finish_killed();
    };
  }
  auto verifier = stage.start();
  CHECK(stage.result().failure);
  CHECK(stage.result().receipts.empty());
  CHECK(stage.base.time.dead(verifier));
}

TEST_CASE("a candidate that makes a test demand less is rejected, unless the task is about it") {
  VerifyStage stage;
  stage.tree = std::make_shared<FakeTree>(
      FileMap{{"src/a.js", "export const f = () => 3;"},
              {"test/a.test.js", "test('f', () => {\n  expect(f()).toBe(3);\n});\n"}});
  REQUIRE(stage.tree->checkout("M1.T1", "").ok());
  stage.exits = {{"make test", 0}};
  stage.spec.guards_tests = true;
  stage.spec.planned = {"src/a.js"};
  stage.files()["src/a.js"] = "export const f = () => 4;";
  auto& test = stage.files()["test/a.test.js"];
  SECTION("an expectation edited to fit") {
    test = "test('f', () => {\n  expect(f()).toBe(4);\n});\n";
    stage.start();
    REQUIRE(stage.result().findings.size() == 1);
    const auto& finding = stage.result().findings[0];
    CHECK(finding.severity == "error");
    CHECK(finding.file == "test/a.test.js");
    CHECK(finding.line == 2);
    CHECK(finding.message.starts_with("test tampering, expectation-edited: "));
    CHECK(stage.base.processes->specs.empty());  // nothing is built for it
  }
  SECTION("the file deleted") {
    stage.files().erase("test/a.test.js");
    stage.start();
    REQUIRE(stage.result().findings.size() == 1);
    CHECK(stage.result().findings[0].message.find("test-file-deleted") != std::string::npos);
  }
  SECTION("more asserted than before") {
    test = "test('f', () => {\n  expect(f()).toBe(3);\n  expect(f(1)).toBe(4);\n});\n";
    stage.start();
    CHECK(stage.result().findings.empty());
  }
  SECTION("a task about the test") {
    stage.spec.planned.push_back("test/a.test.js");
    test = "test('f', () => {\n  expect(f()).toBe(4);\n});\n";
    stage.start();
    CHECK(stage.result().findings.empty());
  }
  SECTION("a task whose plan names a folder") {
    stage.spec.planned = {"src", "test"};
    test = "";
    stage.start();
    CHECK(stage.result().findings.empty());
  }
  SECTION("a task without planned files: the reviewer is told") {
    stage.spec.planned.clear();
    test = "test('f', () => {\n  expect(f()).toBe(4);\n});\n";
    stage.start();
    REQUIRE(stage.result().findings.size() == 1);
    CHECK(stage.result().findings[0].severity == "warning");
  }
  SECTION("a verification that does not guard tests") {
    stage.spec.guards_tests = false;
    test = "";
    stage.start();
    CHECK(stage.result().findings.empty());
  }
  SECTION("the base cannot be read: a failure of the verification, not of the work") {
    stage.tree->base_error = Error{ErrorCode::io_error, "disk"};
    test = "";
    stage.start();
    CHECK(stage.result().failure);
  }
}

TEST_CASE("a failure that the change cannot have caused is run once more, and said to be flaky") {
  VerifyStage stage;
  stage.spec.runs_again = true;
  stage.files()["README.md"] = "hello";
  std::vector<int> ends{1, 0};
  std::size_t runs = 0;
  stage.on_run = [&](const std::string& name, const std::string&) {
    stage.base.processes->inner.at(name).output = "not ok 1 - network\n";
    stage.base.processes->inner.exit(name, ends.at(runs++));
  };
  SECTION("it passes the second time: a warning, and a marked receipt") {
    stage.start();
    CHECK(runs == 2);
    REQUIRE(stage.result().receipts.size() == 1);
    CHECK(stage.result().receipts[0].passed());
    CHECK(stage.result().receipts[0].facts().flaky);
    REQUIRE(stage.result().findings.size() == 1);
    CHECK(stage.result().findings[0].severity == "warning");
    CHECK(stage.result().findings[0].message.starts_with("flaky: 'make test' failed"));
    CHECK(stage.result().findings[0].message.ends_with(": network"));
  }
  SECTION("it fails again: it fails") {
    ends = {1, 2};
    stage.start();
    CHECK(runs == 2);
    REQUIRE(stage.result().receipts.size() == 1);
    CHECK(stage.result().receipts[0].facts().exit_code == 2);
    CHECK_FALSE(stage.result().receipts[0].facts().flaky);
    CHECK(stage.result().findings.empty());
  }
  SECTION("each check has its own second run") {
    ends = {1, 0, 1, 0};
    stage.spec.checks.push_back({"M1.T1#2", "make lint", {}, {}});
    stage.start();
    CHECK(runs == 4);
    CHECK(stage.result().findings.size() == 2);
  }
  SECTION("source changed, too: no second run") {
    stage.files()["src/a.cpp"] = "new";
    stage.start();
    CHECK(runs == 1);
    CHECK_FALSE(stage.result().receipts.at(0).passed());
  }
  SECTION("the check changed the tree: no second run") {
    auto inner = stage.on_run;
    stage.on_run = [&, inner](const std::string& name, const std::string& folder) {
      stage.files()["src/a.cpp"] = "formatted";
      inner(name, folder);
    };
    stage.start();
    CHECK(runs == 1);
  }
  SECTION("red at the baseline, or the whole tree: no second run") {
    stage.spec.runs_again = false;
    stage.start();
    CHECK(runs == 1);
  }
}

}  // namespace muster
