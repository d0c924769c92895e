#pragma once
// Small edits of a configuration that a person wrote: JSON with // and /* */ comments and trailing
// commas. What is not edited stays as it is, byte for byte.

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster {

/// The value of such a text; blank text is an empty object. Errors: invalid_argument with the line.
/// Pure, as is all of this file.
Result<nlohmann::json> parse_jsonc(std::string_view text);

/// The text with `entry` as the last element of the list `key` of the top object; the list is made
/// when there is none. Lines, indent, trailing commas and line ends follow what is there. Errors:
/// invalid_argument (not parsable, no object, `key` is no list).
Result<std::string> add_to_list(std::string_view text, std::string_view key,
                                const nlohmann::json& entry);

/// The text without those elements of the list `key` that `which` likes, and without the list when
/// nothing, not even a comment, is left in it. Unchanged when there are none. Errors as above.
Result<std::string> remove_from_list(std::string_view text, std::string_view key,
                                     const std::function<bool(const nlohmann::json&)>& which);

}  // namespace muster
