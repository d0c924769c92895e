#pragma once
// Looks at the actors every now and then, from a thread of its own: neither a stuck worker nor a
// stuck I/O loop can keep it from that.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/core/actor_meter.hpp"
#include "runtime/core/watchdog.hpp"

namespace muster {

/// Looks until it is destroyed; without limits there is no thread.
class Watchdog {
 public:
  /// `now_ns` is the clock of the actors; `report` hears what is to be told. Both are called on the
  /// watchdog's thread; `report` must not throw, and while it blocks nothing is watched.
  Watchdog(std::shared_ptr<ActorMeter> meter, std::function<std::int64_t()> now_ns,
           WatchdogLimits limits, std::function<void(const WatchdogReport&)> report);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void run(std::int64_t period_ms);

  std::shared_ptr<ActorMeter> meter_;
  std::function<std::int64_t()> now_ns_;
  WatchdogPolicy policy_;
  std::function<void(const WatchdogReport&)> report_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace muster
