#pragma once
// Short commands of the engine itself (git, rg): blocking, no shell, no libuv.

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// What to run. argv[0] is looked up in PATH; no shell is involved.
struct CommandSpec {
  std::vector<std::string> argv;
  std::string cwd = {};                         ///< absolute; empty = the engine's
  std::map<std::string, std::string> env = {};  ///< added to the engine's environment
  std::vector<std::string> unset_env = {};      ///< removed from it; MUSTER_* always is
  std::string stdin_text = {};                  ///< all of standard input; empty = /dev/null
  std::chrono::milliseconds timeout{60000};     ///< then its process group is killed
  std::size_t max_output = 16U << 20U;  ///< bytes kept of each stream; the rest is read and dropped
  std::vector<int> held_fds = {};       ///< descriptors that it keeps open while it runs: locks
};

/// How it ended. A command that ran is a value, whatever its exit code.
struct CommandOutput {
  int exit_code = -1;      ///< valid when signal == 0
  int signal = 0;          ///< the signal that ended it, else 0
  std::string out;         ///< standard output, its first max_output bytes
  std::string err;         ///< standard error, likewise
  bool truncated = false;  ///< something was dropped

  [[nodiscard]] bool success() const { return signal == 0 && exit_code == 0; }
};

/// Runs a command to its end; its exit ends it, not EOF: a background grandchild does not hold the
/// caller. Blocks: call it from the blocking pool. Thread-safe. Errors: not_found (no such program,
/// no such cwd), permission_denied, timeout (the group was killed; `context` has the end of
/// stderr), io_error.
Result<CommandOutput> run_command(const CommandSpec& spec);

/// run_command with the parts spelled out.
Result<CommandOutput> run_command(std::vector<std::string> argv, std::string cwd,
                                  std::map<std::string, std::string> env, std::string stdin_text,
                                  std::chrono::milliseconds timeout, std::size_t max_output);

}  // namespace muster
