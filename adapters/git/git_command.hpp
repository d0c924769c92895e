#pragma once
// Runs git so that only our own settings decide what it does.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::git {

/// What one git command works on. Every field is passed explicitly: git never searches for a
/// repository.
struct GitContext {
  std::string git_dir;            ///< absolute; the repository whose config and refs count
  std::string work_tree = {};     ///< absolute, or empty when the command needs none; also the cwd
  std::string index = {};         ///< index file; empty = the repository's own
  std::string object_dir = {};    ///< where new objects go; empty = the repository's own
  std::string more_objects = {};  ///< a further object folder to read from
  std::string stdin_text = {};
  std::size_t max_output = 64U << 20U;  ///< bytes kept of each stream
  std::chrono::milliseconds timeout{10 * 60'000};
};

struct GitOutput {
  int exit_code = 0;
  std::string out;
  std::string err;
  bool truncated = false;
};

/// A git binary. Its commands run without hooks, filters, fsmonitor, pagers, editors, prompts,
/// signing, transports, lazy fetches and without the user's and the system's configuration.
/// Thread-safe.
class Git {
 public:
  explicit Git(std::string binary);

  /// Runs `git args...`; any exit code is a value. Blocks.
  Result<GitOutput> run(const GitContext& context, std::vector<std::string> args) const;
  /// As run(), but an exit code other than 0 and cut output are errors. Returns standard output as
  /// it is.
  Result<std::string> out(const GitContext& context, std::vector<std::string> args) const;
  /// As out(), without the line break at the end.
  Result<std::string> line(const GitContext& context, std::vector<std::string> args) const;
  /// As out(), when the output does not matter.
  Status ok(const GitContext& context, std::vector<std::string> args) const;

  /// Fails with unavailable when git is missing or older than 2.38 (merge-tree --write-tree).
  Status check_version() const;

 private:
  std::string binary_;
};

/// The Error for a git command that ended with a failure; `what` names the command.
Error git_error(const std::string& what, const GitOutput& output);

/// SHA-1's or SHA-256's whole name of an object: it stands for the same content for ever.
bool is_object_id(std::string_view text);

/// Splits at NUL; a NUL at the end makes no empty part.
std::vector<std::string> split_nul(std::string_view text);
/// Joins with a NUL after every part, as git's -z inputs want it.
std::string join_nul(const std::vector<std::string>& parts);

}  // namespace muster::git
