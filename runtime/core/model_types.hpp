#pragma once
// What goes to a language model and what comes back, as plain values.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// A tool call as the model wrote it. `arguments` is raw text: it may not be JSON.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;
  bool operator==(const ToolCall&) const = default;
};

struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t cached_input_tokens = 0;  ///< part of input_tokens
  std::int64_t output_tokens = 0;
  bool estimated = false;               ///< the provider sent none: bytes / 4
  std::optional<double> cost_usd = {};  ///< when the other side knows it
  bool operator==(const Usage&) const = default;
};

/// Where and how to call. Equal endpoint + model = one lane of the scheduler.
struct ModelEndpoint {
  std::string provider;  ///< name in the config, e.g. "openrouter"
  std::string base_url;  ///< ".../v1"; "/chat/completions" is appended
  std::string api_key;   ///< never logged; empty = no Authorization header
  std::string model;     ///< the provider's name of the model
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct ModelReply {
  std::string text;
  std::string reasoning;             ///< reasoning_content, kept apart
  std::vector<ToolCall> tool_calls;  ///< ids filled in when the provider sent none
  std::vector<std::string> heard;    ///< what a person told the model meanwhile, past the engine
  std::string finish_reason;  ///< normalised: stop | tool_calls | length | content_filter | unknown
  Usage usage;
  std::int64_t first_byte_ms = 0;  ///< since the request was sent
  std::int64_t duration_ms = 0;
};

/// A failed call: `error.code` is the class (rate_limited, overloaded, quota_exhausted,
/// unauthenticated, invalid_request, context_overflow, network, stalled, malformed, cancelled).
struct ModelFailure {
  Error error;
  int http_status = 0;  ///< 0 = there was no answer
  std::optional<std::chrono::milliseconds> retry_after;
};

using ModelOutcome = std::variant<ModelReply, ModelFailure>;

}  // namespace muster
