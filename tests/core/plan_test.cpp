#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "runtime/core/leases.hpp"
#include "runtime/core/plan.hpp"
#include "runtime/core/test_paths.hpp"

using namespace muster;

namespace {

TaskSpec task(const std::string& id, std::vector<std::string> after = {}) {
  TaskSpec spec;
  spec.id = id;
  spec.title = "t";
  spec.depends_on = std::move(after);
  spec.verification = {{"make test", {}, {}, {}}};
  return spec;
}

std::string problems(const std::vector<TaskSpec>& tasks) {
  std::string out;
  for (const auto& problem : validate_plan(tasks, {}, {"M0.T1"})) out += problem + "\n";
  return out;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a plan is validated with reasons") {
  CHECK(problems({task("M1.T1"), task("M1.T2", {"M1.T1"}), task("M2.T1", {"M1"}),
                  task("M3.T1", {"M0.T1"})})
            .empty());
  CHECK(says(problems({}), "no task"));
  CHECK(says(problems({task("M1.T1", {"M1.T2"}), task("M1.T2", {"M1.T1"})}), "cycle"));
  CHECK(says(problems({task("M1.T1", {"M9.T9"})}), "not in the plan"));
  CHECK(says(problems({task("M1.T1"), task("M1.T1")}), "taken"));
  CHECK(says(problems({task("M1.T1"), task("M1.T1.S1")}), "is a group"));
  CHECK(says(problems({task("first")}), "looks like M1.T2"));
  CHECK(says(problems({task("M1.T1", {"M1.T1"})}), "itself"));
  auto bad = task("M1.T1");
  bad.files = {"a", "b", "c", "d"};
  CHECK(says(problems({bad}), "at most 3"));
  bad.files = {"../x"};
  CHECK(says(problems({bad}), "leaves the workspace"));
  bad.files = {"/etc/passwd"};
  CHECK(says(problems({bad}), "relative"));
  bad.files = {".git/hooks/x"};
  CHECK(says(problems({bad}), ".git"));
  bad.files.clear();
  bad.verification.clear();
  CHECK(says(problems({bad}), "no verification"));
  bad.verification = {{"", "guess", "a", ""}};
  CHECK(says(problems({bad}), "exists | matches | parses"));
}

TEST_CASE("a submitted plan is parsed with the path of what is wrong") {
  auto good = parse_plan(nlohmann::json::parse(
      R"({"tasks":[{"id":"T2","title":"x","files":["./a//b.c"],"depends_on":["T1"],"verification":["make test",{"check":"exists","path":"a"}]}]})"));
  REQUIRE(good.ok());
  CHECK(good->at(0).id == "M1.T2");
  CHECK(good->at(0).depends_on[0] == "M1.T1");
  CHECK(good->at(0).files[0] == "a/b.c");
  CHECK(good->at(0).verification[1].check == "exists");
  auto bad = parse_plan(nlohmann::json::parse(R"({"tasks":[{"id":7},{"files":[1]}]})"));
  REQUIRE_FALSE(bad.ok());
  CHECK(says(bad.error().message, "tasks[0].id"));
  CHECK(says(bad.error().message, "tasks[1].files"));
  CHECK_FALSE(parse_plan(nlohmann::json::parse("[]")).ok());
}

TEST_CASE("M12 S1.1.1 is not S1.1.10") {
  CHECK(id_within("M1.T1.S1", "M1.T1"));
  CHECK_FALSE(id_within("M1.T10", "M1.T1"));
  CHECK_FALSE(id_within("M1.T1", "M1.T1"));
  CHECK(is_todo_id("M1.T2.S3"));
  CHECK_FALSE(is_todo_id("M1.T2.S3.X4"));
  CHECK_FALSE(is_todo_id("M.T2"));
}

TEST_CASE("leases are granted all at once, first come first served") {
  LeaseTable leases;
  leases.request("A", {"x", "y"});
  leases.request("B", {"y", "z"});
  leases.request("C", {"z"});
  leases.request("D", {"w"});
  CHECK(leases.grant(10) == std::vector<std::string>{"A", "D"});  // C must not overtake B
  leases.release("A");
  CHECK(leases.grant(10) == std::vector<std::string>{"B"});
  CHECK(leases.extend("D", {"z"}) == "B");
  CHECK(leases.extend("D", {"q"}) == std::nullopt);
  CHECK(leases.holder_of("q") == "D");
  leases.request("E", {"q"});
  CHECK(leases.grant(10).empty());
  leases.release("D");
  leases.release("B");
  CHECK(leases.grant(1) == std::vector<std::string>{"C"});
  CHECK(leases.grant(10) == std::vector<std::string>{"E"});
  CHECK(leases.extend("C", {"q"}) == "E");
}

TEST_CASE("tests and sources are told apart by their names") {
  for (const char* path : {"tests/a.c", "src/x_test.go", "test_x.py", "a/b.test.ts", "x.spec.js",
                           "src/__tests__/a.js", "FooTest.java"})
    CHECK(is_test_path(path));
  for (const char* path : {"src/a.c", "latest.py", "contest/a.go", "attest.rs"}) {
    CHECK_FALSE(is_test_path(path));
    CHECK(is_source_path(path));
  }
  for (const char* path : {"README.md", "Makefile", "package.json", "tests/a.c"})
    CHECK_FALSE(is_source_path(path));
}
