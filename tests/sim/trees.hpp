#pragma once
// Version control and files of one mission, in memory: what is on disk, and so survives a crash of
// the engine. Behaves as the git adapter does where the engine could tell.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/ports/version_control.hpp"
#include "runtime/ports/workspace_files.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/world.hpp"

namespace muster::sim {

/// All trees of one mission. A file's content that contains "BAD" fails every check.
class Trees {
 public:
  /// Content of each path by number, 0 = absent.
  using Files = std::vector<std::uint32_t>;

  Trees(Ledger& ledger, std::string mission, bool red_before);

  struct Tree {
    Files files;
    std::string base;
    Files seen;        ///< at the last tree_hash
    std::string onto;  ///< of the last rebase
    std::uint64_t last_writer = 0;
  };
  struct Commit {
    Files files;
    std::string base;
  };

  [[nodiscard]] Tree* find(const std::string& key);
  [[nodiscard]] const Commit& commit(const std::string& id) const { return commits_.at(id); }
  [[nodiscard]] std::string hash(const Files& files) const;
  std::string store(Files files, const std::string& base);
  [[nodiscard]] const std::string& text_at(const Files& files, const std::string& path);
  [[nodiscard]] bool has(const Files& files, const std::string& path);
  void put(Files& files, const std::string& path, const std::string& text);
  [[nodiscard]] std::vector<FileChange> changes(const Files& before, const Files& after) const;
  /// Lines as a compiler would print them, one for each bad file; empty: all is well.
  [[nodiscard]] std::string problems(const Files& files) const;
  [[nodiscard]] static std::uint32_t at(const Files& files, std::size_t path) {
    return path < files.size() ? files[path] : 0;
  }
  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }
  [[nodiscard]] const std::string& text(std::uint32_t content) const { return contents_[content]; }
  std::uint32_t intern(const std::string& text);

  Ledger& ledger;
  const std::string mission;
  std::map<std::string, Tree> trees;
  std::string base;
  std::string tip;
  std::uint64_t next_handle = 1;
  int applies = 0;

 private:
  std::size_t path_number(const std::string& path);

  std::vector<std::string> paths_;
  std::vector<std::uint64_t> path_hashes_;
  std::unordered_map<std::string, std::size_t> path_numbers_;
  std::vector<std::string> contents_;
  std::vector<std::uint64_t> content_hashes_;
  std::unordered_map<std::string, std::uint32_t> content_numbers_;
  std::map<std::string, Commit> commits_;
};

/// The version control of one life of the engine.
class SimVersionControl final : public VersionControl {
 public:
  SimVersionControl(std::shared_ptr<Trees> trees, LifePtr life)
      : trees_(std::move(trees)), life_(std::move(life)) {}
  Result<std::string> open() override;
  Result<std::vector<std::string>> dirty_files() override;
  Result<std::string> tip() override;
  Result<Snapshot> checkout(const std::string& key, const std::string& commit) override;
  Result<Snapshot> existing(const std::string& key) override;
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
  Result<Trees::Tree*> tree(const std::string& key);
  [[nodiscard]] bool is_ancestor(const std::string& old, const std::string& young) const;
  std::shared_ptr<Trees> trees_;
  LifePtr life_;
};

/// The files of one tree, as one session or verification has them open.
Result<std::shared_ptr<WorkspaceFiles>> open_sim_files(const std::shared_ptr<Trees>& trees,
                                                       const LifePtr& life,
                                                       const std::string& root);

/// "/trees/<mission>/<key>" and below.
[[nodiscard]] std::string key_of_root(const std::string& root);

}  // namespace muster::sim
