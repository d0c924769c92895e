#pragma once
// Reading the arguments of a tool call as models write them.

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/core/result.hpp"

namespace muster {

/// The arguments as an object; none at all is an empty one. malformed: they are none.
Result<nlohmann::json> tool_arguments(const std::string& text);
/// A text. invalid_argument: it is no string, or missing and `required`; else missing is empty.
Result<std::string> text_argument(const nlohmann::json& arguments, const char* key, bool required);
/// A whole number from 0 to 10^9; `fallback` when there is none.
int int_argument(const nlohmann::json& arguments, const char* key, int fallback);

}  // namespace muster
