#include "runtime/boot/watchdog.hpp"

#include <chrono>
#include <utility>

#include "adapters/io/thread_setup.hpp"

namespace muster {

Watchdog::Watchdog(std::shared_ptr<ActorMeter> meter, std::function<std::int64_t()> now_ns,
                   WatchdogLimits limits, std::function<void(const WatchdogReport&)> report)
    : meter_(std::move(meter)),
      now_ns_(std::move(now_ns)),
      policy_(limits),
      report_(std::move(report)) {
  const auto period = policy_.period_ms();
  if (!period) return;
  BlockedSignals none;  // they are the main thread's
  thread_ = std::thread([this, period = *period] { run(period); });
}

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::run(std::int64_t period_ms) {
  name_this_thread("watchdog");
  const std::chrono::milliseconds period(period_ms);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period, [this] { return done_; })) {
    lock.unlock();
    for (const auto& report : policy_.look(meter_->look(now_ns_(), policy_.least_waiting())))
      report_(report);
    lock.lock();
  }
}

}  // namespace muster
