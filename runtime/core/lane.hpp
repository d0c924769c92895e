#pragma once
// The health of one lane (provider + account + model): pauses, backoff, breaker, refusal.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>

#include "runtime/core/backoff.hpp"
#include "runtime/core/breaker.hpp"
#include "runtime/core/result.hpp"

namespace muster {

struct LanePolicy {
  BackoffPolicy backoff;
  BreakerPolicy breaker;
  /// A lane that said no to our key or account twice in a row refuses all calls for so long, then
  /// lets one find out whether that changed.
  std::int64_t refuse_ms = 30'000;
};

/// May a call of this lane start now?
struct AdmitGo {};
struct AdmitWait {
  std::int64_t until_ms = 0;  ///< ask again then; an earlier report may change it
  std::string reason;         ///< one sentence for the status line
};
struct AdmitRefuse {
  Error error;  ///< unauthenticated or quota_exhausted: waiting does not help
};
using Admission = std::variant<AdmitGo, AdmitWait, AdmitRefuse>;

/// How a call ended: a success, or the class of its failure and what the server asked for.
struct CallOutcome {
  std::optional<ErrorCode> error = {};              ///< nullopt = success
  std::optional<std::int64_t> retry_after_ms = {};  ///< from the response
  std::string message = {};

  static CallOutcome success() { return {}; }
};

/// What the session that made the call may do.
struct RetryAdvice {
  bool retry = false;
  std::int64_t at_ms = 0;    ///< not before; only when retry
  bool lane_paused = false;  ///< all waiters of the lane wait, not only this call
};

/// One lane's state. Rate limits pause the lane: for Retry-After when given, else by backoff.
/// Network failures, stalls and 5xx delay the call and count for the breaker. Auth, quota and
/// invalid requests, overflows and aborts are not retried. A value; `now_ms` is wall time.
class LaneState {
 public:
  explicit LaneState(const LanePolicy& policy = {})
      : policy_(policy), backoff_(policy.backoff), breaker_(policy.breaker) {}

  /// Asks for a call. AdmitGo counts: its outcome must be reported, once.
  [[nodiscard]] Admission admit(std::int64_t now_ms);
  /// True when admit() would say go; changes nothing. For SlotTable::grant.
  [[nodiscard]] bool would_admit(std::int64_t now_ms) const;
  /// Reports how an admitted call ended; `random` in [0, 1) is for the jitter.
  RetryAdvice report(const CallOutcome& outcome, std::int64_t now_ms, double random);

  /// Until when the lane is paused; in the past when it is not.
  [[nodiscard]] std::int64_t paused_until() const { return paused_until_ms_; }
  [[nodiscard]] const Breaker& breaker() const { return breaker_; }

  /// Its times are moved by `shift_ms`: from this process's clock to one that outlives it, and
  /// back.
  [[nodiscard]] nlohmann::json to_json(std::int64_t shift_ms = 0) const;
  static LaneState from_json(const nlohmann::json& in, const LanePolicy& policy,
                             std::int64_t shift_ms = 0);
  /// Nothing to remember: not paused at `now_ms`, the breaker closed.
  [[nodiscard]] bool is_calm(std::int64_t now_ms) const;

 private:
  RetryAdvice rate_limited(const CallOutcome& outcome, std::int64_t now_ms, double random);
  RetryAdvice refused(const CallOutcome& outcome, std::int64_t now_ms);
  [[nodiscard]] std::optional<Admission> obstacle(std::int64_t now_ms) const;

  LanePolicy policy_;
  Backoff backoff_;
  Breaker breaker_;
  std::int64_t paused_until_ms_ = 0;
  std::string pause_reason_;
  int refusals_ = 0;  // in a row
  std::int64_t refuse_until_ms_ = 0;
  Error refusal_;
};

}  // namespace muster
