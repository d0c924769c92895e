#include "adapters/io/fd_watcher.hpp"

#include <uv.h>

#include <utility>

namespace muster {

struct FdWatcher::Handle {
  uv_poll_t poll{};
  std::function<void()> on_readable;

  static void on_event(uv_poll_t* poll, int /*status*/, int /*events*/) {
    // An error shows up in the read that follows.
    static_cast<Handle*>(poll->data)->on_readable();
  }
};

FdWatcher::FdWatcher(IoLoop& loop, UniqueFd fd, std::function<void()> on_readable)
    : fd_(std::move(fd)), handle_(new Handle) {
  loop.assert_on_loop();
  handle_->on_readable = std::move(on_readable);
  handle_->poll.data = handle_;
  uv_poll_init(loop.uv(), &handle_->poll, fd_.get());
  uv_poll_start(&handle_->poll, UV_READABLE, Handle::on_event);
}

FdWatcher::~FdWatcher() {
  // The callback may be running: it is destroyed with the handle, a turn later.
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

}  // namespace muster
