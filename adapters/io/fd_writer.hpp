#pragma once
// A queue of bytes in front of one descriptor on the I/O loop.

#include <cstddef>
#include <string>
#include <string_view>

#include "adapters/io/io_loop.hpp"
#include "adapters/io/unique_fd.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// Owns the writing end of a pipe or a socket. What the other side does not take at once waits
/// here, up to a bound. Everything on the loop thread.
class FdWriter {
 public:
  /// Makes `fd` non-blocking. At most `max_unsent` bytes wait.
  FdWriter(IoLoop& loop, UniqueFd fd, std::size_t max_unsent);
  /// Closes the descriptor at once; what waits is dropped.
  ~FdWriter();
  FdWriter(const FdWriter&) = delete;
  FdWriter& operator=(const FdWriter&) = delete;

  /// Sends the bytes, in order, as fast as they are taken. Errors: limit_reached (too much waits,
  /// nothing of this was queued), io_error (the other side has closed; for good).
  Status write(std::string_view bytes);
  /// Bytes that wait.
  [[nodiscard]] std::size_t unsent() const noexcept { return queue_.size() - sent_; }

 private:
  struct Handle;

  void flush();
  void wait_for_room(bool wanted);

  UniqueFd fd_;
  Handle* handle_;  ///< freed by its close callback
  const std::size_t max_unsent_;
  std::string queue_;
  std::size_t sent_ = 0;  ///< bytes of queue_ that are gone
  bool waiting_ = false;
  int broken_ = 0;  ///< errno of the write that failed
};

}  // namespace muster
