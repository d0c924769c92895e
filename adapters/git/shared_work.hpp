#pragma once
// A mission's work in the user's own tree: how the tree of a task and the user's tree follow each
// other. The tree of a task in the pool is what is verified and landed; the user's is where its
// agent writes.

#include <string>
#include <vector>

#include "adapters/git/mission.hpp"
#include "adapters/git/shared_tree.hpp"
#include "adapters/git/tree_pool.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// One mission's. The caller holds the mission's lock, and the lock of the task's tree where one is
/// given. Nothing that was in the user's tree is ever lost: what is replaced stays in a commit
/// under the mission's task refs.
class SharedWork {
 public:
  SharedWork(Mission& mission, const MissionRecord& record)
      : mission_(mission),
        record_(record),
        tree_(mission.git(), mission.repository(), mission.options().workspace, mission.folder()) {}

  /// For a mission that begins: invalid_argument with their names when files differ from its base.
  Status begin() const;
  /// Lends the user's tree to a task, with the content of its own tree. What an agent that was cut
  /// off left there goes on being that task's. conflict when somebody else changed files meanwhile.
  Status lend(LockedTree& task) const;
  /// Takes what is in the user's tree into the task's own, when it is lent to it.
  Status collect(LockedTree& task) const;
  /// Files that differ between the user's tree and the task's base.
  [[nodiscard]] Result<std::vector<std::string>> changed(const LockedTree& task) const;
  /// Before the result is applied: what did not land goes. Left alone when files were changed by
  /// somebody else, which apply() then finds.
  Status settle(const std::string& tip) const;
  /// After a change by apply() or undo(): the content is what it was left as.
  Status note_content() const;
  /// Before an undo of what was never applied: makes the record by which it is taken back. Whether
  /// it did.
  [[nodiscard]] Result<bool> prepare_undo() const;
  /// After an undo that was refused: the record goes, unless the undo has begun.
  Status forget_undo() const;

 private:
  [[nodiscard]] Result<SharedState> state() const;
  /// Keeps a content under a ref; returns its commit.
  Result<std::string> keep(const SharedState& state, const std::string& content) const;
  Status replace(const SharedState& state, const std::string& content, const std::string& to) const;

  Mission& mission_;
  MissionRecord record_;
  SharedTree tree_;
};

}  // namespace muster::git
