#pragma once
// "provider/model", as people write it.

#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster::config {

/// A model of a provider. The model's own name may hold slashes ("qwen/qwen3-coder").
struct ModelName {
  std::string provider;
  std::string model;

  bool operator==(const ModelName&) const = default;
  [[nodiscard]] std::string text() const { return provider + "/" + model; }
};

/// Parses "P/M": everything up to the first slash is the provider. Refuses empty parts, spaces and
/// control characters.
Result<ModelName> parse_model_name(std::string_view text);

}  // namespace muster::config
