#include "runtime/core/chat_failure.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "runtime/core/chat_json.hpp"
#include "runtime/core/retry_after.hpp"
#include "runtime/core/text.hpp"

namespace muster::model {
namespace {

using nlohmann::json;

constexpr std::size_t max_message = 400;
constexpr std::size_t max_words = 8192;

/// What an error body says, whoever wrote it.
struct Details {
  std::string message;
  std::string
      words;       ///< code, type, status and messages, in lower case: what wordings are sought in
  int status = 0;  ///< a numeric code inside the body
  std::optional<std::chrono::milliseconds> retry_after;
};

template <std::size_t N>
bool says(const Details& details, const std::array<std::string_view, N>& wordings) {
  return std::any_of(wordings.begin(), wordings.end(), [&](std::string_view wording) {
    return details.words.find(wording) != std::string::npos;
  });
}

constexpr std::array<std::string_view, 19> overflow_words{
    "context_length_exceeded",  "maximum context length", "context window",
    "context_window",           "context length",         "context size",
    "exceed_context_size",      "prompt is too long",     "prompt too long",
    "input is too long",        "input length",           "input token count",
    "maximum number of tokens", "reduce the length",      "too many tokens",
    "maximum prompt length",    "tokens exceed",          "token limit exceeded",
    "request too large"};
constexpr std::array<std::string_view, 13> quota_words{
    "insufficient_quota",   "billing_hard_limit",   "billing_not_active",   "insufficient_balance",
    "insufficient balance", "insufficient_credits", "insufficient credits", "insufficient funds",
    "credit balance",       "out of credits",       "payment required",     "payment_required",
    "requires more credits"};
// Also used for limits per minute; those come with a time to wait.
constexpr std::array<std::string_view, 3> weak_quota_words{"exceeded your current quota", "billing",
                                                           "quota exceeded"};
constexpr std::array<std::string_view, 7> key_words{
    "invalid_api_key",      "api key not valid", "invalid api key", "incorrect api key",
    "authentication_error", "unauthorized",      "unauthenticated"};
constexpr std::array<std::string_view, 6> rate_words{"rate_limit",        "rate limit",
                                                     "ratelimit",         "resource_exhausted",
                                                     "too many requests", "tokens per min"};
constexpr std::array<std::string_view, 3> request_words{"invalid_request", "invalid_argument",
                                                        "invalid request"};

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return {};
}

std::string member_text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? std::string{} : text_of(*found);
}

std::string first_text(const json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto text = member_text(object, name);
    if (!text.empty()) return text;
  }
  return {};
}

/// FastAPI: {"detail":[{"msg":"..."}]}.
std::string detail_text(const json& object) {
  const auto detail = object.find("detail");
  if (detail == object.end() || !detail->is_array() || detail->empty()) return {};
  const json& first = detail->front();
  return first.is_object() ? member_text(first, "msg") : text_of(first);
}

/// Google: {"details":[{"retryDelay":"36s"}]}.
std::optional<std::chrono::milliseconds> retry_delay(const json& error) {
  const auto details = error.find("details");
  if (details == error.end() || !details->is_array()) return std::nullopt;
  for (const json& detail : *details) {
    if (!detail.is_object()) continue;
    if (auto wait = parse_retry_after(member_text(detail, "retryDelay"), 0)) return wait;
  }
  return std::nullopt;
}

void read_error(const json& error, Details& details) {
  details.message = first_text(error, {"message", "msg", "error_description", "detail", "title"});
  if (details.message.empty()) details.message = detail_text(error);
  std::string words = first_text(error, {"code"}) + ' ' + first_text(error, {"type"}) + ' ' +
                      first_text(error, {"status"}) + ' ' + details.message;
  for (const char* name : {"code", "status"}) {
    const auto code = error.find(name);
    if (code != error.end() && code->is_number_integer() && details.status == 0) {
      const auto number = code->get<std::int64_t>();
      if (number >= 400 && number < 600) details.status = static_cast<int>(number);
    }
  }
  // OpenRouter wraps what its upstream said.
  const auto metadata = error.find("metadata");
  if (metadata != error.end() && metadata->is_object())
    words += ' ' + first_text(*metadata, {"raw", "reason"});
  details.words = to_lower(bounded_head(words, max_words));
  details.retry_after = retry_delay(error);
}

Details read_details(const json& root) {
  Details details;
  const json* top = &root;
  if (top->is_array() && !top->empty()) top = &top->front();
  if (!top->is_object()) return details;
  const auto error = top->find("error");
  if (error == top->end() || error->is_null()) {
    read_error(*top, details);
  } else if (error->is_object()) {
    read_error(*error, details);
  } else {
    read_error(*top, details);
    if (const auto text = text_of(*error); !text.empty()) {
      if (details.message.empty()) details.message = text;
      details.words += ' ' + to_lower(bounded_head(text, max_words));
    }
  }
  return details;
}

/// A body that is no JSON: its text, or the title of the page.
Details read_plain(std::string_view body) {
  Details details;
  const std::string text = valid_utf8(bounded_head(body, max_words));
  details.words = to_lower(text);
  const auto begin = details.words.find("<title>");
  const auto end = details.words.find("</title>");
  if (begin != std::string::npos && end != std::string::npos && begin + 7 <= end) {
    details.message = text.substr(begin + 7, end - begin - 7);
  } else if (trim(text).starts_with('<')) {
    details.message = "(a page of HTML or XML)";
  } else {
    details.message = text;
  }
  return details;
}

ErrorCode class_of_words(const Details& details) {
  if (says(details, overflow_words)) return ErrorCode::context_overflow;
  if (says(details, quota_words)) return ErrorCode::quota_exhausted;
  if (says(details, key_words)) return ErrorCode::unauthenticated;
  if (says(details, rate_words)) return ErrorCode::rate_limited;
  if (says(details, request_words)) return ErrorCode::invalid_request;
  return ErrorCode::overloaded;
}

ErrorCode class_of_429(const Details& details) {
  // One request above the limit of a whole minute: waiting will not make it smaller.
  if (details.words.find("request too large") != std::string::npos)
    return ErrorCode::context_overflow;
  if (says(details, quota_words)) return ErrorCode::quota_exhausted;
  if (!details.retry_after && says(details, weak_quota_words)) return ErrorCode::quota_exhausted;
  return ErrorCode::rate_limited;
}

ErrorCode class_of(int status, const Details& details) {
  if (status < 300) return class_of_words(details);
  if (status < 400) return ErrorCode::invalid_request;
  switch (status) {
    case 401:
      return ErrorCode::unauthenticated;
    case 402:
      return ErrorCode::quota_exhausted;
    case 403:
      return says(details, quota_words) ? ErrorCode::quota_exhausted : ErrorCode::unauthenticated;
    case 413:
      return ErrorCode::context_overflow;
    case 429:
      return class_of_429(details);
    default:
      break;
  }
  if (says(details, overflow_words)) return ErrorCode::context_overflow;
  const bool passing = status >= 500 || status == 408 || status == 409 || status == 425;
  if (passing) return ErrorCode::overloaded;
  if (says(details, quota_words)) return ErrorCode::quota_exhausted;
  if (status == 400 && says(details, key_words)) return ErrorCode::unauthenticated;
  return ErrorCode::invalid_request;
}

std::string message_of(int http_status, const Details& details) {
  std::string text = one_line(details.message, max_message);
  if (text.empty()) text = "(no message)";
  if (http_status >= 300 && http_status < 400) text = "redirected; check the base URL. " + text;
  if (http_status == 200 || http_status == 0) return "the provider reported an error: " + text;
  return "HTTP " + std::to_string(http_status) + ": " + text;
}

ModelFailure failure_of(int http_status, const Details& details) {
  const int status = http_status >= 300 ? http_status : details.status;
  return {.error = {class_of(status, details), message_of(http_status, details)},
          .http_status = http_status,
          .retry_after = details.retry_after};
}

}  // namespace

ModelFailure classify_failure(const ProviderAnswer& answer) {
  const json root = parse_outside_json(answer.body);
  auto details = root.is_discarded() ? read_plain(answer.body) : read_details(root);
  std::optional<std::chrono::milliseconds> wait;
  if (answer.retry_after_ms) wait = parse_retry_after_ms(*answer.retry_after_ms);
  if (!wait && answer.retry_after) wait = parse_retry_after(*answer.retry_after, answer.now_ms);
  if (wait) details.retry_after = wait;
  return failure_of(answer.status, details);
}

ModelFailure classify_error_object(const json& root, int http_status) {
  return failure_of(http_status, read_details(root));
}

void redact(std::string& text, std::span<const std::string> secrets) {
  constexpr std::string_view mark = "[redacted]";
  constexpr std::string_view cut_mark = "\xE2\x80\xA6";  // what one_line() ends a cut text with
  constexpr std::size_t shortest = 4;
  for (const std::string& secret : secrets) {
    if (secret.size() < shortest) continue;
    for (auto at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + mark.size())) {
      text.replace(at, secret.size(), mark);
    }
    // The text may have been cut inside a secret.
    const bool cut = text.ends_with(cut_mark);
    const std::size_t end = text.size() - (cut ? cut_mark.size() : 0);
    for (auto length = std::min(secret.size(), end); length >= shortest; --length) {
      if (text.compare(end - length, length, secret, 0, length) != 0) continue;
      text.replace(end - length, length, mark);
      break;
    }
  }
}

}  // namespace muster::model
