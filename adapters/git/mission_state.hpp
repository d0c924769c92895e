#pragma once
// What is kept on disk about a mission's version control, beside the refs.

#include <optional>
#include <string>
#include <vector>

#include "adapters/git/user_repository.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/version_control.hpp"

namespace muster::git {

/// Written once by open(), and again by discard().
struct MissionRecord {
  enum class Mode {
    repository,  ///< base is the user's HEAD
    unborn,      ///< a repository without commits: base is a copy of the files
    plain,       ///< no repository: base is a copy of the files
  } mode = Mode::plain;
  std::string base;
  bool discarded = false;
  bool shared = false;  ///< agents work in the user's tree
};

/// What apply() is doing or has done to the user's tree. Written before the first change to it.
struct ApplyRecord {
  enum class Phase { applying, applied, undoing } phase = Phase::applying;
  ApplyOutcome::Kind kind = ApplyOutcome::Kind::applied;
  std::string tip;                ///< of the mission's branch
  std::string from;               ///< commit whose content the touched files had
  std::string to;                 ///< commit whose content they get
  HeadState head;                 ///< the user's HEAD before; empty commit when HEAD is not moved
  std::vector<std::string> kept;  ///< paths that had the new content already: undo leaves them
};

Result<std::optional<MissionRecord>> load_mission(const std::string& folder);
Status save_mission(const std::string& folder, const MissionRecord& record);
/// nullopt: nothing was applied, or it was undone.
Result<std::optional<ApplyRecord>> load_apply(const std::string& folder);
Status save_apply(const std::string& folder, const ApplyRecord& record);
Status remove_apply(const std::string& folder);

}  // namespace muster::git
