#pragma once
// Missions of any length: many small tasks that all do the same, in as many iterations as wanted.

#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/e2e/sandbox.hpp"

namespace muster::soak {

struct Work {
  int tasks = 1;                         ///< of an iteration, at work as the limits allow
  int iterations = 1;                    ///< the master reviewer is content with the last one
  std::chrono::milliseconds latency{0};  ///< before each reply of the model
};

/// `parts/N.txt` for each task, and note.sh, which appends a line to $EFFECTS.
[[nodiscard]] test::Files project(const Work& work);
/// Each task notes its id with a command, which must not happen twice, and rewrites its part.
[[nodiscard]] nlohmann::json scenario(const Work& work);

}  // namespace muster::soak
