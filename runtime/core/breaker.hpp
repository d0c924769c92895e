#pragma once
// A circuit breaker (M. Nygard, "Release It!", 2007): stops calling what keeps failing.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace muster {

struct BreakerPolicy {
  int failures_to_open = 5;       ///< in a row
  std::int64_t open_ms = 30'000;  ///< how long it stays open before the probe
  int successes_to_close = 2;     ///< of probes, one after the other
  /// A probe that was never reported is given up after so long, so that a lost report cannot pin
  /// the breaker; longer than any call may take.
  std::int64_t probe_lost_ms = 900'000;
};

/// Closed -> (5 failures in a row) -> open -> (30 s) -> half-open: ONE probe at a time -> (2
/// successes)
/// -> closed; a failed probe opens it again. A value; `now_ms` is wall time, because the state must
/// survive a restart. Results that come in while it is open are late ones and change nothing.
class Breaker {
 public:
  enum class State { closed, open, half_open };

  explicit Breaker(BreakerPolicy policy = {}) : policy_(policy) {}

  /// May a call start now? In half-open, true makes the caller the one probe: it must report
  /// success(), failure() or abandon().
  [[nodiscard]] bool allow(std::int64_t now_ms);
  /// Would allow() say yes? Changes nothing.
  [[nodiscard]] bool would_allow(std::int64_t now_ms) const;
  void success(std::int64_t now_ms);
  void failure(std::int64_t now_ms);
  /// A call ended without telling anything about the other side (cancelled): frees the probe's
  /// place.
  void abandon();

  /// At `now_ms`; open turns half-open by time alone.
  [[nodiscard]] State state(std::int64_t now_ms) const;
  /// When the next probe may start, while open; nullopt when closed or half-open.
  [[nodiscard]] std::optional<std::int64_t> retry_at(std::int64_t now_ms) const;

  [[nodiscard]] nlohmann::json to_json() const;
  /// Restores what to_json() gave. A probe of the process that is gone is forgotten.
  static Breaker from_json(const nlohmann::json& in, BreakerPolicy policy);

 private:
  void open(std::int64_t now_ms);
  [[nodiscard]] bool probe_in_flight(std::int64_t now_ms) const;

  BreakerPolicy policy_;
  bool tripped_ = false;  // open or half-open
  int failures_ = 0;      // in a row, while closed
  int successes_ = 0;     // of probes, while half-open
  std::int64_t opened_at_ms_ = 0;
  std::optional<std::int64_t> probe_at_ms_;  // when the probe in flight started
};

[[nodiscard]] std::string_view to_string(Breaker::State state) noexcept;

}  // namespace muster
