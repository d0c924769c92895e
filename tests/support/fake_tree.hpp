#pragma once
// Version control in memory: commits are maps of files, merging is by file.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/ports/version_control.hpp"
#include "tests/support/fake_files.hpp"

namespace muster::test {

/// Single-threaded, for virtual time with InlineBlocking. Paths of trees are "/trees/<key>".
class FakeTree final : public VersionControl {
 public:
  struct Tree {
    std::shared_ptr<FileMap> files = std::make_shared<FileMap>();
    std::string base;
    std::set<std::string> seen;  ///< paths at the last tree_hash()
  };

  explicit FakeTree(FileMap files = {{"src/a.cpp", "int a;"}}) {
    tip_ = base_ = store(std::move(files));
  }

  Result<std::string> open() override {
    ++opened;
    if (open_error) return *open_error;
    return base_;
  }
  Result<std::vector<std::string>> dirty_files() override { return dirty; }
  Result<std::string> tip() override { return tip_; }
  Result<Snapshot> checkout(const std::string& key, const std::string& commit) override {
    auto& tree = trees[key];
    tree.base = commit.empty() ? tip_ : commit;
    *tree.files = commits_.at(tree.base);
    see(tree);
    return Snapshot{"/trees/" + key, tree.base};
  }
  Result<Snapshot> existing(const std::string& key) override {
    auto found = trees.find(key);
    if (found == trees.end()) return Error{ErrorCode::not_found, "no such tree", key};
    return Snapshot{"/trees/" + key, found->second.base};
  }
  Status release(const std::string& key) override {
    released.push_back(key);
    trees.erase(key);
    return ok_status();
  }
  Status release_all() override {
    ++all_released;
    return ok_status();
  }
  Result<std::string> tree_hash(const std::string& key) override {
    see(trees.at(key));
    return hash(*trees.at(key).files);
  }
  Result<std::string> tracked_hash(const std::string& key) override {
    auto& tree = trees.at(key);
    FileMap known;
    for (const auto& [path, text] : *tree.files)
      if (tree.seen.contains(path)) known[path] = text;
    return hash(known);
  }
  Status clean_untracked(const std::string& key) override {
    auto& tree = trees.at(key);
    std::erase_if(*tree.files, [&](const auto& file) { return !tree.seen.contains(file.first); });
    return ok_status();
  }
  Result<Diff> diff(const std::string& key, std::size_t) override {
    auto& tree = trees.at(key);
    return between(commits_.at(tree.base), *tree.files);
  }
  Result<std::string> commit(const std::string& key, const CommitInfo& info) override {
    auto& tree = trees.at(key);
    if (*tree.files == commits_.at(tree.base)) return tree.base;
    infos.push_back(info);
    return store(*tree.files);
  }
  Result<MergeOutcome> merge(const std::string& commit, const CommitInfo&) override {
    MergeOutcome out;
    auto base = commits_.at(base_of_.contains(commit) ? base_of_.at(commit) : tip_);
    out.base_moved = base_of_.contains(commit) && base_of_.at(commit) != tip_;
    auto merged = commits_.at(tip_);
    for (const auto& [path, text] : commits_.at(commit)) merged[path] = text;
    out.commit = merged == commits_.at(tip_) ? tip_ : store(merged);
    out.tree = hash(merged);
    return out;
  }
  Status advance(const std::string& expected_tip, const std::string& commit) override {
    if (on_advance) on_advance();
    if (tip_ != expected_tip) return Error{ErrorCode::conflict, "the branch moved"};
    tip_ = commit;
    return ok_status();
  }
  Result<std::vector<std::string>> rebase_with_markers(const std::string&) override {
    return std::vector<std::string>{};
  }
  Status overlay(const std::string& key, const std::string& commit,
                 const std::vector<std::string>& paths) override {
    for (const auto& path : paths) (*trees.at(key).files)[path] = commits_.at(commit).at(path);
    return ok_status();
  }
  Result<std::map<std::string, std::string>> base_files(const std::string& key,
                                                        const std::vector<std::string>& paths,
                                                        std::size_t) override {
    if (base_error) return *base_error;
    std::map<std::string, std::string> out;
    const auto& base = commits_.at(trees.at(key).base);
    for (const auto& path : paths)
      if (base.contains(path)) out[path] = base.at(path);
    return out;
  }
  Result<Diff> mission_diff(std::size_t) override {
    return between(commits_.at(base_), commits_.at(tip_));
  }
  Result<ApplyOutcome> apply() override {
    ++applied;
    if (on_apply) on_apply();
    return ApplyOutcome{ApplyOutcome::Kind::applied, "muster/M", tip_, ""};
  }
  Status undo() override { return ok_status(); }
  Status discard() override { return ok_status(); }

  /// The files of a tree, as a session or a check sees and changes them.
  FileMap& files(const std::string& key) { return *trees.at(key).files; }
  std::shared_ptr<WorkspaceFiles> open_files(const std::string& root) {
    return std::make_shared<FakeFiles>(trees.at(root.substr(root.rfind('/') + 1)).files);
  }
  [[nodiscard]] const FileMap& at_tip() const { return commits_.at(tip_); }

  std::map<std::string, Tree> trees;
  std::vector<std::string> released;
  int all_released = 0;
  std::vector<CommitInfo> infos;
  std::vector<std::string> dirty;
  std::optional<Error> open_error;
  std::optional<Error> base_error;   ///< of base_files()
  std::function<void()> on_advance;  ///< before the branch moves
  std::function<void()> on_apply;
  int opened = 0;
  int applied = 0;

 private:
  static std::string hash(const FileMap& files) {
    std::string all;
    for (const auto& [path, text] : files) all += path + '\0' + text + '\0';
    return "t" + std::to_string(std::hash<std::string>()(all));
  }
  static void see(Tree& tree) {
    tree.seen.clear();
    for (const auto& [path, text] : *tree.files) tree.seen.insert(path);
  }
  static Diff between(const FileMap& before, const FileMap& after) {
    Diff out;
    for (const auto& [path, text] : after)
      if (auto old = before.find(path); old == before.end() || old->second != text) {
        out.files.push_back({path, old == before.end() ? 'A' : 'M', 1, 0});
        out.patch += "+" + path + "\n";
      }
    for (const auto& [path, text] : before)
      if (!after.contains(path)) out.files.push_back({path, 'D', 0, 1});
    return out;
  }
  std::string store(FileMap files) {
    auto id = "commit" + std::to_string(commits_.size() + 1);
    commits_[id] = std::move(files);
    base_of_[id] = tip_;
    return id;
  }

  std::map<std::string, FileMap> commits_;
  std::map<std::string, std::string> base_of_;
  std::string base_;
  std::string tip_;
};

}  // namespace muster::test
