#pragma once
// The small fixed pool on which blocking libraries and system calls run.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/ports/blocking.hpp"

namespace muster {

/// `threads` threads and one queue in order of arrival.
class WorkerPool final : public Blocking {
 public:
  /// Starts the threads; 0 counts as 1.
  explicit WorkerPool(std::size_t threads);
  /// Calls stop().
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues `work`. Thread-safe, never blocks. `work` must not throw. After stop() it is dropped.
  void run(std::function<void()> work) override;

  /// Runs everything that is queued, and what that queues, then joins the threads. Idempotent,
  /// thread-safe; never from a pool thread.
  void stop();

  /// Items that wait for a thread.
  [[nodiscard]] std::size_t queued() const;

 private:
  void work_loop();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  ///< guarded by mutex_
  std::size_t busy_ = 0;                     ///< guarded by mutex_: threads inside an item
  bool stopping_ = false;                    ///< guarded by mutex_
  std::mutex join_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace muster
