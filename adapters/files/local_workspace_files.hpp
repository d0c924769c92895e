#pragma once
// WorkspaceFiles on a folder of this machine.

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "adapters/files/file_policy.hpp"
#include "adapters/files/syntax_gate.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster::files {

struct LocalFilesOptions {
  std::string root;  ///< of the tree: a task's snapshot, or the workspace
  PolicyPatterns patterns = default_patterns();
  /// Dependency folders that are symlinks in a snapshot: name in the tree -> absolute folder. They
  /// can be read through that name, by the same rules, and not written.
  std::map<std::string, std::string> linked;
  std::string ripgrep = "rg";
  std::chrono::milliseconds search_timeout{20'000};
  std::size_t max_file_bytes = 10U << 20U;  ///< larger files are not edited nor written
  std::shared_ptr<SyntaxGate> syntax;       ///< judges what is written; null: nothing is refused
};

/// Thread-safe. Everything that agents may do to files goes through here.
class LocalWorkspaceFiles final : public WorkspaceFiles {
 public:
  /// not_found when the root is no folder; invalid_argument for bad patterns.
  static Result<std::unique_ptr<LocalWorkspaceFiles>> open(LocalFilesOptions options);
  ~LocalWorkspaceFiles() override;

  Result<ToolText> read(const std::string& path, int first, int count) override;
  Result<WriteReceipt> write(const std::string& path, const std::string& content) override;
  Result<WriteReceipt> edit(const std::string& path, const std::string& old_text,
                            const std::string& new_text, bool all) override;
  Result<std::vector<WriteReceipt>> rewrite(const std::vector<FileRewrite>& rewrites) override;
  Result<ToolText> list(const std::string& path, int depth) override;
  Result<ToolText> glob(const std::string& pattern) override;
  Result<ToolText> grep(const std::string& pattern, const std::string& path,
                        const std::string& include) override;
  Result<std::optional<std::string>> slurp(const std::string& path, std::size_t max_bytes) override;

 private:
  class Impl;
  explicit LocalWorkspaceFiles(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::files
