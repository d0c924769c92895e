#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <random>

#include "tests/core/mission_machine.hpp"
#include "tests/core/property_run.hpp"

using namespace muster;
using muster::test::MissionMachine;
using muster::test::random_choices;
using muster::test::seed_of_run;
using muster::test::sequences;

namespace {

std::string describe(const std::vector<std::uint32_t>& choices) {
  MissionMachine machine(choices);
  auto problem = machine.run();
  std::string out = problem + "\nchoices:";
  for (auto value : choices) out += " " + std::to_string(value);
  out += "\n";
  for (const auto& event : machine.log) out += event_to_json(event).dump() + "\n";
  return out.substr(0, 20000);
}

}  // namespace

TEST_CASE("any order of events keeps the mission's invariants, and what eventually succeeds ends",
          "[property]") {
  auto seed = seed_of_run();
  WARN("seed " << seed << " (MUSTER_SEED replays it)");
  std::mt19937 random(seed);
  auto fails = [](const std::vector<std::uint32_t>& choices) {
    return !MissionMachine(choices).run().empty();
  };
  for (std::size_t i = 0; i < sequences(); ++i) {
    auto choices = random_choices(random);
    if (!fails(choices)) continue;
    FAIL(describe(muster::test::shrink(choices, fails)));
  }
  SUCCEED();
}

TEST_CASE("a mission where every step succeeds is sealed", "[property]") {
  MissionMachine machine({});
  REQUIRE(machine.run() == "");
  REQUIRE(machine.state.phase == Phase::sealed);
}
