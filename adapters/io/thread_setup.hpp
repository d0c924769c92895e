#pragma once
// What the threads of the adapters have in common.

#include <csignal>

namespace muster {

/// While it lives, this thread (and the threads it starts, for good) gets no asynchronous signals,
/// SIGCHLD excepted: handlers then run on the threads that the program chose.
class BlockedSignals {
 public:
  BlockedSignals();
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

/// Names the calling thread for debuggers and top; at most 15 bytes count.
void name_this_thread(const char* name) noexcept;

}  // namespace muster
