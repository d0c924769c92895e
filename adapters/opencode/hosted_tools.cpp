#include "adapters/opencode/hosted_tools.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "config/tools.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;

/// A tool of ours that has another name in OpenCode. Of several with one name there, `action` says
/// which is meant; their arguments are put together. What is not here is offered as it is.
struct Renamed {
  std::string_view there;
  std::string_view action;
  std::string_view tool;
};
constexpr std::array<Renamed, 5> renamed{{
    {"todo", "", "todo_read"},
    {"background", "run", "run_background"},
    {"background", "check", "check_background"},
    {"background", "list", "list_background"},
    {"background", "kill", "kill_background"},
}};
/// What a tool that is several together is for.
constexpr std::array<std::pair<std::string_view, std::string_view>, 1> described{{
    {"background",
     "Commands that run on, e.g. a server: run one, check a job's state and latest output, list "
     "all jobs, kill one."},
}};

const Renamed* renaming_of(std::string_view tool) {
  const auto found = std::find_if(renamed.begin(), renamed.end(),
                                  [&](const Renamed& one) { return one.tool == tool; });
  return found == renamed.end() ? nullptr : &*found;
}

void let_be_null(json& property) {
  if (auto type = property.find("type"); type != property.end() && type->is_string())
    *type = json::array({*type, "null"});
  if (auto values = property.find("enum"); values != property.end()) values->push_back(nullptr);
}

/// The arguments of a tool as the plain properties that a plugin declares.
json args_of(const config::ToolSpec& tool, bool alone) {
  auto schema = json::parse(tool.schema);
  auto args = schema.value("properties", json::object());
  const auto required = schema.value("required", json::array());
  for (auto& [name, property] : args.items())
    if (!alone || std::find(required.begin(), required.end(), name) == required.end())
      let_be_null(property);
  return args;
}

std::string_view description_of(std::string_view there, const config::ToolSpec& tool) {
  for (const auto& [name, text] : described)
    if (name == there) return text;
  return tool.description;
}

/// Adds a tool to those that OpenCode is given.
void add(std::vector<HostedTool>& out, const config::ToolSpec& tool) {
  const Renamed* other = renaming_of(tool.name);
  const bool alone = other == nullptr || other->action.empty();
  const auto there = other == nullptr ? tool.name : other->there;
  const auto name = std::string(tool_prefix) + std::string(there);
  auto found =
      std::find_if(out.begin(), out.end(), [&](const HostedTool& one) { return one.name == name; });
  if (found == out.end()) {
    out.push_back(
        {name, {{"description", description_of(there, tool)}, {"args", json::object()}}, {}});
    found = std::prev(out.end());
  }
  found->stands_for.emplace_back(tool.name);
  auto& args = found->definition["args"];
  args.update(args_of(tool, alone));
  if (!alone) args["action"]["enum"].push_back(other->action);
}

std::string actions_of(std::string_view there) {
  std::string out;
  for (const auto& one : renamed)
    if (one.there == there && !one.action.empty())
      out += (out.empty() ? "" : ", ") + std::string(one.action);
  return out;
}

ToolCall named(std::string id, std::string_view name, const json& arguments) {
  return {std::move(id), std::string(name),
          arguments.dump(-1, ' ', false, json::error_handler_t::replace)};
}

}  // namespace

const std::vector<HostedTool>& hosted_tools() {
  static const auto all = [] {
    std::vector<HostedTool> out;
    for (const auto& tool : config::tool_specs()) add(out, tool);
    return out;
  }();
  return all;
}

std::string hosted_name(std::string_view tool) {
  if (config::find_tool(tool) == nullptr) return {};
  const Renamed* other = renaming_of(tool);
  return std::string(tool_prefix) + std::string(other == nullptr ? tool : other->there);
}

std::string naming_notes(const std::vector<std::string>& tools) {
  std::string out;
  for (const auto& one : renamed) {
    if (std::find(tools.begin(), tools.end(), one.tool) == tools.end()) continue;
    out += std::string(out.empty() ? "" : ", ") + std::string(one.tool) + " is " +
           std::string(tool_prefix) + std::string(one.there);
    if (!one.action.empty()) out += " with the action " + std::string(one.action);
  }
  return out.empty() ? out : out + ".";
}

Result<ToolCall> direct_call(std::string id, std::string_view name, json arguments) {
  if (!arguments.is_object()) arguments = json::object();
  const auto action = arguments.find("action");
  const auto wanted =
      action != arguments.end() && action->is_string() ? action->get<std::string>() : std::string();
  for (const auto& one : renamed) {
    if (one.there != name) continue;
    if (one.action.empty()) return named(std::move(id), one.tool, arguments);
    if (one.action != wanted) continue;
    arguments.erase("action");
    return named(std::move(id), one.tool, arguments);
  }
  if (const auto actions = actions_of(name); !actions.empty())
    return Error{ErrorCode::invalid_argument, "action must be one of: " + actions,
                 std::string(tool_prefix) + std::string(name)};
  return named(std::move(id), name, arguments);
}

}  // namespace muster::opencode
