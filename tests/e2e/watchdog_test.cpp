// What the engine's own actors do, as a person sees it.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

/// The first event of that type; null when there is none.
json first_of(const std::vector<json>& lines, const std::string& type) {
  for (const auto& line : lines)
    if (line.value("type", "") == type) return line;
  return nullptr;
}

}  // namespace

#ifndef MUSTER_NO_FAULTS

TEST_CASE(
    "a session that is stuck in a handler is reported by name, and the mission seals after it") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  machine.environment["MUSTER_FAULT"] = "session.reply:2:stall";
  machine.environment["MUSTER_TIMEOUTS_HANDLER_MS"] = "500";
  auto ended = machine.muster({"run", "Be polite", "--json"});
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  auto lines = json_lines(ended.out);
  auto late = first_of(lines, "actor.late");
  REQUIRE(late.is_object());
  auto mission = lines.back()["mission"].get<std::string>();
  CHECK_THAT(late["data"]["actor"].get<std::string>(), ContainsSubstring("session#"));
  CHECK_THAT(late["data"]["label"].get<std::string>(),
             ContainsSubstring(mission + "/") && ContainsSubstring("worker M1.T1"));
  CHECK(late["data"]["for_ms"] >= 500);
  auto recovered = first_of(lines, "actor.recovered");
  REQUIRE(recovered.is_object());
  CHECK(recovered["data"]["actor"] == late["data"]["actor"]);
  CHECK_THAT(ended.err, ContainsSubstring(late["data"]["actor"].get<std::string>()));
}

#endif

TEST_CASE("status --actors shows classes of actors, also of an engine without a mission") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  auto serve = machine.start({"serve"});
  Ended shown;
  do {  // it says nothing when it is ready
    shown = machine.muster({"status", "--actors"});
    REQUIRE(serve->running());
  } while (shown.exit_code != 0);
  CHECK_THAT(shown.out, ContainsSubstring("class") && ContainsSubstring("scheduler") &&
                            ContainsSubstring("journal") && ContainsSubstring("supervisor"));
  auto actors = json::parse(machine.muster({"status", "--actors", "--json"}).out);
  REQUIRE(actors["classes"].is_array());
  for (const auto& one : actors["classes"]) {
    if (one["class"] != "supervisor") continue;
    CHECK(one["alive"] == 6);  // engine, hosts, languages, their servers, core, missions
    CHECK(one["crashed"] == 0);
    CHECK(one["runs"] > 0);
  }
  CHECK(machine.muster({"status"}).exit_code == 1);  // no mission
  serve->signal(SIGTERM);
  CHECK(serve->wait().exit_code == 0);
}

}  // namespace muster::test
