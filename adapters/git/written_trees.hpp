#pragma once
// Which folders hold exactly the tree that was last made of them, or put into them.

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/git/tree_stamp.hpp"

namespace muster::git {

/// Remembers folders, with their index, by the git tree that they were seen to hold. In memory: a
/// restarted engine asks git again. Thread-safe; the folder's lock is the caller's to hold.
class WrittenTrees {
 public:
  /// How a folder is, beside what is remembered of it.
  enum class Now {
    unknown,    ///< nothing is remembered, it is too large, or its index is another
    same,       ///< no entry and not the index changed
    same_names  ///< likewise, but a file was changed so shortly before that only git can say
  };

  /// A folder before git looked at it or wrote it.
  struct Before {
    std::optional<TreeStamp> files;
    std::string excludes;
    bool alone = false;  ///< nothing else is there, not even what is ignored
  };
  [[nodiscard]] static Before look(const std::string& folder, const std::string& excludes_file);
  /// `tree` is what the folder held when, or after, `before` was taken.
  void remember(const std::string& folder, const std::string& index, Before before,
                std::string tree);
  void forget(const std::string& folder);

  struct Known {
    Now now = Now::unknown;
    std::string tree;
    Before before;
  };
  [[nodiscard]] Known ask(const std::string& folder, const std::string& index,
                          const std::string& excludes_file) const;

 private:
  struct Entry {
    Before before;
    std::string index;  // its stamp
    std::string tree;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by folder; guarded by mutex_
};

}  // namespace muster::git
