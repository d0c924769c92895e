#pragma once
// The chat-completions protocol: what comes back, streamed or whole, with the quirks of many
// providers.

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/sse.hpp"
#include "adapters/model/chat_tool_calls.hpp"
#include "runtime/core/chat_failure.hpp"
#include "runtime/core/model_types.hpp"
#include "runtime/core/repetition.hpp"

namespace muster::model {

/// How large a reply may get.
struct DecoderLimits {
  std::size_t max_reply_bytes = std::size_t{10} << 20U;  ///< text + reasoning + tool calls
  std::size_t max_event_bytes = std::size_t{4} << 20U;   ///< one chunk of a stream
  std::size_t max_tool_calls = 256;
  RepetitionLimits text;  ///< also of reasoning
  /// What is written to files repeats more than what is said.
  RepetitionLimits arguments{.max_unit = 256, .window = 65536, .stride = 8192};
};

/// Decodes the body of one 200 answer, fed in pieces of any size. Finds out by itself whether it is
/// an event stream or a JSON document: content types are often wrong. Pure: no clock, no I/O. Not
/// thread-safe.
class ChatDecoder {
 public:
  enum class State {
    more,      ///< not over yet
    complete,  ///< take() has the reply; further bytes are ignored
    failed,    ///< failure() says why; further bytes are ignored
  };
  using OnDelta = std::function<void(std::string_view)>;

  /// `on_delta`, when set, gets each piece of visible text, valid UTF-8, during feed() or finish().
  explicit ChatDecoder(DecoderLimits limits = {}, OnDelta on_delta = {});

  State feed(std::string_view bytes);
  /// The body ended as it should. Afterwards the state is complete or failed.
  State finish();
  [[nodiscard]] State state() const noexcept { return state_; }

  /// The reply; once, when complete. `salt` seeds invented tool-call ids (the same salt and reply
  /// give the same ids); `request_bytes` is for the estimate of usage when the provider sent none.
  [[nodiscard]] ModelReply take(std::string_view salt, std::size_t request_bytes);
  /// The provider said why it finished: what is missing after that is only the end mark.
  [[nodiscard]] bool has_finish_reason() const noexcept { return !reply_.finish_reason.empty(); }
  /// When failed: network (the stream broke off), malformed, degenerate (a stuck decoder), or the
  /// class of an error inside.
  [[nodiscard]] const ModelFailure& failure() const noexcept { return failure_; }

 private:
  enum class Format { unknown, events, document };

  State feed_unknown(std::string_view bytes);
  State feed_events(std::string_view bytes);
  State feed_document(std::string_view bytes);
  void event(std::string_view type, std::string_view data);
  void done_mark();
  void joined_events(std::string_view data);
  void chunk(const nlohmann::json& chunk);
  void choice(const nlohmann::json& choice);
  void message(const nlohmann::json& message);
  void content(const nlohmann::json& content);
  void usage(const nlohmann::json& usage);
  void finish_reason(std::string_view reason);
  bool plain(std::string_view data);
  void document();
  void text(std::string_view piece);
  void grew(std::size_t bytes);
  void look_for_repetition();
  void fail(ErrorCode code, std::string message);

  DecoderLimits limits_;
  OnDelta on_delta_;
  State state_ = State::more;
  Format format_ = Format::unknown;
  http::SseParser events_;
  std::string document_;
  ModelReply reply_;
  ToolCallAssembler tool_calls_;
  RepetitionDetector said_;
  RepetitionDetector thought_;
  RepetitionDetector called_;     // of the call that grows
  std::size_t watched_call_ = 0;  // its number
  std::size_t bytes_ = 0;
  bool any_chunk_ = false;
  bool any_delta_ = false;
  bool has_usage_ = false;
  ModelFailure failure_;
};

}  // namespace muster::model
