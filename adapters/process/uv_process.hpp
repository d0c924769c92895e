#pragma once
// Child processes on the I/O loop, each behind a job helper (see job_helper.hpp).

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "runtime/ports/process.hpp"

namespace muster {

/// The process port. Children get the engine's environment of the moment when the port was made,
/// without MUSTER_* and what the spec unsets, and with MUSTER_JOB=<unique id> as a mark to find
/// their descendants by. Where a control group can be made each job has one (see job_cgroup.hpp).
/// Output is read in bounded pieces, one per job and turn of the loop. Uses
/// waitpid on its own children only; nobody else in the process may wait for "any child". `loop`
/// outlives the port.
class UvProcessPort final : public ProcessPort {
 public:
  struct Options {
    /// Program that calls job_helper_main for `__job`; "/proc/self/exe" = this one.
    std::string helper_binary = "/proc/self/exe";
    /// Put each job into a control group of its own, where one can be made. Off: never.
    bool cgroups = true;
    /// For the log: why there are none, once, if there are none.
    std::function<void(const std::string&)> say = {};
    /// How long stop() waits for the children beyond the longest grace.
    std::chrono::milliseconds stop_slack{5000};
  };

  UvProcessPort(IoLoop& loop, Options options);
  UvProcessPort(IoLoop& loop, std::string helper_binary);
  /// Calls stop().
  ~UvProcessPort() override;

  /// As the port says. Error codes of a failed start: not_found (command, cwd), permission_denied,
  /// invalid_argument, unavailable (no processes or descriptors left), io_error, cancelled (killed
  /// before it ran, or the port has stopped). Starts are spread over turns of the loop.
  std::shared_ptr<Process> start(ProcessSpec spec,
                                 std::function<void(ProcessExit)> on_exit) override;

  /// Kills everything that runs and waits until it has gone, descendants included; starts nothing
  /// more. What does not go in time is reported as killed, and its helper goes on ending it.
  /// Blocks: never on the loop thread. Idempotent.
  void stop();

 private:
  class Jobs;
  std::shared_ptr<Jobs> jobs_;
};

}  // namespace muster
