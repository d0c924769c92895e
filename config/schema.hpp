#pragma once
// A validator for the part of JSON Schema (draft 2020-12) that muster's own schemas use. A keyword
// that it does not know is a bug in the schema, and reported as one: nothing is skipped silently.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::config {

struct SchemaProblem {
  std::string pointer;  ///< JSON pointer of the bad value
  std::string message;  ///< one sentence, without the path
  bool operator==(const SchemaProblem&) const = default;
};

/// Everything that is wrong with `value`, at most 50 problems. Knows: type, enum, properties,
/// required, additionalProperties, maxProperties, items, minItems, maxItems, minimum, maximum,
/// minLength, maxLength (in bytes), $ref to "#/$defs/...", annotations, and "x-" keywords.
[[nodiscard]] std::vector<SchemaProblem> validate(const nlohmann::json& schema,
                                                  const nlohmann::json& value);

/// The subschema that rules the value at `pointer`, with $ref merged in; null when none does.
[[nodiscard]] nlohmann::json subschema(const nlohmann::json& schema, std::string_view pointer);

/// `node` with the target of its $ref merged in below its own keywords.
[[nodiscard]] nlohmann::json resolve_ref(const nlohmann::json& root, const nlohmann::json& node);

}  // namespace muster::config
