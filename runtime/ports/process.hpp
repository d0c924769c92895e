#pragma once
// Port to child processes. One child = one Process; its completion is its exit, never EOF on a
// pipe.

#include <functional>
#include <memory>
#include <string>

#include "runtime/core/process_types.hpp"

namespace muster {

/// A running child. Thread-safe. Dropping the last reference does not end the process.
class Process {
 public:
  virtual ~Process() = default;
  /// TERM to the child and all its descendants, KILL after the grace. Idempotent; the exit callback
  /// follows.
  virtual void kill() = 0;
  /// The kept output so far, at most `max_bytes` from its end.
  [[nodiscard]] virtual std::string tail(std::size_t max_bytes) const = 0;
  /// Bytes written so far.
  [[nodiscard]] virtual std::uint64_t output_bytes() const = 0;
  /// Process id of the child itself; 0 before it runs.
  [[nodiscard]] virtual int pid() const = 0;
};

class ProcessPort {
 public:
  virtual ~ProcessPort() = default;
  /// Starts a child; stdin is /dev/null. `on_exit` is called exactly once, from the I/O thread,
  /// also when the start failed. Descendants that outlive the child are ended before `on_exit`'s
  /// helper goes away.
  virtual std::shared_ptr<Process> start(ProcessSpec spec,
                                         std::function<void(ProcessExit)> on_exit) = 0;
};

}  // namespace muster
