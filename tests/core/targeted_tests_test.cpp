// The command that runs some test files, runner by runner.
#include "runtime/core/targeted_tests.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster {
namespace {

std::string targeted(const std::string& command, const std::vector<std::string>& tests,
                     const std::string& script = {}, const std::string& cwd = {}) {
  ProjectCommand project{"test", "test", command, cwd, script.empty() ? "x" : "package.json"};
  return targeted_test_command(project, script, tests).value_or("");
}

}  // namespace

TEST_CASE("runners that take files are given them, quoted and from their folder") {
  CHECK(targeted("python3 -m pytest -q", {"tests/test_b.py", "tests/test_a.py", "x.js"}) ==
        "python3 -m pytest -q './tests/test_a.py' './tests/test_b.py'");
  CHECK(targeted("uv run pytest -q", {"api/tests/test_a.py", "web/test_x.py"}, {}, "api") ==
        "uv run pytest -q './tests/test_a.py'");
  CHECK(targeted("python3 -m pytest -q", {"test_it's.py"}) ==
        "python3 -m pytest -q './test_it'\\''s.py'");
  CHECK(targeted("go test ./...", {"a/x_test.go", "a/y_test.go", "z_test.go", "a/b.go"}) ==
        "go test '.' './a'");
  CHECK(targeted("cargo test", {"tests/api.rs"}) == "cargo test --test 'api'");
  CHECK(targeted("cargo test", {"tests/api.rs", "src/lib.rs"}).empty());
  CHECK(targeted("npm test", {"-x.test.js"}, "node --test") == "node --test './-x.test.js'");
  CHECK(targeted("npm test", {"a.test.ts"}, "vitest") ==
        "npx --no-install vitest run --passWithNoTests './a.test.ts'");
  CHECK(targeted("npm test", {"a.test.ts"}, "jest --ci") ==
        "npx --no-install jest --passWithNoTests --ci --runTestsByPath './a.test.ts'");
}

TEST_CASE("where it cannot be told what runs, nothing is targeted") {
  CHECK(targeted("make test", {"a_test.py"}).empty());
  CHECK(targeted("python3 -m pytest -q", {}).empty());
  CHECK(targeted("python3 -m pytest -q", {"a.test.js"}).empty());
  CHECK(targeted("npm test", {"a.test.js"}, "tsc && jest").empty());
  CHECK(targeted("npm test", {"a.test.js"}, "node test.js").empty());
  CHECK(targeted("npm test", {"a.test.js"}, "node --testing").empty());
  CHECK(targeted("npm test", {"a.test.js"}, "mocha -r ts-node/register").empty());
  CHECK(targeted("npm test", {"a.test.js"}, "node --test test/unit").empty());
  CHECK(targeted("npm test", {"tests/helpers.js"}, "jest").empty());
  CHECK(targeted("python3 -m pytest -q", {"tests/conftest.py"}).empty());
  CHECK(targeted("npm test", {"a.test.js"}).empty());
  ProjectCommand build{"build", "build", "go test ./...", "", "go.mod"};
  CHECK_FALSE(targeted_test_command(build, "", {"a_test.go"}));
}

TEST_CASE("the test script of a package") {
  CHECK(test_script_of(R"({"scripts":{"test":"jest"}})") == "jest");
  CHECK(test_script_of(R"({"scripts":{"test":7}})").empty());
  CHECK(test_script_of(R"({"scripts":[]})").empty());
  CHECK(test_script_of("{").empty());
}

}  // namespace muster
