// D6 what a mission did, told afterwards: live and from the archive.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>

#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

}  // namespace

TEST_CASE("D6 archived missions are listed, logged and reported like the others", "[threads]") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::large_mission()));
  REQUIRE(machine.muster({"run", "Be polite"}).exit_code == 0);
  auto before = machine.muster({"report", "--json"});
  REQUIRE(before.exit_code == 0);
  auto report = json::parse(before.out);
  auto mission = report["mission"].get<std::string>();
  CHECK(report["outcome"] == "sealed");
  CHECK(report["objective"] == "Be polite");
  REQUIRE(report["tasks"].size() == 2);
  for (const auto& task : report["tasks"]) {
    CHECK(task["stage"] == "done");
    REQUIRE_FALSE(task["evidence"].empty());
    CHECK(task["evidence"][0]["exit_code"] == 0);
  }
  CHECK(report["tokens"]["by_role"].contains("worker"));
  auto sarif = json::parse(machine.muster({"report", "--sarif"}).out);
  CHECK(sarif["version"] == "2.1.0");
  CHECK(sarif["runs"].size() >= 3);  // a check of each task, and of the whole
  CHECK(sarif["runs"][0]["invocations"][0]["executionSuccessful"] == true);
  auto junit = machine.muster({"report", "--junit"}).out;
  CHECK(junit.find("<testsuite name=\"Be polite\"") != std::string::npos);
  CHECK(junit.find("make test-greet") != std::string::npos);
  CHECK(machine.muster({"report", "--junit", "--json"}).exit_code == 2);
  auto cost = json::parse(machine.muster({"cost", "--json"}).out);
  CHECK(cost["tokens"] == report["tokens"]);
  CHECK_THAT(machine.muster({"cost", mission}).out,
             ContainsSubstring("worker") && ContainsSubstring("all "));
  CHECK(report["timeline"]["steps"].size() >= 12);
  for (const auto& step : report["timeline"]["steps"]) CHECK(step["outcome"] == "done");
  auto page = machine.muster({"report", mission, "-o", "report.html"});
  REQUIRE(page.exit_code == 0);
  CHECK(page.out.empty());
  CHECK(machine.git({"status", "--porcelain"}) == "?? report.html\n");
  auto text = read_file(machine.folder("project/report.html"));
  CHECK_THAT(text, ContainsSubstring("<title>Be polite · sealed · muster</title>") &&
                       ContainsSubstring("+echo") && !ContainsSubstring("@DATA@"));
  CHECK(machine.muster({"report", "-o", "report.html", "--json"}).exit_code == 0);
  CHECK(json::parse(read_file(machine.folder("project/report.html"))) == report);
  CHECK(machine.muster({"report", "-o", "nowhere/report.html"}).exit_code != 0);
  auto logs = machine.muster({"logs", "--json"}).out;
  machine.configure({{"archive", {{"keep", 0}}}});
  // An engine that starts puts old missions away; this one ends at once, for the mission has ended.
  REQUIRE(machine.muster({"run", "Be polite", "--max-tokens", "1"}).exit_code == 4);
  auto list = json::parse(machine.muster({"missions", "--json"}).out);
  REQUIRE(list.size() == 2);
  CHECK(list[1]["mission"] == mission);
  CHECK(list[1]["archived"] == true);
  CHECK(list[1]["phase"] == "sealed");
  CHECK(list[0]["archived"] == false);
  CHECK(machine.muster({"report", "--mission", mission, "--json"}).out == before.out);
  CHECK(machine.muster({"logs", "--json", mission}).out == logs);
  CHECK_THAT(machine.muster({"report", "--mission", mission}).out,
             ContainsSubstring("outcome    sealed") && ContainsSubstring("exit code 0"));
  CHECK_THAT(machine.muster({"doctor"}).out, ContainsSubstring("2 missions, all whole"));
}

}  // namespace muster::test
