#pragma once
// Muster's tools under the names that they have in OpenCode, and back.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/model_types.hpp"
#include "runtime/core/result.hpp"

namespace muster::opencode {

/// What all of them begin with there; OpenCode's configuration denies this pattern to every other
/// agent.
inline constexpr std::string_view tool_prefix = "muster_";

/// One tool as OpenCode is given it.
struct HostedTool {
  std::string name;           ///< with the prefix
  nlohmann::json definition;  ///< {"description", "args"}: plain properties, as a plugin declares
                              ///< them
  std::vector<std::string> stands_for;  ///< muster's own names
};

/// All tools of config/tools.cpp as OpenCode is given them. A tool is there as muster_<name>; the
/// few that have another name there, or are one tool together, are in a table in the source.
/// OpenCode makes every argument a required one, so those that may be left out take null. Pure.
[[nodiscard]] const std::vector<HostedTool>& hosted_tools();
/// The name there of one of muster's tools; empty: there is no such tool.
[[nodiscard]] std::string hosted_name(std::string_view tool);
/// How these tools are to be called there, where prefix and name do not say it: one sentence for
/// each. Empty when there is none.
[[nodiscard]] std::string naming_notes(const std::vector<std::string>& tools);
/// A call as muster's own tools have it. `name` is without the prefix. The error is worded for the
/// model that made the call.
Result<ToolCall> direct_call(std::string id, std::string_view name, nlohmann::json arguments);

}  // namespace muster::opencode
