#include "runtime/core/intensity.hpp"

#include <algorithm>

namespace muster {

bool Intensity::allow(std::int64_t now_ms) {
  while (!restarts_.empty() && restarts_.front() < now_ms - period_ms_) restarts_.pop_front();
  restarts_.push_back(now_ms);
  const bool within = restarts_.size() <= max_restarts_;
  if (!within) restarts_.pop_front();  // the newest max_restarts say all there is to say
  return within;
}

std::size_t Intensity::count(std::int64_t now_ms) const {
  const auto recent = [&](std::int64_t at) { return at >= now_ms - period_ms_; };
  return static_cast<std::size_t>(std::count_if(restarts_.begin(), restarts_.end(), recent));
}

}  // namespace muster
