// The root supervisor gives up: nothing that could be restarted helps any more, and nobody is above
// it. The process says so and ends.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;

/// The notifier is a child of the root, which bears three of its deaths in five seconds.
std::string four_deaths(int from) {
  std::string out;
  for (int visit = from; visit < from + 4; ++visit)
    out += "notifier.drain:" + std::to_string(visit) + ":throw,";
  return out;
}

}  // namespace

#ifndef MUSTER_NO_FAULTS

TEST_CASE("a run whose root supervisor gives up ends with 1 and the reason, and can be resumed") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  machine.environment["MUSTER_FAULT"] = four_deaths(12);
  auto failed = machine.muster({"run", "Be polite", "--json"});
  INFO(failed.err);
  CHECK(failed.exit_code == 1);
  CHECK(failed.signal == 0);
  CHECK_THAT(failed.err, ContainsSubstring("the engine failed") &&
                             ContainsSubstring("child 'notifier' failed more than 3 times") &&
                             ContainsSubstring("fault at notifier.drain") &&
                             ContainsSubstring("muster resume"));
  // What it could do was done: the keeper starts nothing again.
  CHECK_THAT(failed.err, !ContainsSubstring("starting it again"));
  auto result = last_json_line(failed.out);
  CHECK(result["type"] == "result");
  CHECK(result["outcome"] == "engine_failed");
  CHECK(result["exit_code"] == 1);
  CHECK_THAT(result["reason"].get<std::string>(), ContainsSubstring("muster resume"));
  CHECK(files_below(machine.folder("project")) == plain::files());
  CHECK(processes_of(machine.folder("project")).empty());

  machine.environment.erase("MUSTER_FAULT");
  auto resumed = machine.muster({"resume", "--json"});
  INFO(resumed.err);
  CHECK(resumed.exit_code == 0);
  CHECK(last_json_line(resumed.out)["outcome"] == "sealed");
  CHECK(last_json_line(resumed.out)["mission"] == result["mission"]);
}

TEST_CASE("a mission that crashes again and again ends the run, however slowly it does so") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  std::string faults;
  for (int visit = 4; visit < 104; ++visit)
    faults += "mission.event:" + std::to_string(visit) + ":throw,";
  machine.environment["MUSTER_FAULT"] = faults;
  auto failed = machine.muster({"run", "Be polite", "--json"});
  INFO(failed.err);
  CHECK(failed.exit_code == 1);
  CHECK(last_json_line(failed.out)["outcome"] == "engine_failed");
  // Its own count ends it, not three supervisors' that multiply: those would bear 64 quick crashes,
  // and any number of slow ones.
  std::size_t crashes = 0;
  for (auto at = failed.err.find("crashed: fault"); at != std::string::npos;
       at = failed.err.find("crashed: fault", at + 1))
    ++crashes;
  CHECK(crashes == 11);
  machine.environment.erase("MUSTER_FAULT");
  auto resumed = machine.muster({"resume", "--json"});
  INFO(resumed.err);
  CHECK(resumed.exit_code == 0);
  CHECK(last_json_line(resumed.out)["outcome"] == "sealed");
}

TEST_CASE("an engine that serves ends with 1 when its root supervisor gives up") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  machine.environment["MUSTER_FAULT"] = four_deaths(1);
  auto failed = machine.muster({"serve"});
  INFO(failed.err);
  CHECK(failed.exit_code == 1);
  CHECK(failed.signal == 0);
  CHECK_THAT(failed.err, ContainsSubstring("the engine failed"));
  CHECK_THAT(failed.err, !ContainsSubstring("starting it again"));
  machine.environment.erase("MUSTER_FAULT");
  auto again = machine.muster({"run", "Be polite"});  // neither lock nor socket is left behind
  INFO(again.err);
  CHECK(again.exit_code == 0);
}

#endif

}  // namespace muster::test
