#pragma once
// The user's own tree as the place where a mission's agents work, one task at a time.

#include <optional>
#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "adapters/git/private_repository.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// What muster knows about the tree it shares. Kept as a small file, so that a restarted engine and
/// `muster undo` find it.
struct SharedState {
  std::string key;   ///< the task whose agent works there, or worked last; empty: nobody yet
  bool out = false;  ///< somebody is at work: the content is theirs
  std::string tree;  ///< content (a tree id) as it was last left by muster or taken from an agent
};

/// Reads and writes the user's tree for a shared mission. Locks are the caller's. Files are
/// replaced one by one, ignored ones never touched; the user's index, branch and config have no
/// part in it.
class SharedTree {
 public:
  /// `scratch`: the engine's folder of this mission.
  SharedTree(const Git& git, const PrivateRepository& repository, std::string workspace,
             std::string scratch)
      : git_(git),
        repository_(repository),
        workspace_(std::move(workspace)),
        scratch_(std::move(scratch)) {}

  [[nodiscard]] const std::string& workspace() const { return workspace_; }
  /// nullopt: the mission has not begun to use the tree.
  [[nodiscard]] Result<std::optional<SharedState>> state() const;
  Status save(const SharedState& state) const;
  /// The tree id of what is there now, ignored files left out.
  [[nodiscard]] Result<std::string> content() const;
  /// Files that differ between the content now and a tree or commit.
  [[nodiscard]] Result<std::vector<std::string>> changed_since(const std::string& tree) const;
  /// Gives the tree the content `to`; `from` is what content() said. conflict when a file changes
  /// at this moment or cannot be replaced.
  Status put(const std::string& from, const std::string& to) const;

 private:
  const Git& git_;
  const PrivateRepository& repository_;
  std::string workspace_;
  std::string scratch_;
};

}  // namespace muster::git
