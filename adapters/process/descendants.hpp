#pragma once
// Finding and ending every process below this one. Linux: /proc and child subreapers.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <set>
#include <string_view>
#include <vector>

namespace muster {

/// Processes below `root`, in no order, zombies included; whatever session or group they moved to.
/// What forks meanwhile may be missing: repeat until nothing is left. Those in `spared`, and what
/// is below them, are left out.
std::vector<pid_t> descendants_of(pid_t root, const std::set<pid_t>& spared = {});

/// Processes of this user whose environment had `entry` ("NAME=value") when they were executed. For
/// finding what belongs to a job whose place in the tree is lost.
std::vector<pid_t> processes_with_env(std::string_view entry);

/// Whether a process of this user has `entry` in that environment.
bool has_env(pid_t pid, std::string_view entry);

/// Sends a signal to the process that has this pid, if `is_it` holds for it. Through a pidfd, so
/// that one that gets the pid meanwhile is not hit; kernels without pidfds leave that gap open.
/// False: not sent.
bool signal_if(pid_t pid, int signal, const std::function<bool()>& is_it);

/// Ends everything below the calling process, which must be a child subreaper (so that nothing can
/// get away by losing its parent) and have one thread. TERM first, once for each process; after the
/// grace KILL, again and again until the owner's waitpid says that no child is left.
class DescendantEnder {
 public:
  using Clock = std::chrono::steady_clock;

  /// Starts the grace now. Leaves `spared` and what is below them alone.
  explicit DescendantEnder(std::chrono::milliseconds grace, std::set<pid_t> spared = {});

  /// Signals what is there. Call it whenever a child was reaped and after wait().
  void step();
  /// Whether the grace is over.
  [[nodiscard]] bool kills() const { return Clock::now() >= kill_at_; }
  /// How long to wait for a child's end before the next step(): short while processes appear,
  /// longer when nothing changes.
  [[nodiscard]] std::chrono::milliseconds wait() const;

 private:
  Clock::time_point kill_at_;
  Clock::time_point next_look_{};
  std::set<pid_t> spared_;
  std::set<pid_t> termed_;
  std::set<pid_t> killed_;
  std::chrono::milliseconds pause_{1};
};

}  // namespace muster
