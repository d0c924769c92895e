#pragma once
// What kind of project this is and how it is built and tested, read off its files alone.

#include <optional>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"

namespace muster {

/// The files of a project as discovery sees them. Bounded by whoever implements it.
class FileTree {
 public:
  virtual ~FileTree() = default;
  /// Relative, '/'-separated paths of regular files, sorted.
  [[nodiscard]] virtual const std::vector<std::string>& files() const = 0;
  /// A file's text; nullopt when it is absent, too large or not text.
  [[nodiscard]] virtual std::optional<std::string> read(const std::string& path) const = 0;
};

struct Discovery {
  std::vector<std::string> stack;        ///< "C++ (CMake)", "JavaScript (npm)" ... each once
  std::vector<ProjectCommand> commands;  ///< build, lint, test, run; the shallowest projects first
};

/// Knows CMake, Make, npm/pnpm/yarn/bun, pytest/tox/uv, cargo, go, maven, gradle and just; several
/// per repository. Inside a folder the first build system that offers a kind of command wins.
[[nodiscard]] Discovery discover(const FileTree& tree);

/// context.md: what was found and where, for people and agents.
[[nodiscard]] std::string render_context(const Discovery& found);

}  // namespace muster
