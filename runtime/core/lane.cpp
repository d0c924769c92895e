#include "runtime/core/lane.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/core/json_read.hpp"

namespace muster {
namespace {

constexpr int refusals_to_close = 2;
/// When a probe is on its way nobody knows when it ends; ask again soon.
constexpr std::int64_t probe_poll_ms = 1000;
/// No server pauses a lane for longer.
constexpr std::int64_t max_pause_ms = 24LL * 3600 * 1000;

enum class Kind { success, pause, backoff, refusal, caller };

Kind kind_of(const std::optional<ErrorCode>& error) {
  if (!error) return Kind::success;
  switch (*error) {
    case ErrorCode::rate_limited:
    case ErrorCode::overloaded:
      return Kind::pause;
    case ErrorCode::network:
    case ErrorCode::stalled:
    case ErrorCode::timeout:
    case ErrorCode::unavailable:
    case ErrorCode::malformed:
      return Kind::backoff;
    case ErrorCode::unauthenticated:
    case ErrorCode::quota_exhausted:
      return Kind::refusal;
    default:
      return Kind::caller;  // our request or our wish: says nothing about the lane
  }
}

}  // namespace

std::optional<Admission> LaneState::obstacle(std::int64_t now_ms) const {
  if (now_ms < refuse_until_ms_) return AdmitRefuse{refusal_};
  if (now_ms < paused_until_ms_) return AdmitWait{paused_until_ms_, pause_reason_};
  if (breaker_.would_allow(now_ms)) return std::nullopt;
  if (const auto at = breaker_.retry_at(now_ms))
    return AdmitWait{*at, "the breaker is open after repeated failures"};
  return AdmitWait{now_ms + probe_poll_ms, "the breaker waits for its probe"};
}

bool LaneState::would_admit(std::int64_t now_ms) const { return !obstacle(now_ms); }

Admission LaneState::admit(std::int64_t now_ms) {
  if (auto wait = obstacle(now_ms)) return *wait;
  (void)breaker_.allow(now_ms);  // asked above; takes the probe's place
  return AdmitGo{};
}

RetryAdvice LaneState::rate_limited(const CallOutcome& outcome, std::int64_t now_ms,
                                    double random) {
  // A server that names its wait is alive and well; one that is just overloaded may not be.
  if (outcome.error == ErrorCode::overloaded && !outcome.retry_after_ms)
    breaker_.failure(now_ms);
  else
    breaker_.abandon();
  const auto wait = outcome.retry_after_ms
                        ? std::clamp<std::int64_t>(*outcome.retry_after_ms, 0, max_pause_ms)
                        : backoff_.next(now_ms, random);
  paused_until_ms_ = std::max(paused_until_ms_, now_ms + wait);
  pause_reason_ = outcome.retry_after_ms ? "the server asked to wait (Retry-After)"
                                         : "backing off after a rate limit";
  return {true, paused_until_ms_, true};
}

RetryAdvice LaneState::refused(const CallOutcome& outcome, std::int64_t now_ms) {
  breaker_.abandon();
  if (++refusals_ < refusals_to_close) return {};
  refusal_ = Error{*outcome.error, outcome.message};
  refuse_until_ms_ = now_ms + policy_.refuse_ms;
  return {};
}

RetryAdvice LaneState::report(const CallOutcome& outcome, std::int64_t now_ms, double random) {
  const Kind kind = kind_of(outcome.error);
  if (kind != Kind::refusal && kind != Kind::caller) refusals_ = 0;
  switch (kind) {
    case Kind::success:
      breaker_.success(now_ms);
      backoff_.reset();
      return {};
    case Kind::pause:
      return rate_limited(outcome, now_ms, random);
    case Kind::backoff: {
      breaker_.failure(now_ms);
      const auto wait = outcome.retry_after_ms
                            ? std::clamp<std::int64_t>(*outcome.retry_after_ms, 0, max_pause_ms)
                            : backoff_.next(now_ms, random);
      return {true, now_ms + wait, false};
    }
    case Kind::refusal:
      return refused(outcome, now_ms);
    case Kind::caller:
      breaker_.abandon();
      return {};
  }
  return {};
}

bool LaneState::is_calm(std::int64_t now_ms) const {
  return paused_until_ms_ <= now_ms && breaker_.state(now_ms) == Breaker::State::closed;
}

namespace {

/// Times that were never set stay so.
void shift(nlohmann::json& object, const char* key, std::int64_t by) {
  if (const auto at = json_int(object, key); at != 0) object[key] = at + by;
}

}  // namespace

nlohmann::json LaneState::to_json(std::int64_t shift_ms) const {
  nlohmann::json out{{"backoff", backoff_.to_json()},
                     {"breaker", breaker_.to_json()},
                     {"paused_until_ms", paused_until_ms_},
                     {"pause_reason", pause_reason_}};
  shift(out, "paused_until_ms", shift_ms);
  shift(out["breaker"], "opened_at_ms", shift_ms);
  return out;
}

LaneState LaneState::from_json(const nlohmann::json& in, const LanePolicy& policy,
                               std::int64_t shift_ms) {
  LaneState out(policy);
  auto breaker = json_object(in, "breaker");
  shift(breaker, "opened_at_ms", shift_ms);
  out.backoff_ = Backoff::from_json(json_object(in, "backoff"), policy.backoff);
  out.breaker_ = Breaker::from_json(breaker, policy.breaker);
  out.paused_until_ms_ = json_int(in, "paused_until_ms");
  if (out.paused_until_ms_ != 0) out.paused_until_ms_ += shift_ms;
  out.pause_reason_ = json_text(in, "pause_reason");
  return out;
}

}  // namespace muster
