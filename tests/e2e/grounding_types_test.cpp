// What agents write is grounded: a type error is found by the project's language server, before any
// command.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

/// A header, and who uses it. The check says that it ran.
Files project() {
  return {{"add.hpp", "#pragma once\nint add(int a, int b);\n"},
          {"add.cpp", "#include \"add.hpp\"\nint add(int a, int b) { return a + b; }\n"},
          {"compile_flags.txt", "-std=c++17\n"},
          {"Makefile", "test:\n\t@grep -q 'b + a' add.cpp\n\n.PHONY: test\n"}};
}

constexpr const char* good = "#include \"add.hpp\"\nint add(int a, int b) { return b + a; }\n";
constexpr const char* bad =
    "#include \"add.hpp\"\nint add(int a, int b) { const char* sum = b + a; return sum; }\n";
constexpr const char* complaint = "diagnostics: add\\.cpp:2:[0-9]+: error: .*\\(clangd-14\\)";

/// What the tests have installed (scripts/setup --tests).
json clangd(const std::string& command = "clangd-14") {
  return {{"language_servers", {{"servers", {{"cpp", {{"command", command}}}}}}}};
}

json write(const std::string& content) {
  return call("write", {{"path", "add.cpp"}, {"content", content}});
}

/// A small mission on add.cpp; `work` is what its worker and fixer do.
json mission(std::vector<json> work) {
  return one_task_mission(task("M1.T1", {"add.cpp"}, "make test"), std::move(work));
}

std::vector<json> mended() {
  return {rule({{"agent", "worker"}, {"turn", 1}}, {write(bad)}),
          rule({{"agent", "worker"}, {"turn", 2}}, {submit({"add.cpp"})}),
          rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", complaint}}, {write(good)}),
          rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"add.cpp"})})};
}

bool is_diagnostics(const json& receipt) { return receipt["check"] == "diagnostics"; }

}  // namespace

TEST_CASE("a type error rejects the candidate before any command runs, and is mended") {
  Sandbox machine(project());
  machine.configure(clangd());
  machine.script(mission(mended()));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK(read_file(machine.folder("project/add.cpp")) == good);
  Events events(ended.out);
  const auto rejected = events.at(events.index_of("task_verified"));
  REQUIRE(rejected["receipts"].size() == 1);  // "make test" did not run
  CHECK(is_diagnostics(rejected["receipts"][0]));
  CHECK(rejected["receipts"][0]["exit_code"] == 1);
  CHECK_THAT(rejected["findings"][0]["message"].get<std::string>(),
             ContainsSubstring("add.cpp:2:") && ContainsSubstring("(clangd-14)"));
  CHECK(rejected["findings"][0]["line"] == 2);
  CHECK(events.count("task_verified", [](const json& event) {
    return event["receipts"].size() == 2 && is_diagnostics(event["receipts"][0]) &&
           event["receipts"][0]["exit_code"] == 0;
  }) == 1);
  CHECK(events.result()["outcome"] == "sealed");
  for (const auto& left : processes_of(machine.folder("")))
    CHECK_THAT(left, !ContainsSubstring("clangd"));
}

TEST_CASE("a type error that is never mended stops the mission, with the reason") {
  Sandbox machine(project());
  machine.configure(clangd());
  machine.script(mission(
      {rule({{"agent", "worker"}, {"turn", 1}}, {write(bad)}),
       rule({{"agent", "worker"}, {"turn", 2}}, {submit({"add.cpp"})}),
       rule({{"agent", "fixer"}, {"turn", 1}},
            {call("edit",
                  {{"path", "add.cpp"}, {"old_text", "sum; }\n"}, {"new_text", "sum; }\n\n"}})}),
       rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"add.cpp"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  CHECK(ended.exit_code != 0);
  Events events(ended.out);
  CHECK(events.count("landed") == 0);
  CHECK(events.result()["outcome"] != "sealed");
  CHECK_THAT(ended.out, ContainsSubstring("add.cpp:2:"));
  CHECK(read_file(machine.folder("project/add.cpp")) == project().at("add.cpp"));
}

TEST_CASE("one mission: broken syntax, a type error and a weakened test are each sent back") {
  auto files = project();
  const std::string test =
      "import { readFileSync } from 'node:fs'\n"
      "import assert from 'node:assert'\n"
      "assert.ok(readFileSync('add.cpp', 'utf8').includes('b + a'))\n";
  files["test/add.test.mjs"] = test;
  files["tool.mjs"] = "export const tool = 1\n";
  files["Makefile"] = "test:\n\t@node test/add.test.mjs\n\n.PHONY: test\n";
  Sandbox machine(files);
  machine.configure(clangd());
  const auto put = [](const char* path, const std::string& content) {
    return call("write", {{"path", path}, {"content", content}});
  };
  machine.script(one_task_mission(
      task("M1.T1", {"add.cpp", "tool.mjs"}, "make test"),
      {rule({{"agent", "worker"}, {"turn", 1}}, {put("tool.mjs", "export const tool = (2\n")}),
       rule({{"agent", "worker"}, {"turn", 2}, {"text_matches", "new syntax errors"}},
            {put("tool.mjs", "export const tool = 2\n"), write(bad)}),
       rule({{"agent", "worker"}, {"turn", 3}}, {submit({"add.cpp", "tool.mjs"})}),
       rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", complaint}},
            {write(good), put("test/add.test.mjs", "import assert from 'node:assert'\n")}),
       rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", "test/add.test.mjs.*assert"}},
            {put("test/add.test.mjs", test)}),
       rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"add.cpp"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  Events events(ended.out);
  CHECK(events.result()["outcome"] == "sealed");
  CHECK(events.count("task_verified", [](const json& event) {
    return !event["findings"].empty() && event["findings"][0]["severity"] == "error";
  }) == 2);  // the type error, and the weakened test; the syntax never got that far
  CHECK(read_file(machine.folder("project/add.cpp")) == good);
  CHECK(read_file(machine.folder("project/tool.mjs")) == "export const tool = 2\n");
  CHECK(read_file(machine.folder("project/test/add.test.mjs")) == test);
}

TEST_CASE("without the server, or switched off, the checks alone decide, and that is said") {
  Sandbox machine(project());
  auto extra = clangd("no-such-clangd");
  bool said = true;
  SECTION("not installed") {}
  SECTION("off") {
    extra = clangd();
    extra["verification"]["diagnostics"] = "off";
    said = false;
  }
  machine.configure(extra);
  auto work = mended();
  work.resize(2);  // nobody finds it
  machine.script(mission(std::move(work)));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  Events events(ended.out);
  const auto verified = events.at(events.index_of("task_verified"));
  CHECK(verified["receipts"].size() == 1);
  REQUIRE(verified["findings"].size() == (said ? 1 : 0));
  if (said)
    CHECK_THAT(verified["findings"][0]["message"].get<std::string>(),
               ContainsSubstring("not checked: no-such-clangd is not installed"));
}

}  // namespace muster::test
