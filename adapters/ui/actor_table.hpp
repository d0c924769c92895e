#pragma once
// What the engine's actors do, as `muster status --actors` prints it.

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace muster::ui {

/// From the answer to the request `actors` (docs/control-protocol.md). Members that are missing or
/// of a wrong type count as 0.
[[nodiscard]] std::string actor_table(const nlohmann::json& actors);

}  // namespace muster::ui
