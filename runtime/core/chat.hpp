#pragma once
// Chat-completion requests, put together from messages that were serialised once.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/model_types.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// One message (or the `tools` array) as JSON text: valid UTF-8, immutable, shared by everyone who
/// keeps the transcript. Never null when it comes from a function below.
using ChatFragment = std::shared_ptr<const std::string>;

/// Appends `text` as a JSON string with its quotes. Ill-formed UTF-8 becomes U+FFFD. Pure.
void append_json_string(std::string& out, std::string_view text);

[[nodiscard]] ChatFragment system_message(std::string_view text);

/// What a person wrote; or, when `synthetic`, what the engine says in the user's place: such text
/// stands inside a <muster-notice> element, so that no model takes it for the user's words.
[[nodiscard]] ChatFragment user_message(std::string_view text, bool synthetic = false);

/// What the model answered. Arguments that are no JSON object are wrapped into one under
/// "malformed_arguments", because many providers refuse a transcript with broken ones; empty
/// arguments become {}. `reasoning` is sent back as reasoning_content when not empty: pass it only
/// for models that ask for it.
[[nodiscard]] ChatFragment assistant_message(std::string_view text,
                                             std::span<const ToolCall> tool_calls = {},
                                             std::string_view reasoning = {});

/// The result of one tool call.
[[nodiscard]] ChatFragment tool_message(std::string_view call_id, std::string_view text);

/// A function that the model may call. `schema` is the JSON Schema of its arguments, as text.
struct ToolSpec {
  std::string name;
  std::string description;
  std::string schema;
};

/// The `tools` array, serialised once per role. invalid_argument names the tool whose schema is not
/// a JSON object.
[[nodiscard]] Result<ChatFragment> tools_fragment(const std::vector<ToolSpec>& tools);

/// How a model is asked. Equal for all requests of a role.
struct ChatParams {
  std::string model;                            ///< the provider's name of it
  std::optional<double> temperature = {};       ///< left out when unset or not finite
  std::optional<std::int64_t> max_tokens = {};  ///< left out when unset
  std::string max_tokens_field = "max_tokens";  ///< or "max_completion_tokens"
  bool stream = true;
  bool include_usage = true;  ///< stream_options.include_usage; only with `stream`
  std::optional<bool> parallel_tool_calls = {};  ///< left out when unset or without tools
  /// Further members, as the text of a JSON object, e.g. {"reasoning_effort":"low"}; they win over
  /// the ones above, but not over messages, tools and stream, which belong to the engine. Ignored
  /// when it is no JSON object.
  std::string extra = {};
};

/// The body of a request: one allocation, the fragments copied into it byte for byte. `tools` may
/// be null or "[]" (no tools). Null fragments are skipped. Pure, never throws on any content.
[[nodiscard]] std::string build_body(const ChatParams& params, const ChatFragment& tools,
                                     std::span<const ChatFragment> messages);

/// Rough number of tokens of so many bytes of text: a quarter, rounded up.
[[nodiscard]] std::int64_t estimate_tokens(std::size_t bytes) noexcept;

}  // namespace muster
