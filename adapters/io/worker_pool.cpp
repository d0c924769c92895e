#include "adapters/io/worker_pool.hpp"

#include <algorithm>
#include <utility>

#include "adapters/io/thread_setup.hpp"

namespace muster {

WorkerPool::WorkerPool(std::size_t threads) {
  threads_.reserve(std::max<std::size_t>(threads, 1));
  const BlockedSignals inherited;
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    threads_.emplace_back([this] {
      name_this_thread("muster-pool");
      work_loop();
    });
  }
}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    // A running item may still queue more while the pool drains.
    if (stopping_ && busy_ == 0 && queue_.empty()) return;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  const std::lock_guard lock(join_mutex_);
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::size_t WorkerPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void WorkerPool::work_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !queue_.empty() || (stopping_ && busy_ == 0); });
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    ++busy_;
    lock.unlock();
    work();
    work = nullptr;  // what it captured goes away outside the lock
    lock.lock();
    --busy_;
    if (stopping_ && busy_ == 0) wake_.notify_all();
  }
}

}  // namespace muster
