#include "adapters/model/chat_completions.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/model/chat_chunk.hpp"
#include "runtime/core/chat.hpp"
#include "runtime/core/chat_json.hpp"
#include "runtime/core/text.hpp"

namespace muster::model {
namespace {

using nlohmann::json;

const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const std::string* string_member(const json& object, const char* name) {
  const json* const found = member(object, name);
  return found != nullptr && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
}

std::int64_t count_member(const json& object, const char* name) {
  const json* const found = member(object, name);
  if (found == nullptr || !found->is_number()) return 0;
  constexpr double most = 1e15;
  return static_cast<std::int64_t>(std::clamp(found->get<double>(), 0.0, most));
}

std::int64_t first_count(const json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto count = count_member(object, name); count > 0) return count;
  }
  return 0;
}

/// The finish reasons of several protocols, as ours.
std::string normalised(std::string_view reason) {
  struct Name {
    std::string_view theirs;
    std::string_view ours;
  };
  static constexpr std::array<Name, 15> names{{{"stop", "stop"},
                                               {"end_turn", "stop"},
                                               {"stop_sequence", "stop"},
                                               {"eos", "stop"},
                                               {"eos_token", "stop"},
                                               {"tool_calls", "tool_calls"},
                                               {"tool_use", "tool_calls"},
                                               {"function_call", "tool_calls"},
                                               {"length", "length"},
                                               {"max_tokens", "length"},
                                               {"model_length", "length"},
                                               {"content_filter", "content_filter"},
                                               {"safety", "content_filter"},
                                               {"refusal", "content_filter"},
                                               {"error", "error"}}};
  const std::string lower = to_lower(reason);
  for (const Name& name : names) {
    if (name.theirs == lower) return std::string{name.ours};
  }
  return "unknown";
}

}  // namespace

ChatDecoder::ChatDecoder(DecoderLimits limits, OnDelta on_delta)
    : limits_(limits),
      on_delta_(std::move(on_delta)),
      events_(limits.max_event_bytes),
      said_(limits.text),
      thought_(limits.text),
      called_(limits.arguments) {}

ChatDecoder::State ChatDecoder::feed(std::string_view bytes) {
  if (state_ != State::more) return state_;
  switch (format_) {
    case Format::unknown:
      return feed_unknown(bytes);
    case Format::events:
      return feed_events(bytes);
    case Format::document:
      return feed_document(bytes);
  }
  return state_;
}

/// Blank space and byte order marks say nothing about the format, and mean nothing in either.
ChatDecoder::State ChatDecoder::feed_unknown(std::string_view bytes) {
  const auto begin = bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == std::string_view::npos) return state_;
  bytes.remove_prefix(begin);
  if (bytes.front() == '<') {
    fail(ErrorCode::malformed, "a page of HTML or XML instead of a completion");
    return state_;
  }
  const bool is_json = bytes.front() == '{' || bytes.front() == '[';
  format_ = is_json ? Format::document : Format::events;
  return feed(bytes);
}

ChatDecoder::State ChatDecoder::feed_events(std::string_view bytes) {
  events_.feed(bytes);
  while (const auto next = events_.next()) {
    event(next->type, next->data);
    if (state_ != State::more) return state_;
  }
  look_for_repetition();
  if (events_.overflowed()) fail(ErrorCode::malformed, "a chunk of the stream is too large");
  return state_;
}

ChatDecoder::State ChatDecoder::feed_document(std::string_view bytes) {
  grew(bytes.size());
  if (state_ == State::more) document_ += bytes;
  return state_;
}

ChatDecoder::State ChatDecoder::finish() {
  if (state_ != State::more) return state_;
  if (format_ == Format::document) {
    document();
    return state_;
  }
  if (const auto last = events_.finish()) {
    // Without its blank line it may be a part: then the stream broke off, which is said below.
    if (last->data == "[DONE]" || json::accept(last->data)) event(last->type, last->data);
  }
  look_for_repetition();
  if (state_ != State::more) return state_;
  if (has_finish_reason()) {
    state_ = State::complete;
  } else if (any_chunk_) {
    fail(ErrorCode::network, "the stream ended early, without a finish reason");
  } else {
    fail(ErrorCode::malformed,
         format_ == Format::unknown ? "an empty answer" : "an answer that is no completion");
  }
  return state_;
}

void ChatDecoder::event(std::string_view type, std::string_view data) {
  if (plain(data)) return;
  const auto payload = trim(data);
  if (payload.empty()) return;
  if (payload == "[DONE]") return done_mark();
  const json parsed = parse_outside_json(payload);
  if (parsed.is_discarded()) return joined_events(payload);
  if (type == "error" && parsed.is_object() && !parsed.contains("choices")) {
    failure_ = classify_error_object(parsed, 200);
    state_ = State::failed;
    return;
  }
  chunk(parsed);
}

void ChatDecoder::done_mark() {
  const bool said_something = has_finish_reason() || bytes_ > 0;
  look_for_repetition();
  if (state_ != State::more) return;
  if (any_chunk_ && said_something) {
    state_ = State::complete;
  } else {
    fail(ErrorCode::malformed, "a stream without a reply");
  }
}

/// Some providers end their chunks with one line feed, which makes one event of many.
void ChatDecoder::joined_events(std::string_view data) {
  if (data.find('\n') == std::string_view::npos)
    return fail(ErrorCode::malformed, "a chunk of the stream is no JSON");
  while (!data.empty() && state_ == State::more) {
    const auto line = data.substr(0, data.find('\n'));
    data.remove_prefix(std::min(line.size() + 1, data.size()));
    event({}, line);
  }
}

/// The quick way for chunks of text, which are nearly all.
bool ChatDecoder::plain(std::string_view data) {
  const auto found = scan_plain_chunk(data);
  if (!found) return false;
  const std::size_t text_before = reply_.text.size();
  const std::size_t reasoning_before = reply_.reasoning.size();
  if (!append_unescaped(reply_.text, found->text) ||
      !append_unescaped(reply_.reasoning, found->reasoning)) {
    reply_.text.resize(text_before);
    reply_.reasoning.resize(reasoning_before);
    return false;
  }
  any_chunk_ = true;
  any_delta_ = true;
  grew(reply_.text.size() - text_before + reply_.reasoning.size() - reasoning_before);
  if (state_ != State::more) return true;
  if (on_delta_ && reply_.text.size() > text_before)
    on_delta_(std::string_view{reply_.text}.substr(text_before));
  if (!found->finish_reason.empty()) finish_reason(found->finish_reason);
  return true;
}

void ChatDecoder::chunk(const json& chunk) {
  if (!chunk.is_object()) return fail(ErrorCode::malformed, "a chunk of the stream is no object");
  if (const json* const error = member(chunk, "error");
      error != nullptr && *error != json(false) && *error != json("")) {
    failure_ = classify_error_object(chunk, 200);
    state_ = State::failed;
    return;
  }
  if (const json* const numbers = member(chunk, "usage")) usage(*numbers);
  const json* const choices = member(chunk, "choices");
  if (choices == nullptr || !choices->is_array()) return;
  any_chunk_ = true;
  // One completion is asked for; some proxies spread its text and its tool calls over several.
  for (const json& one : *choices) {
    if (one.is_object() && state_ == State::more) choice(one);
  }
}

void ChatDecoder::choice(const json& choice) {
  if (const json* const numbers = member(choice, "usage")) usage(*numbers);  // Moonshot
  const json* part = member(choice, "delta");
  any_delta_ = any_delta_ || part != nullptr;
  // A whole message at the end of a stream repeats what the deltas said.
  if (part == nullptr && !any_delta_) part = member(choice, "message");
  if (part != nullptr && part->is_object()) message(*part);
  if (state_ != State::more) return;
  if (const auto* const reason = string_member(choice, "finish_reason")) finish_reason(*reason);
}

void ChatDecoder::message(const json& message) {
  for (const char* name : {"reasoning_content", "reasoning"}) {
    const auto* const thoughts = string_member(message, name);
    if (thoughts == nullptr || thoughts->empty()) continue;
    reply_.reasoning += *thoughts;
    grew(thoughts->size());
    break;  // some send the same words under both names
  }
  if (const json* const parts = member(message, "content")) content(*parts);
  if (const auto* const refusal = string_member(message, "refusal")) text(*refusal);
  if (const json* const calls = member(message, "tool_calls"); calls && calls->is_array()) {
    for (const json& call : *calls) grew(tool_calls_.add(call));
  }
  if (const json* const call = member(message, "function_call"))
    grew(tool_calls_.add_function_call(*call));
  if (tool_calls_.size() > limits_.max_tool_calls)
    fail(ErrorCode::malformed,
         "more than " + std::to_string(limits_.max_tool_calls) + " tool calls");
}

/// A string, or parts: {"type":"text","text":...}, and Mistral's
/// {"type":"thinking","thinking":[parts]}.
void ChatDecoder::content(const json& content) {
  if (content.is_string()) return text(content.get_ref<const std::string&>());
  if (!content.is_array()) return;
  for (const json& part : content) {
    if (part.is_string()) text(part.get_ref<const std::string&>());
    if (!part.is_object()) continue;
    if (const auto* const words = string_member(part, "text")) text(*words);
    const json* const thinking = member(part, "thinking");
    if (thinking == nullptr || !thinking->is_array()) continue;
    for (const json& thought : *thinking) {
      const auto* const words = thought.is_object() ? string_member(thought, "text") : nullptr;
      if (words == nullptr) continue;
      reply_.reasoning += *words;
      grew(words->size());
    }
  }
}

void ChatDecoder::usage(const json& usage) {
  if (!usage.is_object()) return;
  Usage found;
  found.input_tokens = first_count(usage, {"prompt_tokens", "input_tokens"});
  found.output_tokens = first_count(usage, {"completion_tokens", "output_tokens"});
  found.cached_input_tokens =
      first_count(usage, {"prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"});
  const json* const details = member(usage, "prompt_tokens_details");
  if (details != nullptr && details->is_object() && count_member(*details, "cached_tokens") > 0)
    found.cached_input_tokens = count_member(*details, "cached_tokens");
  // All zeros is how some say that they do not know.
  if (found.input_tokens == 0 && found.output_tokens == 0) return;
  reply_.usage = found;
  has_usage_ = true;
}

void ChatDecoder::finish_reason(std::string_view reason) {
  if (reason.empty()) return;
  reply_.finish_reason = normalised(reason);
  if (reply_.finish_reason == "error")
    fail(ErrorCode::overloaded, "the provider broke the reply off with an error");
}

void ChatDecoder::document() {
  const json root = parse_outside_json(document_);
  document_ = {};
  const json& top = root.is_array() && !root.empty() ? root.front() : root;
  if (!top.is_object()) return fail(ErrorCode::malformed, "the answer is no JSON");
  bytes_ = 0;  // what counted so far was JSON; now the reply itself counts
  chunk(top);
  look_for_repetition();
  if (state_ != State::more) return;
  if (!any_chunk_) return fail(ErrorCode::malformed, "an answer without choices");
  if (reply_.finish_reason.empty()) reply_.finish_reason = "unknown";
  state_ = State::complete;
}

void ChatDecoder::text(std::string_view piece) {
  if (piece.empty()) return;
  grew(piece.size());
  if (state_ != State::more) return;
  reply_.text += piece;
  if (on_delta_) on_delta_(piece);
}

void ChatDecoder::grew(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > limits_.max_reply_bytes)
    fail(ErrorCode::malformed,
         "a reply larger than " + std::to_string(limits_.max_reply_bytes) + " bytes");
}

/// A model that got stuck writes on until it is cut: the sooner the better.
void ChatDecoder::look_for_repetition() {
  if (state_ != State::more) return;
  if (tool_calls_.size() != watched_call_) {
    watched_call_ = tool_calls_.size();
    called_ = RepetitionDetector(limits_.arguments);
  }
  auto stuck = [this](RepetitionDetector& detector, std::string_view text, const char* where) {
    if (!detector.stuck(text)) return;
    auto unit = text.substr(text.size() - detector.unit_bytes());
    fail(ErrorCode::degenerate,
         std::string("the ") + where + " repeats '" + one_line(unit, 60) + "' without end");
  };
  stuck(said_, reply_.text, "reply");
  stuck(thought_, reply_.reasoning, "reasoning");
  stuck(called_, tool_calls_.last_arguments(), "tool call");
}

void ChatDecoder::fail(ErrorCode code, std::string message) {
  if (state_ == State::failed) return;
  state_ = State::failed;
  failure_ = {.error = {code, std::move(message)}, .http_status = 200, .retry_after = {}};
}

ModelReply ChatDecoder::take(std::string_view salt, std::size_t request_bytes) {
  ModelReply reply = std::move(reply_);
  reply.tool_calls = tool_calls_.take(salt);
  const bool cut = reply.finish_reason == "length" || reply.finish_reason == "content_filter";
  if (!reply.tool_calls.empty() && !cut) reply.finish_reason = "tool_calls";
  if (reply.tool_calls.empty() && reply.finish_reason == "tool_calls") reply.finish_reason = "stop";
  if (reply.finish_reason.empty()) reply.finish_reason = "unknown";
  if (!has_usage_) {
    std::size_t written = reply.text.size() + reply.reasoning.size();
    for (const auto& call : reply.tool_calls) written += call.name.size() + call.arguments.size();
    reply.usage = {.input_tokens = estimate_tokens(request_bytes),
                   .output_tokens = estimate_tokens(written),
                   .estimated = true};
  }
  return reply;
}

}  // namespace muster::model
