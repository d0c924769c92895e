#pragma once
// Muster's agents and tools as OpenCode's configuration has them.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "config/agents.hpp"

namespace muster::opencode {

/// `{"agents": {"muster-worker": {...}}, "tools": {"muster_edit": {"description", "args"}}}`: the
/// agents of all these teams, hidden, allowed their own tools and nothing else (docs/adr/0011).
/// Which tools an agent has is said by its file alone; hosted_tools.hpp says what they are called
/// there. Pure.
[[nodiscard]] nlohmann::json agent_table(const std::vector<config::Team>& teams);

/// What the definitions of these tools cost a call of OpenCode's model, in tokens (characters / 4).
[[nodiscard]] std::size_t tool_tokens(const std::vector<std::string>& tools);

}  // namespace muster::opencode
