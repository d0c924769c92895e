#include "runtime/core/backoff.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/core/json_read.hpp"

namespace muster {
namespace {
/// More doublings than this change nothing: the cap was reached long before.
constexpr int max_attempt = 1000;
}  // namespace

std::int64_t Backoff::ceiling() const {
  const double grown = static_cast<double>(policy_.base_ms) * std::pow(policy_.factor, attempt_);
  const double cap = static_cast<double>(policy_.max_ms);
  return static_cast<std::int64_t>(std::min(grown, cap));
}

std::int64_t Backoff::next(std::int64_t now_ms, double random) {
  if (attempt_ > 0 && policy_.quiet_ms > 0 && now_ms - quiet_from_ms_ >= policy_.quiet_ms) reset();
  const double jittered = std::clamp(random, 0.0, 1.0) * static_cast<double>(ceiling());
  const auto highest = std::max<std::int64_t>(policy_.max_ms, 0);
  const auto lowest = std::clamp<std::int64_t>(policy_.min_ms, 0, highest);
  const auto delay = std::clamp(static_cast<std::int64_t>(jittered), lowest, highest);
  attempt_ = std::min(attempt_ + 1, max_attempt);
  quiet_from_ms_ = now_ms + delay;
  return delay;
}

nlohmann::json Backoff::to_json() const {
  return {{"attempt", attempt_}, {"quiet_from_ms", quiet_from_ms_}};
}

Backoff Backoff::from_json(const nlohmann::json& in, BackoffPolicy policy) {
  Backoff out(policy);
  out.attempt_ =
      static_cast<int>(std::clamp<std::int64_t>(json_int(in, "attempt"), 0, max_attempt));
  out.quiet_from_ms_ = json_int(in, "quiet_from_ms");
  return out;
}

}  // namespace muster
