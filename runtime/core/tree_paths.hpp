#pragma once
// The files of a tree by path, without the tree.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Which files and folders there are. Immutable; may be read from several threads. Views that it
/// gives live as long as it does.
class TreePaths {
 public:
  /// `paths`: of files, relative to the tree's root, in any order.
  explicit TreePaths(std::vector<std::string> paths);
  TreePaths(const TreePaths&) = delete;
  TreePaths& operator=(const TreePaths&) = delete;
  TreePaths(TreePaths&&) = default;
  TreePaths& operator=(TreePaths&&) = default;

  [[nodiscard]] const std::vector<std::string>& all() const { return paths_; }
  [[nodiscard]] bool has(std::string_view path) const;
  /// Something lies below it; the root ("") is always there.
  [[nodiscard]] bool has_folder(std::string_view folder) const;
  /// The first path in order that begins so; empty when none does.
  [[nodiscard]] std::string_view first_with_prefix(std::string_view prefix) const;
  /// Files whose last parts are these: "b/c.h" is the end of "a/b/c.h" and of "b/c.h".
  [[nodiscard]] std::vector<std::string_view> ending_with(std::string_view end) const;
  /// Folders whose last parts are these.
  [[nodiscard]] std::vector<std::string_view> folders_ending_with(std::string_view end) const;
  /// Files that lie in a folder itself and whose names end so.
  [[nodiscard]] std::vector<std::string_view> files_in(std::string_view folder,
                                                       std::string_view suffix) const;

 private:
  std::vector<std::string> paths_;         // sorted
  std::vector<std::uint32_t> by_name_;     // of paths_, by base name
  std::vector<std::string_view> folders_;  // sorted by base name, then by path
};

/// `target`, relative to the folder of the file `from`, as a path from the root, without "." and
/// ".."; a trailing slash goes. False when it leads out of the tree. Pure.
[[nodiscard]] bool path_beside(std::string_view from, std::string_view target, std::string& out);

}  // namespace muster
