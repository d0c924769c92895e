#pragma once
// The mission of the crash matrix: two tasks at work at once, one of them rejected in review, two
// commands that can be counted.

#include <nlohmann/json.hpp>

#include "tests/e2e/sandbox.hpp"

namespace muster::crash {

[[nodiscard]] test::Files project();
[[nodiscard]] nlohmann::json scenario();

}  // namespace muster::crash
