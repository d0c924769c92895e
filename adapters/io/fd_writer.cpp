#include "adapters/io/fd_writer.hpp"

#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace muster {

struct FdWriter::Handle {
  uv_poll_t poll{};
  FdWriter* owner = nullptr;

  static void on_event(uv_poll_t* poll, int /*status*/, int /*events*/) {
    // An error shows up in the write that follows.
    static_cast<Handle*>(poll->data)->owner->flush();
  }
};

FdWriter::FdWriter(IoLoop& loop, UniqueFd fd, std::size_t max_unsent)
    : fd_(std::move(fd)), handle_(new Handle), max_unsent_(max_unsent) {
  loop.assert_on_loop();
  handle_->owner = this;
  handle_->poll.data = handle_;
  uv_poll_init(loop.uv(), &handle_->poll, fd_.get());
}

FdWriter::~FdWriter() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

Status FdWriter::write(std::string_view bytes) {
  if (broken_ != 0)
    return Error{ErrorCode::io_error, std::string("cannot be written: ") + std::strerror(broken_)};
  if (unsent() + bytes.size() > max_unsent_)
    return Error{ErrorCode::limit_reached,
                 "the other side does not read: " + std::to_string(unsent()) + " bytes wait"};
  if (sent_ > queue_.size() / 2) {  // a reader that is always behind must not make it grow
    queue_.erase(0, sent_);
    sent_ = 0;
  }
  queue_.append(bytes);
  if (!waiting_) flush();
  return ok_status();
}

void FdWriter::flush() {
  while (broken_ == 0 && unsent() > 0) {
    const auto count = ::write(fd_.get(), queue_.data() + sent_, unsent());
    if (count >= 0) {
      sent_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      return wait_for_room(true);
    } else if (errno != EINTR) {
      broken_ = errno;
    }
  }
  queue_ = {};  // gives the memory of a long message back
  sent_ = 0;
  wait_for_room(false);
}

void FdWriter::wait_for_room(bool wanted) {
  if (std::exchange(waiting_, wanted) == wanted) return;
  if (wanted)
    uv_poll_start(&handle_->poll, UV_WRITABLE, Handle::on_event);
  else
    uv_poll_stop(&handle_->poll);
}

}  // namespace muster
