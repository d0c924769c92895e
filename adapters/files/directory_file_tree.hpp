#pragma once
// The files of a folder for the core's discovery.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "adapters/files/file_policy.hpp"
#include "adapters/files/tree_path.hpp"
#include "runtime/core/discovery.hpp"
#include "runtime/core/result.hpp"

namespace muster::files {

/// A listing made once, by open(): the shallowest files first when there are too many. Symlinks are
/// not followed; dependency and build folders are left out. read() may be called from any thread.
class DirectoryFileTree final : public FileTree {
 public:
  struct Limits {
    std::size_t max_paths = 20'000;
    int max_depth = 6;  ///< folders between the root and a file's own folder, inclusive
    std::size_t max_file_bytes = 1U << 20U;
  };
  static Result<DirectoryFileTree> open(const std::string& root, Limits limits);
  static Result<DirectoryFileTree> open(const std::string& root) { return open(root, Limits{}); }

  [[nodiscard]] const std::vector<std::string>& files() const override { return files_; }
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override;
  /// There were more files than were listed.
  [[nodiscard]] bool truncated() const { return truncated_; }

 private:
  DirectoryFileTree(TreeRoot root, FilePolicy policy, Limits limits)
      : root_(std::move(root)), policy_(std::move(policy)), limits_(limits) {}
  void collect();

  TreeRoot root_;
  FilePolicy policy_;
  Limits limits_;
  std::vector<std::string> files_;
  bool truncated_ = false;
};

}  // namespace muster::files
