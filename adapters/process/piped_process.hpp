#pragma once
// A child that is spoken with through its standard input and output: servers of protocols.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/io/fd_watcher.hpp"
#include "adapters/io/fd_writer.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/process/job_protocol.hpp"
#include "adapters/process/output_ring.hpp"
#include "runtime/core/process_types.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// What to start. No shell is involved.
struct PipedSpec {
  std::vector<std::string> argv;                 ///< argv[0] is a path, or looked up in PATH
  std::string cwd;                               ///< absolute
  std::map<std::string, std::string> env = {};   ///< added to the engine's environment
  std::vector<std::string> unset_env = {};       ///< removed from it; MUSTER_* always is
  std::chrono::milliseconds kill_grace{2000};    ///< between TERM and KILL
  std::size_t error_bytes = 64U << 10U;          ///< kept tail of standard error
  std::size_t max_unsent = 128U << 20U;          ///< bytes that may wait for the child to read them
  std::string helper_binary = "/proc/self/exe";  ///< calls job_helper_main for `__job`
};

/// A child behind a job helper (job_helper.hpp), so that it and what it starts end with us, in
/// whatever way we end. Everything on the loop thread, the last reference's end included.
class PipedProcess : public std::enable_shared_from_this<PipedProcess> {
 public:
  /// Bytes of standard output, as they come; the view is good for the call only.
  using OnOutput = std::function<void(std::string_view)>;
  /// Exactly once, after the last OnOutput, never inside start(); also when it did not start. The
  /// exit's `output` is the tail of standard error.
  using OnExit = std::function<void(const ProcessExit&)>;

  /// Starts it. Dropping the last reference ends the child like kill(), without OnExit.
  static std::shared_ptr<PipedProcess> start(IoLoop& loop, PipedSpec spec, OnOutput on_output,
                                             OnExit on_exit);
  ~PipedProcess();
  PipedProcess(const PipedProcess&) = delete;
  PipedProcess& operator=(const PipedProcess&) = delete;

  /// Queues bytes for its standard input. Errors: see FdWriter; unavailable when it has ended.
  Status write(std::string_view bytes);
  /// TERM to it and all below it, KILL after the grace. Idempotent; OnExit follows.
  void kill();
  /// Of the child itself; 0 before it runs.
  [[nodiscard]] int pid() const noexcept { return pid_; }
  /// The last bytes of its standard error.
  [[nodiscard]] std::string errors(std::size_t max_bytes) const { return errors_.tail(max_bytes); }

 private:
  using Clock = std::chrono::steady_clock;

  PipedProcess(IoLoop& loop, PipedSpec spec, OnOutput on_output, OnExit on_exit);
  Status spawn_helper();
  void read_control();
  void handle(const job_protocol::Report& report);
  void helper_gone();
  bool read_output();
  bool read_errors();
  void drain();
  void finish(ProcessExit exit);

  IoLoop& loop_;
  const PipedSpec spec_;
  OnOutput on_output_;
  OnExit on_exit_;
  std::optional<FdWriter> input_;
  std::optional<FdWatcher> output_;
  std::optional<FdWatcher> error_output_;
  std::optional<FdWatcher> control_;
  OutputRing errors_;
  pid_t helper_ = 0;
  int pid_ = 0;
  bool kill_asked_ = false;
  bool finished_ = false;
  Clock::time_point started_ = Clock::now();
  std::int64_t started_at_ms_ = 0;
};

}  // namespace muster
