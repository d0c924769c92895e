#pragma once
// The tools that agents can call, as one table.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::config {

/// A tool as a model sees it.
struct ToolSpec {
  std::string_view name;
  std::string_view description;
  std::string_view schema;  ///< JSON Schema of its arguments, as text
  bool final = false;       ///< ends the session: what it submits is the session's result
};

/// All tools, in a fixed order.
[[nodiscard]] std::span<const ToolSpec> tool_specs();
/// By exact name; null when unknown.
[[nodiscard]] const ToolSpec* find_tool(std::string_view name);
/// Checks arguments against the tool's schema. The error (invalid_argument) lists every problem
/// with its path, worded for the model that wrote them; not_found names the closest tool.
Status validate_tool_arguments(std::string_view name, const nlohmann::json& arguments);
/// The `tools` member of a chat completion for these names, in the table's order; unknown names are
/// left out.
[[nodiscard]] nlohmann::json tool_definitions(const std::vector<std::string>& names);

/// Rough tokens of a text: characters / 4, rounded up.
[[nodiscard]] std::size_t estimate_tokens(std::string_view text) noexcept;

}  // namespace muster::config
