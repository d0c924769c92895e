#pragma once
// How long to wait before the next try.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace muster {

/// Bounds of a backoff, in milliseconds.
struct BackoffPolicy {
  std::int64_t base_ms = 1000;      ///< ceiling of the first delay
  std::int64_t min_ms = 100;        ///< no delay is shorter
  std::int64_t max_ms = 60'000;     ///< no delay is longer
  double factor = 2.0;              ///< growth of the ceiling per failure
  std::int64_t quiet_ms = 120'000;  ///< so long without a failure starts anew; 0 = never by itself
};

/// Exponential backoff with full jitter: delay = random_between(0, min(cap, base * 2^attempt)),
/// never below `min_ms` (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
/// 2015). A value; time is the caller's, in ms of any clock that does not go back.
class Backoff {
 public:
  explicit Backoff(BackoffPolicy policy = {}) : policy_(policy) {}

  /// Counts a failure at `now_ms` and returns how many ms to wait; `random` is in [0, 1).
  std::int64_t next(std::int64_t now_ms, double random);
  /// The highest delay that next() could return now, without counting a failure.
  [[nodiscard]] std::int64_t ceiling() const;
  /// Forgets all failures.
  void reset() { attempt_ = 0; }
  /// Failures counted since the last reset.
  [[nodiscard]] int attempt() const { return attempt_; }

  [[nodiscard]] nlohmann::json to_json() const;
  /// Restores what to_json() gave; members that are missing or of another type are taken as zero.
  static Backoff from_json(const nlohmann::json& in, BackoffPolicy policy);

 private:
  BackoffPolicy policy_;
  int attempt_ = 0;
  std::int64_t quiet_from_ms_ = 0;  // end of the last delay
};

}  // namespace muster
