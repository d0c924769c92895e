#pragma once
// What kind of failure a provider's answer is.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/model_types.hpp"

namespace muster::model {

/// An answer that is no completion.
struct ProviderAnswer {
  int status = 0;                                       ///< of HTTP
  std::string_view body;                                ///< or its beginning
  std::optional<std::string_view> retry_after = {};     ///< header "retry-after"
  std::optional<std::string_view> retry_after_ms = {};  ///< header "retry-after-ms"
  std::int64_t now_ms = 0;                              ///< wall clock, for dates
};

/// Sorts an answer into a class by status, then by the wordings of several providers: quota before
/// rate limit, context overflow before invalid request. The message is one short printable line.
/// Never throws. Pure.
[[nodiscard]] ModelFailure classify_failure(const ProviderAnswer& answer);

/// The same for an `error` inside a 200 answer; `root` is the JSON that has it. What gives no hint
/// is overloaded: the provider began to answer, so asking again may help.
[[nodiscard]] ModelFailure classify_error_object(const nlohmann::json& root, int http_status);

/// Replaces every occurrence of a secret in `text`, and the beginning of one where the text was
/// cut. Secrets under four bytes are left alone: they would take ordinary words with them.
void redact(std::string& text, std::span<const std::string> secrets);

}  // namespace muster::model
