#include "adapters/opencode/agent_table.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "adapters/opencode/hosted_tools.hpp"
#include "config/tools.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;

constexpr const char* names_here =
    "\n\nYour tools have the prefix muster_ here: what is called edit above is muster_edit. ";
constexpr const char* paths_here =
    "Paths are relative; the folder that is named below as the working directory is not where your "
    "files are.";

/// By the names there, each once, in the order of the table.
std::vector<const HostedTool*> tools_of(const std::vector<std::string>& names) {
  std::set<std::string> wanted;
  for (const auto& name : names) wanted.insert(hosted_name(name));
  std::vector<const HostedTool*> out;
  for (const auto& tool : hosted_tools())
    if (wanted.contains(tool.name)) out.push_back(&tool);
  return out;
}

json agent_json(const config::AgentSpec& agent) {
  json permission{{"*", "deny"}};
  for (const auto* tool : tools_of(agent.all_tools())) permission[tool->name] = "allow";
  auto notes = naming_notes(agent.all_tools());
  if (!notes.empty()) notes += " ";
  return {{"mode", "primary"},
          {"hidden", true},
          {"description", "muster: " + agent.description},
          {"prompt", agent.prompt + names_here + notes + paths_here},
          {"permission", std::move(permission)}};
}

/// As OpenCode passes it on to a model.
json function_json(const HostedTool& tool) {
  const auto& args = tool.definition.at("args");
  json required = json::array();
  for (const auto& [name, property] : args.items()) required.push_back(name);
  return {{"type", "function"},
          {"function",
           {{"name", tool.name},
            {"description", tool.definition.at("description")},
            {"parameters",
             {{"type", "object"}, {"properties", args}, {"required", std::move(required)}}}}}};
}

}  // namespace

json agent_table(const std::vector<config::Team>& teams) {
  json agents = json::object();
  json tools = json::object();
  for (const auto& team : teams)
    for (const auto& [role, agent] : team.roles) {
      agents["muster-" + agent.name] = agent_json(agent);
      for (const auto* tool : tools_of(agent.all_tools())) tools[tool->name] = tool->definition;
    }
  return {{"agents", std::move(agents)}, {"tools", std::move(tools)}};
}

std::size_t tool_tokens(const std::vector<std::string>& tools) {
  json all = json::array();
  for (const auto* tool : tools_of(tools)) all.push_back(function_json(*tool));
  return config::estimate_tokens(all.dump());
}

}  // namespace muster::opencode
