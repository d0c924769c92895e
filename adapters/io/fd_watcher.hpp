#pragma once
// Readiness of one descriptor on the I/O loop.

#include <functional>
#include <memory>

#include "adapters/io/io_loop.hpp"
#include "adapters/io/unique_fd.hpp"

namespace muster {

/// Owns a pollable descriptor (pipe, socket; not a file) and reports while it can be read.
/// Level-triggered: a callback that leaves bytes behind is called again on the next turn, so
/// reading one bounded piece per call keeps a loud descriptor from starving the others. Everything
/// on the loop thread.
class FdWatcher {
 public:
  /// Makes `fd` non-blocking and starts. `on_readable` is called when a read would not block: data,
  /// EOF or an error. It may destroy the watcher.
  FdWatcher(IoLoop& loop, UniqueFd fd, std::function<void()> on_readable);
  /// Stops and closes the descriptor at once; no callback follows.
  ~FdWatcher();
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  struct Handle;

  UniqueFd fd_;
  Handle* handle_;  ///< freed by its close callback
};

}  // namespace muster
