#pragma once
// Resolves paths of agents inside of one folder: no "..", symlink or race leads out of it.

#include <string>

#include "adapters/io/unique_fd.hpp"
#include "runtime/core/result.hpp"

namespace muster::files {

/// Where a path leads, held open: later changes of folders above it do not matter.
struct ResolvedPath {
  UniqueFd folder;   ///< the folder that holds it (the root itself for the root)
  std::string name;  ///< last component; "." for the root
  std::string path;  ///< real path relative to the root, symlinks resolved; "" for the root
};

/// The root of a tree. Every step of a walk is one open without following symlinks; symlinks are
/// read and walked by the same rules, so they may point inside the tree and nowhere else.
/// Thread-safe.
class TreeRoot {
 public:
  enum class Missing { fail, make_folders };

  static Result<TreeRoot> open(const std::string& path);

  /// `path`: relative, or absolute below the root. The last component need not exist. Errors:
  /// permission_denied: it leads outside; not_found: a folder is missing; invalid_argument: NUL,
  /// empty, too long, a file in place of a folder.
  Result<ResolvedPath> resolve(const std::string& path, Missing missing = Missing::fail) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  TreeRoot(UniqueFd fd, std::string path, std::string given)
      : fd_(std::move(fd)), path_(std::move(path)), given_(std::move(given)) {}
  /// An absolute path as one relative to the root.
  Result<std::string> below_root(const std::string& path) const;

  UniqueFd fd_;
  std::string path_;   ///< canonical
  std::string given_;  ///< as it was named: agents may use either
};

}  // namespace muster::files
