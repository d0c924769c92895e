#include "adapters/io/io_loop.hpp"

#include <uv.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <utility>

#include "adapters/io/thread_setup.hpp"

namespace muster {
namespace {

[[noreturn]] void die(const char* what) noexcept {
  std::fprintf(stderr, "muster: %s\n", what);
  std::abort();
}

uv_loop_t* make_loop() {
  auto* loop = new uv_loop_t;
  if (uv_loop_init(loop) != 0) die("cannot make an I/O loop (out of file descriptors?)");
  return loop;
}

}  // namespace

/// One uv_timer. timers_ keeps it alive while libuv knows the handle.
class IoLoop::Timer final : public IoTimer, public std::enable_shared_from_this<Timer> {
 public:
  using Clock = std::chrono::steady_clock;

  Timer(IoLoop& loop, Task task) : loop_(loop), task_(std::move(task)) {}

  void cancel() override {
    // The loop drops its timers before it goes, so loop_ is there when this is the first to end it.
    if (ended_.exchange(true)) return;
    if (loop_.on_loop()) {
      close();
    } else {
      loop_.post([self = shared_from_this()] { self->close(); });
    }
  }

  /// Loop thread.
  void start(Clock::time_point due) {
    if (ended_) {
      task_ = nullptr;
      return;
    }
    uv_timer_init(loop_.uv(), &handle_);
    handle_.data = this;
    loop_.timers_.insert(shared_from_this());
    uv_update_time(loop_.uv());
    // libuv counts from its own clock, which stands at the last full millisecond: one more, so that
    // a timer may be late but never early.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()).count();
    const auto fire = [](uv_timer_t* timer) { static_cast<Timer*>(timer->data)->fire(); };
    uv_timer_start(&handle_, fire, left > 0 ? static_cast<std::uint64_t>(left) + 1 : 0, 0);
  }

  /// The loop will not run it: nothing of the loop may be touched any more.
  void drop() {
    ended_ = true;
    close();
  }

 private:
  void fire() {
    const bool wanted = !ended_.exchange(true);
    const auto task = std::move(task_);
    close();
    if (wanted && task) task();
  }

  void close() {
    task_ = nullptr;
    if (handle_.data == nullptr || uv_is_closing(reinterpret_cast<uv_handle_t*>(&handle_)) != 0)
      return;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_), [](uv_handle_t* handle) {
      auto* self = static_cast<Timer*>(handle->data);
      handle->data = nullptr;
      self->loop_.timers_.erase(self->shared_from_this());
    });
  }

  IoLoop& loop_;
  Task task_;
  uv_timer_t handle_{};  ///< data is set while libuv knows it
  std::atomic<bool> ended_{false};
};

void IoLoop::LoopDeleter::operator()(uv_loop_s* loop) const noexcept {
  if (uv_loop_close(loop) != 0) die("the I/O loop still has handles");
  delete loop;
}

IoLoop::IoLoop() : loop_(make_loop()), wake_(new uv_async_t) {
  wake_->data = this;
  const auto drain = [](uv_async_t* wake) { static_cast<IoLoop*>(wake->data)->drain(); };
  if (uv_async_init(loop_.get(), wake_, drain) != 0) die("cannot make the I/O loop's wake-up");
  std::promise<void> started;
  const BlockedSignals inherited;
  thread_ = std::thread([this, &started] {
    thread_id_ = std::this_thread::get_id();
    name_this_thread("muster-io");
    started.set_value();
    run();
  });
  started.get_future().wait();
}

IoLoop::~IoLoop() { stop(); }

bool IoLoop::post(Task task) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  queue_.push_back(std::move(task));
  if (queue_.size() == 1) uv_async_send(wake_);
  return true;
}

bool IoLoop::call(const Task& task) {
  if (on_loop()) {
    task();
    return true;
  }
  std::promise<void> done;
  const bool accepted = post([&] {
    task();
    done.set_value();
  });
  if (accepted) done.get_future().wait();
  return accepted;
}

std::shared_ptr<IoTimer> IoLoop::run_after(std::chrono::milliseconds delay, Task task) {
  auto timer = std::make_shared<Timer>(*this, std::move(task));
  const auto due = Timer::Clock::now() + delay;
  if (on_loop()) {
    timer->start(due);
  } else if (!post([timer, due] { timer->start(due); })) {
    timer->drop();
  }
  return timer;
}

void IoLoop::stop() {
  if (on_loop()) die("IoLoop::stop called on the loop thread");
  {
    const std::lock_guard lock(mutex_);
    if (!stop_asked_) {
      stop_asked_ = true;
      uv_async_send(wake_);
    }
  }
  const std::lock_guard lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

bool IoLoop::on_loop() const noexcept { return thread_id_.load() == std::this_thread::get_id(); }

void IoLoop::assert_on_loop() const noexcept {
  if (!on_loop()) die("not on the I/O loop's thread");
}

void IoLoop::run() {
  uv_run(loop_.get(), UV_RUN_DEFAULT);  // until drain() calls uv_stop
  close_all();
  thread_id_ = std::thread::id{};
}

void IoLoop::drain() {
  bool stopping = false;
  bool finished = false;
  {
    const std::lock_guard lock(mutex_);
    batch_.swap(queue_);
    stopping = stop_asked_;
    finished = stopping && batch_.empty();
    closed_ = finished;
  }
  // What a task queues runs on the next turn, so that posting in a circle does not starve
  // descriptors.
  for (auto& task : batch_) {
    task();
    task = nullptr;
  }
  batch_.clear();
  if (finished) {
    uv_stop(loop_.get());
  } else if (stopping) {
    uv_async_send(wake_);
  }
}

void IoLoop::close_all() {
  const auto timers = timers_;  // closing changes the set
  for (const auto& timer : timers) timer->drop();
  uv_close(reinterpret_cast<uv_handle_t*>(wake_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_async_t*>(handle); });
  uv_run(loop_.get(), UV_RUN_NOWAIT);  // close callbacks that are due
  uv_walk(
      loop_.get(),
      [](uv_handle_t* handle, void*) {
        if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
      },
      nullptr);
  uv_run(loop_.get(), UV_RUN_DEFAULT);
}

}  // namespace muster
