#include "adapters/opencode/agent_table.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "config/tools.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;

constexpr const char* tool_prefix = "muster_";
constexpr const char* names_here =
    "\n\nYour tools have the prefix muster_ here: what is called edit above is muster_edit. Paths "
    "are "
    "relative; the folder that is named below as the working directory is not where your files "
    "are.";

void let_be_null(json& property) {
  if (auto type = property.find("type"); type != property.end() && type->is_string())
    *type = json::array({*type, "null"});
  if (auto values = property.find("enum"); values != property.end()) values->push_back(nullptr);
}

/// The arguments of a tool as the plain properties that a plugin declares.
json args_of(const config::ToolSpec& tool) {
  auto schema = json::parse(tool.schema);
  auto args = schema.value("properties", json::object());
  const auto required = schema.value("required", json::array());
  for (auto& [name, property] : args.items())
    if (std::find(required.begin(), required.end(), name) == required.end()) let_be_null(property);
  return args;
}

json agent_json(const config::AgentSpec& agent) {
  json permission{{"*", "deny"}};
  for (const auto& tool : agent.all_tools()) permission[tool_prefix + tool] = "allow";
  return {{"mode", "primary"},
          {"hidden", true},
          {"description", "muster: " + agent.description},
          {"prompt", agent.prompt + names_here},
          {"permission", std::move(permission)}};
}

}  // namespace

json agent_table(const std::vector<config::Team>& teams) {
  json agents = json::object();
  json tools = json::object();
  for (const auto& team : teams)
    for (const auto& [role, agent] : team.roles) {
      agents["muster-" + agent.name] = agent_json(agent);
      for (const auto& name : agent.all_tools())
        if (const auto* tool = config::find_tool(name))
          tools[tool_prefix + name] = {{"description", tool->description},
                                       {"args", args_of(*tool)}};
    }
  return {{"agents", std::move(agents)}, {"tools", std::move(tools)}};
}

}  // namespace muster::opencode
