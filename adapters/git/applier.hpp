#pragma once
// Takes a mission's branch into the user's repository and tree, and back out again.

#include <optional>
#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "adapters/git/mission_state.hpp"
#include "adapters/git/private_repository.hpp"
#include "adapters/git/user_index.hpp"
#include "adapters/git/user_repository.hpp"
#include "adapters/git/workspace_writer.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/version_control.hpp"

namespace muster::git {

/// apply() and undo() of one mission. The caller holds the repository lock. Every step is written
/// down before it is made and can be made again: after a kill the next call finishes what was
/// begun.
class Applier {
 public:
  struct Place {
    std::string workspace;
    std::string mission;
    std::string branch;   ///< full ref name
    std::string folder;   ///< the mission's state folder
    bool shared = false;  ///< what the user's tree holds already is the mission's own doing
  };
  /// `user` is null for a plain folder.
  Applier(const Git& git, const PrivateRepository& repository, const UserRepository* user,
          Place place)
      : git_(git),
        repository_(repository),
        user_(user),
        place_(std::move(place)),
        writer_(git, repository, place_.workspace, place_.folder) {}

  Result<ApplyOutcome> apply(const MissionRecord& mission, const std::string& tip);
  Status undo();

 private:
  using Changes = std::vector<TreeChange>;
  struct Plan {
    ApplyRecord record;
    std::string obstacle;  ///< not empty: publish only, and this is why
    bool nothing = false;  ///< the user has it already
  };

  [[nodiscard]] bool moves_head(const MissionRecord& mission) const;
  Result<Plan> plan(const MissionRecord& mission, const std::string& tip) const;
  Result<Plan> plan_merge(ApplyRecord record) const;
  Status publish(const MissionRecord& mission, const ApplyRecord& record) const;
  Status publish_objects(const MissionRecord& mission, const ApplyRecord& record) const;
  Status publish_branch(const std::string& tip) const;

  /// One sentence when the user's tree or index is in the way.
  Result<std::string> obstacle_to(const Changes& changes, const std::vector<CurrentFile>& current,
                                  const std::optional<std::string>& index) const;
  Result<std::optional<std::string>> copy_index_of(const ApplyRecord& record) const;
  /// Files, index and HEAD go from one side of the record to the other.
  Status move_tree(const ApplyRecord& record, const Changes& changes,
                   const std::vector<CurrentFile>& current, std::optional<UserIndexLock>& lock,
                   bool forward) const;
  Result<std::optional<UserIndexLock>> lock_index(const ApplyRecord& record) const;
  /// Goes on with what a record says was begun.
  Status resume(const ApplyRecord& record, bool forward) const;
  Result<ApplyOutcome> begin(const Plan& plan, ApplyOutcome outcome) const;
  Status check_undo(const ApplyRecord& record) const;
  Result<Changes> changes_of(const ApplyRecord& record, bool forward) const;

  const Git& git_;
  const PrivateRepository& repository_;
  const UserRepository* user_;
  Place place_;
  WorkspaceWriter writer_;
};

}  // namespace muster::git
