#pragma once
// JSON from a provider, parsed with care.

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace muster::model {

/// Parses text from outside: ill-formed UTF-8 is repaired first when needed. Broken, or nested
/// deeper than 128 levels (which would exhaust the stack of whoever walks it): a discarded value.
[[nodiscard]] nlohmann::json parse_outside_json(std::string_view text);

}  // namespace muster::model
