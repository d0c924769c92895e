#pragma once
// What an engine costs that has nothing to do.

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runtime/core/result.hpp"

namespace muster::bench {

enum class Idle {
  served,  ///< `muster serve`, without a mission
  asking,  ///< `muster run` on a terminal, with its live picture, whose mission waits for an answer
};

/// Starts a fresh engine, lets it come to rest, and measures for so long: "cpu_percent" of one
/// core, all its threads together, and "wakeups_per_s" of them.
Result<nlohmann::json> run_idle(Idle what, const std::string& program, const std::string& scenario,
                                std::chrono::seconds time);

}  // namespace muster::bench
