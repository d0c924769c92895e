// What agents write is grounded: broken syntax does not get in, by a tool or by a command.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

Files project() {
  return {{"add.mjs", "export const add = (a, b) => a + b\n"},
          {"check.mjs",
           "import { add } from './add.mjs'\nif (add(1, 2) !== 3) throw new Error('add')\n"},
          {"Makefile", "test:\n\t@node check.mjs\n\n.PHONY: test\n"}};
}

/// A small mission on add.mjs; `work` is what its worker and fixer do.
json mission(std::vector<json> work) {
  return one_task_mission(task("M1.T1", {"add.mjs"}, "make test"), std::move(work));
}

json write(const std::string& content) {
  return call("write", {{"path", "add.mjs"}, {"content", content}});
}

constexpr const char* good = "export const add = (a, b) => b + a\n";
constexpr const char* bad = "export const add = (a, b) => { return b + a\n";

}  // namespace

TEST_CASE("a syntax error that a worker writes is refused at once, with its place, and mended") {
  Sandbox machine(project());
  machine.script(mission(
      {rule({{"agent", "worker"}, {"turn", 1}}, {write(bad)}),
       rule({{"agent", "worker"},
             {"turn", 2},
             {"text_matches", "new syntax errors; nothing was written:\\nadd.mjs:[12]:[0-9]+: "}},
            {write(good)}),
       rule({{"agent", "worker"}, {"turn", 3}}, {submit({"add.mjs"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK(read_file(machine.folder("project/add.mjs")) == good);
}

TEST_CASE("a syntax error that a command writes rejects the candidate before any check runs") {
  Sandbox machine(project());
  machine.script(mission(
      {rule({{"agent", "worker"}, {"turn", 1}},
            {call("shell", {{"command", "sed -i 's/=> a + b/=> { return b + a/' add.mjs"}})}),
       rule({{"agent", "worker"}, {"turn", 2}}, {submit({"add.mjs"})}),
       rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", "syntax: add.mjs:[12]:[0-9]+: "}},
            {write(good)}),
       rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"add.mjs"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK(read_file(machine.folder("project/add.mjs")) == good);
  Events events(ended.out);
  const auto rejected = events.index_of("task_verified");
  CHECK(events.at(rejected)["receipts"].empty());
}

TEST_CASE("a text that is insisted on is written, and the reviewer sees what the grammar says") {
  Sandbox machine(project());
  // The checks find it, too: what the grammar says is then one finding more.
  machine.script(
      mission({rule({{"agent", "worker"}, {"turn", {1, 2}}}, {write(bad)}),
               rule({{"agent", "worker"}, {"turn", 3}, {"text_matches", "written as you insist"}},
                    {submit({"add.mjs"})}),
               rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", "make test' failed"}},
                    {write(good)}),
               rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"add.mjs"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK(read_file(machine.folder("project/add.mjs")) == good);
}

TEST_CASE("an import that leads nowhere rejects the candidate before any check runs") {
  Sandbox machine(project());
  const auto lost = "export { more } from './more.mjs'\n" + std::string(good);
  machine.script(
      mission({rule({{"agent", "worker"}, {"turn", 1}}, {write(lost)}),
               rule({{"agent", "worker"}, {"turn", 2}}, {submit({"add.mjs"})}),
               rule({{"agent", "fixer"},
                     {"turn", 1},
                     {"text_matches", "add.mjs:1: the import of './more.mjs' leads nowhere"}},
                    {write(good)}),
               rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"add.mjs"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK(read_file(machine.folder("project/add.mjs")) == good);
  Events events(ended.out);
  CHECK(events.at(events.index_of("task_verified"))["receipts"].empty());
}

TEST_CASE("tests that reach what changed run first, then the task's own check decides") {
  Sandbox machine(
      Files{{"add.mjs", "export const add = (a, b) => a + b\n"},
            {"other.mjs", "export const other = 1\n"},
            {"package.json",
             "{\"name\":\"x\",\"private\":true,\"scripts\":{\"test\":\"node --test\"}}\n"},
            {"test/add.test.mjs",
             "import test from 'node:test'\nimport assert from 'node:assert'\n"
             "import { add } from '../add.mjs'\ntest('adds', () => assert.equal(add(1, 2), 3))\n"},
            {"test/other.test.mjs",
             "import test from 'node:test'\nimport { other } from '../other.mjs'\n"
             "test('other', () => other)\n"}});
  machine.script(one_task_mission(
      task("M1.T1", {"add.mjs"}, "npm test"),
      {rule({{"agent", "worker"}, {"turn", 1}}, {write("export const add = (a, b) => a - b\n")}),
       rule({{"agent", "worker"}, {"turn", 2}}, {submit({"add.mjs"})}),
       rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", "npm test"}}, {write(good)}),
       rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"add.mjs"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  Events events(ended.out);
  const auto failed = events.at(events.index_of("task_verified"))["receipts"];
  REQUIRE(failed.size() == 2);
  CHECK(failed[0]["check"] == "M1.T1#reached1");
  CHECK(failed[0]["command"] == "node --test './test/add.test.mjs'");
  CHECK(failed[0]["exit_code"] != 0);
  CHECK(failed[1]["command"] == "npm test");
}

TEST_CASE("a worker finds code by its form, rewrites it, and edits a function by its name") {
  auto files = project();
  files["sum.mjs"] =
      "import { add } from './add.mjs'\nexport function sum(list) {\n  let all = 0\n"
      "  for (const one of list) all = add(all, one)\n  return all\n}\n";
  Sandbox machine(files);
  machine.script(one_task_mission(
      task("M1.T1", {"add.mjs", "check.mjs", "sum.mjs"}, "make test"),
      {rule({{"agent", "worker"}, {"turn", 1}},
            {call("ast_search", {{"pattern", "add($A, $B)"}, {"language", "js"}})}),
       rule({{"agent", "worker"}, {"turn", 2}, {"text_matches", "check.mjs:2:5: if .add.1, 2."}},
            {call("outline", {{"path", "sum.mjs"}})}),
       rule({{"agent", "worker"}, {"turn", 3}, {"text_matches", "2-6 function sum: function sum"}},
            {call("ast_rewrite",
                  {{"pattern", "add($A, $B)"}, {"language", "js"}, {"rewrite", "add($B, $A)"}})}),
       rule({{"agent", "worker"}, {"turn", 4}, {"text_matches", "changed check.mjs, sum.mjs"}},
            {call("edit", {{"path", "sum.mjs"},
                           {"symbol", "sum"},
                           {"new_text", "return list.reduce((a, b) => add(a, b), 0)"}})}),
       rule({{"agent", "worker"}, {"turn", 5}, {"text_matches", "changed sum.mjs"}},
            {submit({"check.mjs", "sum.mjs"})})}));
  auto ended = machine.muster({"run", "Swap the operands", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK_THAT(read_file(machine.folder("project/check.mjs")), ContainsSubstring("add(2, 1) !== 3"));
  CHECK(read_file(machine.folder("project/sum.mjs")) ==
        "import { add } from './add.mjs'\nexport function sum(list) {\n"
        "  return list.reduce((a, b) => add(a, b), 0)\n}\n");
}

TEST_CASE("ast search, rewrite, check and outline work on a project without a model") {
  Sandbox machine(project());
  auto search = machine.muster({"ast", "search", "add($A, $B)", "--lang", "js", "--json"});
  CHECK(search.exit_code == 0);
  const auto match = last_json_line(search.out);
  CHECK(match["file"] == "check.mjs");
  CHECK(match["metaVariables"]["single"]["B"]["text"] == "2");
  CHECK(machine.muster({"ast", "search", "subtract($A)", "--lang", "js"}).exit_code == 1);
  const std::vector<std::string> rewrite{"ast",         "rewrite", "add($A, $B)", "--to",
                                         "add($B, $A)", "--lang",  "js"};
  auto shown = machine.muster(rewrite);
  CHECK(shown.exit_code == 0);
  CHECK_THAT(shown.out, ContainsSubstring("-if (add(1, 2) !== 3)") &&
                            ContainsSubstring("+if (add(2, 1) !== 3)"));
  CHECK(files_below(machine.folder("project")) == project());
  auto writing = rewrite;
  writing.emplace_back("--write");
  CHECK(machine.muster(writing).exit_code == 0);
  CHECK_THAT(read_file(machine.folder("project/check.mjs")), ContainsSubstring("add(2, 1)"));
  CHECK(machine.muster({"ast", "check"}).exit_code == 0);
  write_file(machine.folder("project/broken.py"), "def f(:\n");
  auto broken = machine.muster({"ast", "check"});
  CHECK(broken.exit_code == 1);
  CHECK_THAT(broken.out, ContainsSubstring("broken.py:1:"));
  auto outline = machine.muster({"outline", "add.mjs"});
  CHECK(outline.exit_code == 0);
  CHECK_THAT(outline.out, ContainsSubstring("add = (a, b)"));
  auto language = machine.muster({"ast", "search", "x", "--lang", "klingon"});
  CHECK(language.exit_code == 2);
  CHECK_THAT(language.err, ContainsSubstring("klingon"));
  CHECK(machine.muster({"ast", "check", "no/such/folder"}).exit_code != 0);
}

TEST_CASE("symbols, refs, map and index work on a project without a model") {
  Sandbox machine(project());
  auto index = machine.muster({"index", "--json"});
  CHECK(index.exit_code == 0);
  CHECK(last_json_line(index.out)["parsed"] > 0);
  CHECK(last_json_line(machine.muster({"index", "--json"}).out)["parsed"] == 0);
  auto symbols = machine.muster({"symbols", "add", "--json"});
  CHECK(symbols.exit_code == 0);
  CHECK(last_json_line(symbols.out)["file"] == "add.mjs");
  CHECK(machine.muster({"symbols", "subtract"}).exit_code == 1);
  CHECK(machine.muster({"symbols", "add", "--in", "check.mjs"}).exit_code == 1);
  auto place = machine.muster({"symbols", "--in", "no/such/folder"});
  CHECK(place.exit_code != 0);
  CHECK_THAT(place.err, ContainsSubstring("no/such/folder"));
  auto refs = machine.muster({"refs", "add"});
  CHECK(refs.exit_code == 0);
  CHECK_THAT(refs.out, ContainsSubstring("check.mjs:"));
  CHECK(machine.muster({"refs", "subtract"}).exit_code == 1);
  auto map = machine.muster({"map", "change", "add", "--file", "check.mjs"});
  CHECK(map.exit_code == 0);
  CHECK_THAT(map.out, ContainsSubstring("add.mjs:\n"));
  auto none = machine.muster({"map", "--tokens", "1"});
  CHECK(none.exit_code == 1);
  CHECK_THAT(none.err, ContainsSubstring("1 tokens"));
}

}  // namespace muster::test
