// `muster demo`, as a new user sees it, and the proof that it is no show.

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>

#include "runtime/boot/demo.hpp"
#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

/// A worker that looks at its background job again and again says after the second time, without
/// any effect of its work, that it is done.
void lose_patience(json& rule) {
  auto& calls = rule["then"]["tool_calls"];
  if (rule["when"].contains("nth"))
    rule["when"]["nth"]["max"] = 2;
  else if (calls.size() == 1 && calls[0]["name"] == "check_background")
    calls[0] = submit({"src/app.cpp"});
}

/// The demo's scenario without what `gone` says of a tool call.
json demo_without(const std::function<bool(const json& call)>& gone) {
  auto scenario = json::parse(demo_scenario(true));
  int removed = 0;
  for (auto& rule : scenario["rules"]) {
    auto& then = rule["then"];
    if (!then.contains("tool_calls")) continue;
    if (rule["when"].value("last_tool", "") == "check_background") lose_patience(rule);
    auto kept = json::array();
    for (const auto& call : then["tool_calls"]) {
      if (gone(call))
        ++removed;
      else
        kept.push_back(call);
    }
    // A turn whose only call was the edit says so in words; the session asks for the next one.
    if (kept.empty()) then["text"] = "Nothing to change here.";
    then["tool_calls"] = kept;
    if (kept.empty()) then.erase("fault");
  }
  REQUIRE(removed > 0);
  scenario["rules"].push_back(silence());
  return scenario;
}

/// Plays the demo without its edits of a file: no seal, no change in the tree.
void check_needs(const std::string& path) {
  auto demo = make_demo_workspace(false);
  REQUIRE(demo.ok());
  Sandbox machine(Files{{"README.md", "not used\n"}});
  machine.configure({{"limits", {{"steps_per_task", 20}}}});
  machine.script(demo_without([&](const json& call) {
    return call["name"] == "edit" && call["arguments"]["path"] == path;
  }));
  Program run({MUSTER_BINARY, "run", demo_objective(), "--json", "--max-time", "90s"},
              demo->repository, machine.environment);
  auto ended = run.wait();
  INFO(ended.err);
  INFO(ended.out);
  Events events(ended.out);
  CHECK(events.result()["outcome"] != "sealed");
  CHECK((ended.exit_code == 1 || ended.exit_code == 3 || ended.exit_code == 4));
  CHECK_THAT(ended.out, !ContainsSubstring("SEALED"));
  CHECK(events.count("sealed") == 0);
  CHECK(run_program({"git", "status", "--porcelain"}, demo->repository, machine.environment)
            .out.empty());
}

}  // namespace

TEST_CASE("muster demo seals a real mission and shows its diff") {
  TempFolder home;
  Environment environment{{"PATH", std::getenv("PATH")},
                          {"HOME", home.path()},
                          {"TMPDIR", home.path()},
                          {"LANG", "C.UTF-8"}};
  auto ended = run_program({MUSTER_BINARY, "demo"}, home.path(), environment);
  INFO(ended.err);
  INFO(ended.out);
  CHECK(ended.exit_code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("SEALED"));
  CHECK_THAT(ended.out, ContainsSubstring("+++ b/src/csv.cpp"));
  CHECK_THAT(ended.out, ContainsSubstring("+++ b/src/money.cpp"));
  CHECK_THAT(ended.out, ContainsSubstring("+  if (args.size() == 2 && args[0] == \"--top\""));
  CHECK_THAT(
      ended.out,
      !ContainsSubstring("whole.insert(at - 3, \",\");\n+  return whole"));  // the rejected version
  // Nothing is left: no folder, no process.
  CHECK(processes_of(home.path()).empty());
  for (const auto& entry : std::filesystem::directory_iterator(home.path()))
    CHECK(entry.path().filename().string().rfind("muster-demo-", 0) != 0);
}

TEST_CASE(
    "the demo shows what it promises: parallel work, a wait, a slip, a rejection, a barrier") {
  TempFolder home;
  Environment environment{{"PATH", std::getenv("PATH")},
                          {"HOME", home.path()},
                          {"TMPDIR", home.path()},
                          {"LANG", "C.UTF-8"}};
  auto ended =
      run_program({MUSTER_BINARY, "demo", "--fast", "--json", "--keep"}, home.path(), environment);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  Events events(ended.out);
  CHECK(events.result()["outcome"] == "sealed");
  CHECK(events.phases() == std::vector<std::string>{"planning", "executing", "barrier",
                                                    "master_review", "sealing", "sealed"});

  {  // three workers at the same time
    std::size_t first_submission = events.index_of("work_submitted");
    CHECK(events.count_before(first_submission, "intent_issued",
                              [](const json& e) { return e["kind"] == "work"; }) == 3);
  }
  {  // one call answered 429 with Retry-After, and made again
    CHECK(events.count("agent", [](const json& e) {
      return e["state"] == "retrying" && e["doing"].get<std::string>().find("rate_limited") == 0;
    }) == 1);
    CHECK(events.count("lane.paused") >= 1);
    CHECK(events.count("step_failed") == 0);
  }
  {  // a background job was started, looked at, and killed
    for (const char* tool : {"run_background make watch", "check_background", "kill_background"})
      CHECK(events.count("agent", [&](const json& e) {
        return e["doing"].get<std::string>().find(tool) == 0;
      }) >= 1);
  }
  {  // one review was rejected, the fixer mended it, the next was approved
    CHECK(events.count("verdict_given", [](const json& e) { return e["approve"] == false; }) == 1);
    CHECK(events.count("intent_issued", [](const json& e) { return e["kind"] == "fix"; }) == 1);
    CHECK(events.count("verdict_given", [](const json& e) { return e["approve"] == true; }) ==
          4);  // three tasks, the master
  }
  {  // the integrated tree was built and tested after all had landed
    auto verified = events.index_of("integrated_verified");
    CHECK(events.count_before(verified, "landed") == 3);
    auto receipts = events.at(verified)["receipts"];
    REQUIRE(receipts.size() >= 2);
    for (const auto& receipt : receipts) CHECK(receipt["exit_code"] == 0);
  }
  {  // what it leaves is a program that works
    auto repository = std::string();
    for (const auto& entry : std::filesystem::directory_iterator(home.path()))
      if (entry.path().filename().string().rfind("muster-demo-", 0) == 0)
        repository = entry.path().string() + "/ledger";
    REQUIRE_FALSE(repository.empty());
    CHECK(run_program({"make", "-s", "all", "test"}, repository, environment).exit_code == 0);
    auto ran = run_program(
        {"sh", "-c",
         "printf '\"food, drink\",1250\\nrent,9000000\\nbooks,5\\n' | build/ledger --top 2"},
        repository, environment);
    CHECK(ran.out == "rent 90,000.00\nfood, drink 12.50\n");
    auto log = run_program({"git", "log", "--format=%s %(trailers:key=Muster-Task,valueonly)"},
                           repository, environment);
    for (const char* id : {"M1.T1", "M1.T2", "M1.T3"}) CHECK_THAT(log.out, ContainsSubstring(id));
  }
}

TEST_CASE("the demo without its mended parser does not seal") { check_needs("src/csv.cpp"); }

// A change of behaviour without a test that fails on the base.
TEST_CASE("the demo without a test of the parser does not seal") {
  check_needs("tests/csv_test.cpp");
}

TEST_CASE("the demo without the code of its feature does not seal") { check_needs("src/app.cpp"); }

}  // namespace muster::test
