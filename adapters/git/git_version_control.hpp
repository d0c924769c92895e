#pragma once
// Version control of one mission on git: docs/adr/0002-private-repository.md.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/ports/version_control.hpp"

namespace muster::git {

/// What one mission's version control is made of.
struct GitOptions {
  std::string workspace;     ///< absolute; a git working tree's root, or a plain folder
  std::string state_folder;  ///< absolute; of this workspace, outside of it; shared by its missions
  std::string mission;       ///< [A-Za-z0-9._-], becomes part of a branch name
  std::size_t max_trees = 16;               ///< working trees of all missions of this workspace
  std::vector<std::string> linked_folders;  ///< relative to the workspace: node_modules, .venv, ...
  std::string git_binary = "git";
  std::uint64_t max_plain_files = 100'000;      ///< a plain folder larger than this is refused
  std::uint64_t max_plain_bytes = 2ULL << 30U;  ///< likewise
  /// Of a mission that begins: its agents work in the workspace itself, one task at a time. Later
  /// the mission knows it by itself.
  bool shared_tree = false;
};

/// The innermost folder at or above `folder` that is the root of a git working tree; nullopt
/// outside of any. What a launcher should take as workspace.
std::optional<std::string> workspace_root(const std::string& folder);

/// VersionControl on git. Thread-safe: locks are files, so two engines and two objects on the same
/// state folder are safe too. Every call may be repeated after a kill at any point. All calls
/// block.
class GitVersionControl final : public VersionControl {
 public:
  explicit GitVersionControl(GitOptions options);
  ~GitVersionControl() override;
  GitVersionControl(const GitVersionControl&) = delete;
  GitVersionControl& operator=(const GitVersionControl&) = delete;

  Result<std::string> open() override;
  Result<std::vector<std::string>> dirty_files() override;
  Result<std::string> tip() override;
  Result<Snapshot> checkout(const std::string& key, const std::string& commit) override;
  Result<Snapshot> existing(const std::string& key) override;
  Result<Snapshot> workplace(const std::string& key) override;
  Status collect(const std::string& key) override;
  Result<std::vector<std::string>> changed_files(const std::string& key) override;
  [[nodiscard]] bool shared() override;
  Status release(const std::string& key) override;
  Status release_all() override;
  Result<std::string> tree_hash(const std::string& key) override;
  Result<std::string> tracked_hash(const std::string& key) override;
  Status clean_untracked(const std::string& key) override;
  Result<Diff> diff(const std::string& key, std::size_t max_patch_bytes) override;
  Result<std::string> commit(const std::string& key, const CommitInfo& info) override;
  Result<MergeOutcome> merge(const std::string& commit, const CommitInfo& info) override;
  Status advance(const std::string& expected_tip, const std::string& commit) override;
  Result<std::vector<std::string>> rebase_with_markers(const std::string& key) override;
  Status overlay(const std::string& key, const std::string& commit,
                 const std::vector<std::string>& paths) override;
  Result<std::map<std::string, std::string>> base_files(const std::string& key,
                                                        const std::vector<std::string>& paths,
                                                        std::size_t max_bytes) override;
  Result<Diff> mission_diff(std::size_t max_patch_bytes) override;
  Result<ApplyOutcome> apply() override;
  Status undo() override;
  Status discard() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::git
