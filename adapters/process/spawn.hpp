#pragma once
// posix_spawn with the options that muster uses.

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// What to execute. The new program starts with an empty signal mask, default signal actions, and
/// the soft limit on descriptors that this process had before it raised its own.
struct SpawnSpec {
  std::string file;  ///< path, or a name when search_path is set
  std::vector<std::string> argv;
  std::vector<std::string> env;               ///< "NAME=value"
  std::vector<std::pair<int, int>> fds = {};  ///< {descriptor here, its number there}
  std::string cwd = {};                       ///< empty = as here
  bool search_path = false;                   ///< look `file` up in this process' PATH
  bool new_session = false;                   ///< setsid
  bool new_group = false;                     ///< own process group
};

/// Starts it and returns its process id. Other descriptors are inherited unless close-on-exec.
/// Thread-safe; does not copy the address space. Errors: see errno_error.
Result<pid_t> spawn(const SpawnSpec& spec);

/// The environment of this process without MUSTER_* and `unset`, with `add` on top.
std::vector<std::string> child_environment(const std::vector<std::string>& unset,
                                           const std::map<std::string, std::string>& add);

/// The same on top of a given "NAME=value" list.
std::vector<std::string> child_environment(const std::vector<std::string>& base,
                                           const std::vector<std::string>& unset,
                                           const std::map<std::string, std::string>& add);

/// The environment of this process, as "NAME=value".
std::vector<std::string> own_environment();

/// An Error for an errno: its class, and "`what`: <the system's words>".
Error errno_error(int number, const std::string& what);

}  // namespace muster
