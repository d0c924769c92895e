#pragma once
// One running child of UvProcessPort: inner part of uv_process.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/io/fd_watcher.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/process/job_cgroup.hpp"
#include "adapters/process/job_protocol.hpp"
#include "adapters/process/output_ring.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/ports/process.hpp"

namespace muster {

/// Reads one child's output, follows its helper, and tells when each of the two has gone. Made on
/// any thread; what is not of Process runs on the loop thread.
class UvJob final : public Process, public std::enable_shared_from_this<UvJob> {
 public:
  UvJob(IoLoop& loop, ProcessSpec spec, std::function<void(ProcessExit)> on_exit);

  void kill() override;
  [[nodiscard]] std::string tail(std::size_t max_bytes) const override;
  [[nodiscard]] std::uint64_t output_bytes() const override;
  [[nodiscard]] int pid() const override { return pid_; }

  /// Starts the helper with `base_env` (already filtered) and `mark` in its environment, and with a
  /// leaf of that name below `cgroups`, which may be null. `on_gone` is called
  /// once, after on_exit, when the helper was reaped. False: it did not start, on_exit was called,
  /// on_gone is not.
  bool launch(const std::string& helper, const std::vector<std::string>& base_env,
              const std::string& mark, std::shared_ptr<const JobCgroups> cgroups,
              std::function<void()> on_gone);
  /// Reports that it never ran; for jobs that were not launched.
  void refuse(Error error);
  /// Lets go of a helper that does not end in time: reports the job as killed, if it was not
  /// reported.
  void abandon();

  [[nodiscard]] std::chrono::milliseconds grace() const { return spec_.kill_grace; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Ending { none, killed, deadline };

  Result<pid_t> spawn_helper(const std::string& helper, const std::vector<std::string>& base_env);
  void ask_end(Ending why);
  void read_control();
  void handle(const job_protocol::Report& report);
  void ended(const job_protocol::Report& report);
  void helper_gone();
  void reap_helper(std::chrono::milliseconds pause);
  void end_marked(int rounds);
  void read_output();
  bool read_piece();
  void drain_output();
  void finish(ProcessExit exit);

  IoLoop& loop_;
  ProcessSpec spec_;
  std::function<void(ProcessExit)> on_exit_;
  std::function<void()> on_gone_;
  std::string mark_;
  std::shared_ptr<const JobCgroups> cgroups_;
  pid_t helper_ = 0;
  std::optional<FdWatcher> control_;
  std::optional<FdWatcher> output_;
  std::shared_ptr<IoTimer> deadline_;
  Ending ending_ = Ending::none;
  Clock::time_point started_{};
  std::int64_t started_at_ms_ = 0;
  Sha256 digest_;
  std::atomic<int> pid_{0};
  std::atomic<bool> finished_{false};  ///< on_exit was called: kill() has nothing to do
  mutable std::mutex ring_mutex_;
  OutputRing ring_;  ///< guarded by ring_mutex_; written on the loop thread
};

}  // namespace muster
