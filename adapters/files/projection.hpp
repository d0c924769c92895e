#pragma once
// What the engine shows of a mission inside the workspace: `.muster/todo.md`, `.muster/context.md`.

#include <mutex>
#include <optional>
#include <string>

#include "runtime/core/result.hpp"

namespace muster {

/// Writes projections into `<workspace>/.muster/`, which git is told to ignore through the
/// repository's local exclude file. Thread-safe; all calls block.
class WorkspaceProjection {
 public:
  explicit WorkspaceProjection(std::string workspace) : workspace_(std::move(workspace)) {}

  /// Replaces `.muster/<name>` by `text` (temp + rename), if it is still as `expected` (the last
  /// text written; empty = never). When a person changed it meanwhile nothing is written and their
  /// text is returned: it is a proposal. A file that was deleted, emptied or cannot be read is
  /// simply written again.
  Result<std::optional<std::string>> write(const std::string& name, const std::string& expected,
                                           const std::string& text);

 private:
  Status prepare();

  std::string workspace_;
  std::mutex mutex_;
  bool prepared_ = false;
};

}  // namespace muster
