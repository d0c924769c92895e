#pragma once
// Working trees outside the workspace, lent to tasks and used again.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "adapters/git/private_repository.hpp"
#include "adapters/git/state_files.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// Who has a tree, and what is in it. Kept as a small file, so that a restarted engine finds it.
struct Lease {
  enum class Stage {
    preparing,  ///< a checkout was begun: content is undefined
    ready,      ///< the holder works in it
    rebasing,   ///< `work` is being put onto `onto`: content is undefined
  };
  std::string mission;
  std::string key;
  std::string base;  ///< commit that the tree's changes are counted from
  Stage stage = Stage::preparing;
  std::string work;
  std::string onto;
};

/// A tree while its lock is held. Valid until it goes out of scope.
struct LockedTree {
  std::string path;   ///< root of the working tree
  std::string index;  ///< our index of it: a stat cache the agent has no part in
  std::string seen;   ///< the index as the last tree_hash() or checkout left it
  std::string lease_file;
  Lease lease;
  FileLock lock;
};

/// The pool of one workspace, shared by its missions. Its state is on disk; every tree has a lock
/// that works across threads and processes. Each tree also holds a small `.git` folder for the
/// agent's own git: private to that tree, rebuilt at every checkout and never read by us.
class TreePool {
 public:
  struct Options {
    std::string state_folder;
    std::string workspace;
    std::size_t max_trees = 16;
    std::vector<std::string> linked_folders;  ///< relative to the workspace
  };
  TreePool(const Git& git, const PrivateRepository& repository, Options options)
      : git_(git), repository_(repository), options_(std::move(options)) {}

  /// Finds or lends a tree for the key; limit_reached when all are lent.
  Result<LockedTree> acquire(const std::string& mission, const std::string& key) const;
  /// The tree that the key has; not_found when it has none.
  Result<LockedTree> find(const std::string& mission, const std::string& key) const;
  /// Makes the tree exactly `commit`, whatever was in it, and the lease ready with that base.
  Status reset(LockedTree& tree, const std::string& commit) const;
  /// Puts `content` (a tree or commit) into the tree; the lease is left to the caller.
  Status fill(LockedTree& tree, const std::string& content, const std::string& base) const;
  static Status save(const LockedTree& tree);
  /// The tree becomes free for others. Absent is fine.
  Status release(const std::string& mission, const std::string& key) const;
  /// All trees of the mission become free.
  Status release_all(const std::string& mission) const;
  /// Frees and removes the trees of a mission; when no other has one, the free trees too.
  Status remove_mission(const std::string& mission) const;

 private:
  struct Slot {
    int number = 0;
    std::optional<Lease> lease;
  };
  [[nodiscard]] std::string slot_folder(int number) const;
  [[nodiscard]] std::string tree_folder(int number) const;
  [[nodiscard]] Result<std::vector<Slot>> slots() const;
  [[nodiscard]] Result<LockedTree> lock(int number) const;
  Result<int> lend(const std::string& mission, const std::string& key) const;
  Status restore(LockedTree& tree, const std::string& content) const;
  Status make_agent_repository(const LockedTree& tree, const std::string& content,
                               const std::string& base) const;
  Status show_as_changes(const LockedTree& tree, const std::string& index,
                         const std::string& base) const;
  Status link_folders(const LockedTree& tree, const std::string& content) const;

  const Git& git_;
  const PrivateRepository& repository_;
  Options options_;
};

}  // namespace muster::git
