#pragma once
// Brings files of the user's tree from one commit's content to another's, or says why not.

#include <sys/stat.h>

#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "adapters/git/private_repository.hpp"
#include "adapters/git/state_files.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// What the user's tree holds at the path of a TreeChange.
struct CurrentFile {
  TreeChange::Entry entry;
  bool blocked =
      false;  ///< something git would not put there: a folder, a fifo, a path through a symlink
  struct stat seen {};  ///< as it was when `entry` was found; st_ino 0 = absent
};

/// Files are replaced one by one, each atomically, so that after a crash every file is old or new.
/// Symlinks are never followed. The user's index, refs and config have no part in it.
class WorkspaceWriter {
 public:
  /// `scratch`: an existing folder of the engine's for this mission.
  WorkspaceWriter(const Git& git, const PrivateRepository& repository, std::string workspace,
                  std::string scratch)
      : git_(git),
        repository_(repository),
        workspace_(std::move(workspace)),
        scratch_(std::move(scratch)) {}

  /// The present state of every change's path, in the same order. `expected`: the tree to compare
  /// with.
  [[nodiscard]] Result<std::vector<CurrentFile>> look(const std::vector<TreeChange>& changes,
                                                      const std::string& expected) const;
  /// Gives every path its `to` content, out of tree `target`. conflict when a file changed since
  /// look().
  Status write(const std::vector<TreeChange>& changes, const std::vector<CurrentFile>& current,
               const std::string& target) const;

 private:
  [[nodiscard]] CurrentFile classify(int root, const TreeChange& change,
                                     const std::vector<TreeChange>& changes) const;
  Status stage(const std::vector<std::string>& paths, const std::string& target) const;
  Status remove_one(int root, const TreeChange& change, const CurrentFile& current) const;
  Status put_one(int root, int staged, const TreeChange& change, const CurrentFile& current) const;

  const Git& git_;
  const PrivateRepository& repository_;
  std::string workspace_;
  std::string scratch_;
};

}  // namespace muster::git
