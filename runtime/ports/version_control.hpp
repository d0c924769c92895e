#pragma once
// Port to snapshots, landing and the user's tree. All calls block: run them on the blocking pool.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// A private working tree of one task (or of the integration), outside the user's workspace.
struct Snapshot {
  std::string path;  ///< absolute root of the working tree
  std::string base;  ///< commit that it was made from
};

struct FileChange {
  std::string path;   ///< relative to the workspace, '/' separated
  char status = 'M';  ///< A, M, D, T (type), as git names them; renames are a D and an A
  int added = 0;      ///< lines; -1 for binary
  int removed = 0;
};

struct Diff {
  std::vector<FileChange> files;
  std::string patch;  ///< unified, at most the asked bytes
  bool truncated = false;
};

/// Who did it and why: becomes the commit message and its trailers.
struct CommitInfo {
  std::string subject;
  std::string body;
  std::vector<std::pair<std::string, std::string>> trailers;  ///< e.g. {"Muster-Task","M1.T2"}
};

struct MergeOutcome {
  std::string commit;  ///< the merged commit, not yet on the branch; empty on conflict
  std::string tree;
  bool base_moved = false;             ///< the branch had other work than the snapshot's base
  std::vector<std::string> conflicts;  ///< paths; empty = merged
};

struct ApplyOutcome {
  enum class Kind { applied, merged, branch_only, nothing } kind = Kind::nothing;
  std::string branch;
  std::string commit;
  std::string note;  ///< why it was not applied, one sentence
};

/// One mission's work on one workspace. Thread-safe. The user's tree is changed by apply() and
/// undo() only, and in a shared tree by workplace() and the agents.
class VersionControl {
 public:
  virtual ~VersionControl() = default;
  /// Opens (or, after a restart, re-opens) the mission: makes its private repository and branch
  /// `muster/<mission>` at the user's HEAD, or at a copy of a plain folder. Returns the base
  /// commit. Idempotent.
  virtual Result<std::string> open() = 0;
  /// Files of the user's tree with uncommitted changes (not part of the mission's base).
  virtual Result<std::vector<std::string>> dirty_files() = 0;
  /// Tip of the mission's branch.
  virtual Result<std::string> tip() = 0;
  /// A clean working tree at `commit` ("" = tip) for `key` (a task id); the same key gets the same
  /// tree back, reset.
  virtual Result<Snapshot> checkout(const std::string& key, const std::string& commit) = 0;
  /// The existing tree of `key` as it is, without resetting; not_found when there is none.
  virtual Result<Snapshot> existing(const std::string& key) = 0;
  /// Where an agent that changes `key` shall work now: its snapshot, or, in a shared tree, the
  /// user's own folder, brought to the snapshot's content. conflict when the user changed files
  /// there meanwhile.
  virtual Result<Snapshot> workplace(const std::string& key) { return existing(key); }
  /// Takes what an agent did in its workplace into the snapshot of `key`.
  virtual Status collect(const std::string& /*key*/) { return ok_status(); }
  /// Files that the workplace of `key` changed against its base.
  virtual Result<std::vector<std::string>> changed_files(const std::string& key) {
    auto diff = this->diff(key, 0);
    if (!diff) return diff.error();
    std::vector<std::string> paths;
    for (const auto& file : diff->files) paths.push_back(file.path);
    return paths;
  }
  /// Whether agents work in the user's own tree. After open().
  [[nodiscard]] virtual bool shared() { return false; }
  /// Hands the tree of `key` back to the pool.
  virtual Status release(const std::string& key) = 0;
  /// Hands back all that the mission still has: it has ended. A tree that is asked for all the same
  /// is lent anew.
  virtual Status release_all() = 0;
  /// Hash of all non-ignored files of the tree of `key` (a git tree id; cheap when little changed).
  virtual Result<std::string> tree_hash(const std::string& key) = 0;
  /// The same over the files that the last tree_hash() saw: files that came into being since (what
  /// a build or a test leaves behind) do not count. Equal to the last tree_hash() when a check
  /// changed none of them.
  virtual Result<std::string> tracked_hash(const std::string& key) = 0;
  /// Removes the non-ignored files that came into being since the last tree_hash().
  virtual Status clean_untracked(const std::string& key) = 0;
  /// What the tree of `key` changed against its base.
  virtual Result<Diff> diff(const std::string& key, std::size_t max_patch_bytes) = 0;
  /// Commits all changes of the tree of `key` on top of its base; returns the commit (the base
  /// itself when nothing changed).
  virtual Result<std::string> commit(const std::string& key, const CommitInfo& info) = 0;
  /// Merges `commit` (made by commit()) onto the branch's tip in memory; moves nothing.
  virtual Result<MergeOutcome> merge(const std::string& commit, const CommitInfo& info) = 0;
  /// Moves the branch from `expected_tip` to `commit`; conflict when the tip is another.
  virtual Status advance(const std::string& expected_tip, const std::string& commit) = 0;
  /// Rebases the work of `key` onto the tip, leaving conflict markers in the listed files.
  virtual Result<std::vector<std::string>> rebase_with_markers(const std::string& key) = 0;
  /// Puts single files of `commit` into the tree of `key` (used to try new tests on the old code).
  virtual Status overlay(const std::string& key, const std::string& commit,
                         const std::vector<std::string>& paths) = 0;
  /// The content of files at the base of the tree of `key`; what the base lacks, and what is longer
  /// than `max_bytes`, is left out.
  virtual Result<std::map<std::string, std::string>> base_files(
      const std::string& /*key*/, const std::vector<std::string>& /*paths*/,
      std::size_t /*max_bytes*/) {
    return std::map<std::string, std::string>{};
  }
  /// Diff of the mission's branch against its base.
  virtual Result<Diff> mission_diff(std::size_t max_patch_bytes) = 0;
  /// Publishes `muster/<mission>` in the user's repository and applies it to their tree when that
  /// is clean or the merge is.
  virtual Result<ApplyOutcome> apply() = 0;
  /// Takes back what apply() did, when the files are as apply() left them; otherwise conflict,
  /// nothing touched.
  virtual Status undo() = 0;
  /// Ends the mission's trees and branch; the commits stay reachable under
  /// refs/muster/archive/<mission>.
  virtual Status discard() = 0;
};

}  // namespace muster
