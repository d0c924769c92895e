#pragma once
// How often a supervisor may restart before it gives up.

#include <cstddef>
#include <cstdint>
#include <deque>

namespace muster {

/// Erlang/OTP's maximum restart intensity ("Supervisor Behaviour", OTP Design Principles): when
/// more than `max_restarts` happen within the last `period_ms`, the supervisor ends itself. The
/// window is closed on both sides, as in OTP's supervisor.erl. A value; keeps at most max_restarts
/// + 1 times.
class Intensity {
 public:
  /// OTP's defaults: 1 restart in 5 seconds.
  explicit Intensity(std::size_t max_restarts = 1, std::int64_t period_ms = 5000)
      : max_restarts_(max_restarts), period_ms_(period_ms) {}

  /// Counts a restart at `now_ms`; false = the intensity is exceeded and the supervisor must end.
  [[nodiscard]] bool allow(std::int64_t now_ms);
  /// Restarts within the period before `now_ms`.
  [[nodiscard]] std::size_t count(std::int64_t now_ms) const;

 private:
  std::size_t max_restarts_;
  std::int64_t period_ms_;
  std::deque<std::int64_t> restarts_;  // oldest first
};

}  // namespace muster
