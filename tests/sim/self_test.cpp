#include "tests/sim/self_test.hpp"

#include <cstdio>
#include <string>
#include <vector>

#include "tests/sim/shrink.hpp"

namespace muster::sim {
namespace {

struct Plant {
  const char* name;
  std::vector<std::string> invariants;  ///< by which it may be found
};

const std::vector<Plant>& plants() {
  static const std::vector<Plant> all{
      {"extra-slot", {"slots"}},
      {"lost-record", {"lost record"}},
      {"deaf-processes",
       {"stuck", "endless", "the end", "after the stop", "after the end", "stop"}},
      {"double-run", {"N effects"}},
  };
  return all;
}

bool complain(const Plant& plant, const std::string& what) {
  std::printf("plant %s: %s\n", plant.name, what.c_str());
  return false;
}

bool try_plant(const Plant& plant) {
  Options options;
  options.faults = {all_faults().begin(), all_faults().end()};
  options.plant = plant.name;
  Outcome outcome;
  for (options.seed = 1; options.seed <= 200; ++options.seed)
    if (outcome = simulate(options); outcome.violation) break;
  if (!outcome.violation) return complain(plant, "not found in 200 seeds");
  auto shrunk = shrink(options, outcome);
  bool known = false;
  for (const auto& name : plant.invariants)
    known = known || name == shrunk.outcome.violation->invariant;
  if (!known) return complain(plant, "found as " + shrunk.outcome.violation->invariant);
  bool smaller = shrunk.options.agents < options.agents ||
                 shrunk.options.faults.size() < options.faults.size();
  if (!smaller) return complain(plant, "not made smaller");
  auto again = simulate(shrunk.options);
  if (!again.violation || again.hash != shrunk.outcome.hash ||
      again.violation->detail != shrunk.outcome.violation->detail)
    return complain(plant, "does not come again: " + command_of(shrunk.options));
  auto sound = shrunk.options;
  sound.plant.clear();
  if (auto without = simulate(sound); without.violation)
    return complain(plant, "fails without the plant, too: " + without.violation->detail);
  std::printf("plant %s: found at seed %llu, %s, smaller: %s\n", plant.name,
              static_cast<unsigned long long>(options.seed),
              shrunk.outcome.violation->detail.c_str(), command_of(shrunk.options).c_str());
  return true;
}

}  // namespace

bool self_test() {
  bool good = true;
  for (const auto& plant : plants()) good = try_plant(plant) && good;
  return good;
}

}  // namespace muster::sim
