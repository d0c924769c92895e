#include "runtime/core/breaker.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/core/json_read.hpp"

namespace muster {

Breaker::State Breaker::state(std::int64_t now_ms) const {
  if (!tripped_) return State::closed;
  return now_ms - opened_at_ms_ >= policy_.open_ms ? State::half_open : State::open;
}

bool Breaker::probe_in_flight(std::int64_t now_ms) const {
  return probe_at_ms_ && now_ms - *probe_at_ms_ < policy_.probe_lost_ms;
}

bool Breaker::would_allow(std::int64_t now_ms) const {
  const State now = state(now_ms);
  return now == State::closed || (now == State::half_open && !probe_in_flight(now_ms));
}

bool Breaker::allow(std::int64_t now_ms) {
  if (!would_allow(now_ms)) return false;
  if (tripped_) probe_at_ms_ = now_ms;
  return true;
}

void Breaker::success(std::int64_t now_ms) {
  if (!tripped_) {
    failures_ = 0;
    return;
  }
  if (state(now_ms) == State::open || !probe_at_ms_) return;
  probe_at_ms_.reset();
  if (++successes_ < policy_.successes_to_close) return;
  tripped_ = false;
  failures_ = 0;
}

void Breaker::failure(std::int64_t now_ms) {
  if (!tripped_) {
    if (++failures_ >= policy_.failures_to_open) open(now_ms);
    return;
  }
  if (state(now_ms) == State::half_open && probe_at_ms_) open(now_ms);
}

void Breaker::abandon() { probe_at_ms_.reset(); }

void Breaker::open(std::int64_t now_ms) {
  tripped_ = true;
  opened_at_ms_ = now_ms;
  successes_ = 0;
  failures_ = 0;
  probe_at_ms_.reset();
}

std::optional<std::int64_t> Breaker::retry_at(std::int64_t now_ms) const {
  if (state(now_ms) != State::open) return std::nullopt;
  return opened_at_ms_ + policy_.open_ms;
}

nlohmann::json Breaker::to_json() const {
  return {{"tripped", tripped_ ? 1 : 0},
          {"failures", failures_},
          {"successes", successes_},
          {"opened_at_ms", opened_at_ms_}};
}

Breaker Breaker::from_json(const nlohmann::json& in, BreakerPolicy policy) {
  const auto count = [&](const char* key, int limit) {
    return static_cast<int>(std::clamp<std::int64_t>(json_int(in, key), 0, std::max(limit - 1, 0)));
  };
  Breaker out(policy);
  out.tripped_ = json_int(in, "tripped") != 0;
  out.failures_ = count("failures", policy.failures_to_open);
  out.successes_ = count("successes", policy.successes_to_close);
  out.opened_at_ms_ = json_int(in, "opened_at_ms");
  return out;
}

std::string_view to_string(Breaker::State state) noexcept {
  switch (state) {
    case Breaker::State::closed:
      return "closed";
    case Breaker::State::open:
      return "open";
    case Breaker::State::half_open:
      return "half_open";
  }
  return "?";
}

}  // namespace muster
