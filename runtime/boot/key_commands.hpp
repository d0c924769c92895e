#pragma once
// Keys that a program of the user's gives out: a password manager, say.

#include <map>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// Runs `api_key_command` of the configuration, each once: by its argument vector, without a shell
/// and without input. Not thread-safe.
class KeyCommands {
 public:
  /// The one line that it printed. unauthenticated: it failed, took longer than 30 s, or printed
  /// anything else; the error never holds what it printed on stdout. Blocks.
  Result<std::string> operator()(const std::vector<std::string>& argv);

 private:
  std::map<std::vector<std::string>, Result<std::string>> known_;
};

}  // namespace muster
