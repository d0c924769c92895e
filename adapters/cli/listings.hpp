#pragma once
// Tables that commands print.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/agents.hpp"

namespace muster::cli {

/// `muster agents`: each agent with its rights, and the estimated tokens of its prompt and its
/// tools.
[[nodiscard]] std::string agents_text(const config::Team& team);
/// {"team", "agents": [{name, role, description, rights, tools, prompt_tokens, tool_tokens}]}.
[[nodiscard]] nlohmann::json agents_json(const config::Team& team);

}  // namespace muster::cli
