#pragma once
// Makes a failing run smaller while it fails in the same way.

#include "tests/sim/simulation.hpp"

namespace muster::sim {

struct Shrunk {
  Options options;
  Outcome outcome;
  int tries = 0;
};

/// Fewer faults, missions and agents; at most `tries` runs.
[[nodiscard]] Shrunk shrink(const Options& failing, Outcome outcome, int tries = 150);

}  // namespace muster::sim
