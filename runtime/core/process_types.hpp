#pragma once
// What is started as a child process, and how it ended, as plain values.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// What to start. No shell is involved unless argv names one.
struct ProcessSpec {
  std::vector<std::string> argv;                      ///< argv[0] is looked up in PATH
  std::string cwd;                                    ///< absolute
  std::map<std::string, std::string> env;             ///< added to the engine's environment
  std::vector<std::string> unset_env;                 ///< removed from it (keys, sockets)
  std::optional<std::chrono::milliseconds> deadline;  ///< nullopt = none
  std::chrono::milliseconds kill_grace{2000};         ///< between TERM and KILL
  std::size_t ring_bytes = 1U << 20U;  ///< kept tail of stdout+stderr, interleaved as it arrived
};

/// How a process ended. Either start_error, or exit_code / signal.
struct ProcessExit {
  int exit_code = -1;                ///< valid when signal == 0 and no start_error
  int signal = 0;                    ///< number of the signal that ended it, else 0
  bool timed_out = false;            ///< our deadline ended it
  bool killed = false;               ///< kill() ended it
  std::int64_t started_at_ms = 0;    ///< wall clock, ms since the epoch
  std::int64_t duration_ms = 0;      ///< monotonic
  std::string output;                ///< the ring: last ring_bytes of output
  std::uint64_t output_bytes = 0;    ///< all that was written, kept or not
  std::string output_digest;         ///< SHA-256 (hex) of all that was written
  std::optional<Error> start_error;  ///< it never ran

  [[nodiscard]] bool success() const { return !start_error && signal == 0 && exit_code == 0; }
};

}  // namespace muster
