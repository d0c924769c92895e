#pragma once
// Muster's agents and tools as OpenCode's configuration has them.

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "config/agents.hpp"

namespace muster::opencode {

/// `{"agents": {"muster-worker": {...}}, "tools": {"muster_edit": {"description", "args"}}}`: the
/// agents of all these teams, hidden, allowed their own tools and nothing else (docs/adr/0011).
/// OpenCode makes every argument of a plugin's tool a required one, so those that are not take
/// null. Pure.
[[nodiscard]] nlohmann::json agent_table(const std::vector<config::Team>& teams);

}  // namespace muster::opencode
