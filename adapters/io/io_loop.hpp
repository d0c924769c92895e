#pragma once
// The one I/O thread: a libuv loop that every descriptor, child process and HTTP transfer of the
// engine lives on.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

struct uv_loop_s;
struct uv_async_s;

namespace muster {

/// A pending timer of IoLoop::run_after. Dropping the handle does NOT cancel it.
class IoTimer {
 public:
  virtual ~IoTimer() = default;
  /// The function will not be called any more. Thread-safe, idempotent, harmless after it fired. On
  /// the loop thread this is exact; from another thread the function may be running at this moment.
  virtual void cancel() = 0;
};

/// Owns a libuv loop and its thread. The thread starts with the object and ends with stop(). All
/// signals but SIGCHLD and the synchronous ones are blocked on it, so handlers run elsewhere.
///
/// What is built on it (HTTP, RPC, processes) takes an `IoLoop&`, makes its handles on the loop
/// thread with uv(), and closes them before the loop stops; IoLoop therefore outlives its users.
class IoLoop {
 public:
  using Task = std::function<void()>;

  /// Starts the thread; returns when it runs. Aborts when libuv cannot make a loop (out of
  /// descriptors).
  IoLoop();
  /// Calls stop().
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  /// Runs `task` on the loop thread, soon, in the order of the calls of one thread, never inside
  /// this call. One wake-up serves everything queued meanwhile. Thread-safe, cheap (one lock).
  /// `task` must not throw and must not block. False when the loop has stopped: `task` is then
  /// dropped.
  bool post(Task task);

  /// Runs `task` on the loop thread and waits for its end; at once when the caller is the loop
  /// thread. False when the loop has stopped: `task` was not run.
  bool call(const Task& task);

  /// Runs `task` once on the loop thread, not before `delay` (monotonic) has passed. Thread-safe.
  /// Timers that are still pending when the loop stops are dropped.
  std::shared_ptr<IoTimer> run_after(std::chrono::milliseconds delay, Task task);

  /// Runs what is queued (and what that queues), drops the timers, closes every handle that is left
  /// (their close callbacks are not called: owners close their handles first), and joins the
  /// thread. Idempotent, thread-safe; never from the loop thread.
  void stop();

  /// Whether the caller is on the loop thread.
  [[nodiscard]] bool on_loop() const noexcept;
  /// Aborts with a message unless on_loop(): guards what is not thread-safe.
  void assert_on_loop() const noexcept;
  /// The libuv loop. Use it on the loop thread only.
  [[nodiscard]] uv_loop_s* uv() const noexcept { return loop_.get(); }

 private:
  class Timer;
  struct LoopDeleter {
    void operator()(uv_loop_s* loop) const noexcept;
  };

  void run();
  void drain();
  void close_all();

  std::unique_ptr<uv_loop_s, LoopDeleter> loop_;
  uv_async_s* wake_ = nullptr;  ///< freed by its close callback
  std::mutex mutex_;
  std::vector<Task> queue_;  ///< guarded by mutex_
  bool closed_ = false;      ///< guarded by mutex_: nothing is accepted any more
  bool stop_asked_ = false;  ///< guarded by mutex_
  std::vector<Task> batch_;  ///< loop thread: what drain() runs
  std::unordered_set<std::shared_ptr<Timer>> timers_;  ///< loop thread: those that libuv knows
  std::mutex join_mutex_;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_{};
};

}  // namespace muster
