#include "adapters/cli/listings.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace muster::cli {
namespace {

std::string rights_text(const config::Rights& rights) {
  std::string out = rights.reads ? "reads" : "";
  if (rights.writes) out += out.empty() ? "writes" : ", writes";
  if (rights.runs == config::Runs::all) out += ", runs";
  if (rights.runs == config::Runs::verification) out += ", runs verification";
  return out;
}

}  // namespace

std::string agents_text(const config::Team& team) {
  std::string out = fmt::format("team {}: {}\n\n", team.name, team.description);
  out += fmt::format("{:<16} {:<16} {:<26} {:>7} {:>7} {:>7}\n", "agent", "role", "rights",
                     "prompt", "tools", "tokens");
  for (const auto& cost : config::agent_costs(team)) {
    const config::AgentSpec& agent = *team.agent(cost.role);
    out += fmt::format("{:<16} {:<16} {:<26} {:>7} {:>7} {:>7}\n", cost.name, cost.role,
                       rights_text(agent.rights), cost.prompt_tokens, cost.tool_tokens,
                       cost.prompt_tokens + cost.tool_tokens);
  }
  return out + "\nTokens are estimates: characters / 4.\n";
}

nlohmann::json agents_json(const config::Team& team) {
  nlohmann::json agents = nlohmann::json::array();
  for (const auto& cost : config::agent_costs(team)) {
    const config::AgentSpec& agent = *team.agent(cost.role);
    agents.push_back({{"name", cost.name},
                      {"role", cost.role},
                      {"description", agent.description},
                      {"rights",
                       {{"reads", agent.rights.reads},
                        {"writes", agent.rights.writes},
                        {"runs", config::to_string(agent.rights.runs)}}},
                      {"tools", agent.all_tools()},
                      {"prompt_tokens", cost.prompt_tokens},
                      {"tool_tokens", cost.tool_tokens}});
  }
  return {{"team", team.name}, {"agents", std::move(agents)}};
}

}  // namespace muster::cli
