// What a candidate's text alone tells: syntax, imports, and the tests that it can reach.
#include "actors/grounding.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/fake_code.hpp"
#include "tests/support/fake_tree.hpp"

namespace muster {
namespace {

using namespace test;

struct ScriptedIndex final : FakeIndex {
  Result<std::vector<std::string>> dependents(const std::vector<std::string>& files) override {
    asked = files;
    return reached;
  }
  Result<std::vector<MissingImport>> missing_imports(
      const std::vector<std::string>& files) override {
    looked_at.push_back(files);
    return missing;
  }
  std::vector<std::string> asked;
  std::vector<std::vector<std::string>> looked_at;
  std::vector<std::string> reached;
  Result<std::vector<MissingImport>> missing = std::vector<MissingImport>{};
};

struct Ground {
  FakeTree tree{{{"a.py", ""}}};
  std::shared_ptr<FileMap> files = std::make_shared<FileMap>(FileMap{{"a.py", "import x"}});
  std::shared_ptr<ScriptedIndex> index = std::make_shared<ScriptedIndex>();
  std::vector<FileChange> changed{{"a.py"}};
  std::vector<ProjectCommand> tests{{"test", "test", "python3 -m pytest -q", "", "pytest.ini"}};
  std::vector<ReviewFinding> syntax;

  Ground() { REQUIRE(tree.checkout("M1.T1", "").ok()); }
  Grounding run() {
    auto open_files = [this](const std::string&) {
      return Result<std::shared_ptr<WorkspaceFiles>>(std::make_shared<FakeFiles>(files));
    };
    auto open_code = [this](const std::string&, std::shared_ptr<WorkspaceFiles>) {
      return Result<std::shared_ptr<WorkspaceCode>>(std::make_shared<FakeCode>(files, index));
    };
    auto judge = [this](const std::string&, const std::optional<std::string>&, const std::string&) {
      return syntax;
    };
    auto grounded = ground(tree, open_files, open_code, judge, {"M1.T1", "/tree", changed, tests});
    REQUIRE(grounded.ok());
    return *grounded;
  }
};

}  // namespace

TEST_CASE("an import that leads nowhere is an error; all files are looked at when some are gone") {
  Ground ground;
  ground.index->missing = std::vector<MissingImport>{{"a.py", 1, ".gone", "gone"}};
  auto grounded = ground.run();
  REQUIRE(grounded.findings.size() == 1);
  CHECK(grounded.findings[0].severity == "error");
  CHECK(grounded.findings[0].file == "a.py");
  CHECK(ground.index->looked_at.front() == std::vector<std::string>{"a.py"});
  ground.index->looked_at.clear();
  ground.changed.push_back({"gone.py", 'D'});
  CHECK(ground.run().findings.size() == 1);
  CHECK(ground.index->looked_at.front().empty());
}

TEST_CASE("what a file that did not change misses as well is made by a build") {
  Ground ground;
  ground.index->missing =
      std::vector<MissingImport>{{"a.py", 1, "._pb2", "_pb2"}, {"b.py", 4, "._pb2", "_pb2"}};
  CHECK(ground.run().findings.empty());
  ground.changed.push_back({"_pb2.py", 'D'});
  CHECK(ground.run().findings.size() == 2);
}

TEST_CASE("an index that fails is said and rejects nothing; one that knows no imports is silent") {
  Ground ground;
  ground.index->missing = Error{ErrorCode::io_error, "disk"};
  auto grounded = ground.run();
  REQUIRE(grounded.findings.size() == 1);
  CHECK(grounded.findings[0].severity == "warning");
  ground.index->missing = Error{ErrorCode::unavailable, "none"};
  CHECK(ground.run().findings.empty());
}

TEST_CASE("what does not parse is not looked at further") {
  Ground ground;
  ground.syntax = {{"a.py", 1, "unexpected", "error"}};
  ground.index->missing = std::vector<MissingImport>{{"a.py", 1, ".gone", "gone"}};
  auto grounded = ground.run();
  REQUIRE(grounded.findings.size() == 1);
  CHECK(grounded.findings[0].message == "unexpected");
}

TEST_CASE("tests that import what changed are run by the runner that can; too many are not") {
  Ground ground;
  ground.index->reached = {"tests/test_a.py", "b.py", "tests/test_b.py"};
  auto grounded = ground.run();
  CHECK(ground.index->asked == std::vector<std::string>{"a.py"});
  REQUIRE(grounded.targeted.size() == 1);
  CHECK(grounded.targeted[0].command ==
        "python3 -m pytest -q './tests/test_a.py' './tests/test_b.py'");
  CHECK(grounded.targeted[0].cwd.empty());
  ground.tests.clear();
  CHECK(ground.run().targeted.empty());
  ground.tests = {{"test", "test", "make test", "", "Makefile"}};
  CHECK(ground.run().targeted.empty());
  ground.tests = {{"test", "test", "python3 -m pytest -q", "", "pytest.ini"}};
  for (int i = 0; i < 30; ++i)
    ground.index->reached.push_back("tests/test_" + std::to_string(i) + ".py");
  CHECK(ground.run().targeted.empty());
}

}  // namespace muster
