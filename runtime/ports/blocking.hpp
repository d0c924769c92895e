#pragma once
// Port to the small fixed pool on which blocking libraries and system calls run.

#include <functional>

namespace muster {

/// Runs work that may block, off the actor and I/O threads. Bounded threads, unbounded but
/// engine-fed queue. Tests run the work inline.
class Blocking {
 public:
  virtual ~Blocking() = default;
  /// Runs `work` once on some pool thread; thread-safe; `work` must not throw.
  virtual void run(std::function<void()> work) = 0;
};

/// Runs the work at once on the caller's thread: for tests under virtual time.
class InlineBlocking final : public Blocking {
 public:
  void run(std::function<void()> work) override { work(); }
};

}  // namespace muster
