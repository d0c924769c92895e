#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <random>

#include "tests/core/mission_machine.hpp"

using namespace muster;
using muster::test::MissionMachine;

namespace {

std::vector<std::uint32_t> random_choices(std::mt19937& random) {
  std::vector<std::uint32_t> out(random() % 300);
  for (auto& value : out) value = static_cast<std::uint32_t>(random());
  return out;
}

std::size_t sequences() {
  const char* wanted = std::getenv("MUSTER_PROPERTY_SEQUENCES");
  return wanted ? static_cast<std::size_t>(std::strtoull(wanted, nullptr, 10)) : 100000;
}

std::uint32_t seed_of_run() {
  const char* wanted = std::getenv("MUSTER_SEED");
  return wanted ? static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10))
                : std::random_device{}();
}

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
