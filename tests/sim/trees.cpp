#include "tests/sim/trees.hpp"

#include <algorithm>
#include <cstdio>

namespace muster::sim {
namespace {

Error gone() { return {ErrorCode::unavailable, "the engine is gone"}; }

/// As the files after the last tree_hash: what came into being since does not count.
Trees::Files tracked(const Trees::Tree& tree) {
  auto out = tree.files;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (Trees::at(tree.seen, i) == 0) out[i] = 0;
  return out;
}

}  // namespace

// ---- what is on disk

Trees::Trees(Ledger& ledger_, std::string mission_, bool red_before)
    : ledger(ledger_), mission(std::move(mission_)) {
  contents_.emplace_back();
  content_hashes_.push_back(0);
  Files files;
  put(files, "Makefile", "test:");
  put(files, "src/old.cpp", red_before ? "BAD before" : "int old;");
  base = tip = store(std::move(files), "");
}

std::size_t Trees::path_number(const std::string& path) {
  auto [at, fresh] = path_numbers_.emplace(path, paths_.size());
  if (fresh) {
    paths_.push_back(path);
    path_hashes_.push_back(Hash().add(path).value());
  }
  return at->second;
}

std::uint32_t Trees::intern(const std::string& text) {
  auto [at, fresh] = content_numbers_.emplace(text, static_cast<std::uint32_t>(contents_.size()));
  if (fresh) {
    contents_.push_back(text);
    content_hashes_.push_back(Hash().add(text).value());
  }
  return at->second;
}

Trees::Tree* Trees::find(const std::string& key) {
  auto found = trees.find(key);
  return found == trees.end() ? nullptr : &found->second;
}

std::string Trees::hash(const Files& files) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < files.size(); ++i)
    if (files[i] != 0) sum += Rng(path_hashes_[i] ^ (content_hashes_[files[i]] * 3)).next();
  char out[24];
  std::snprintf(out, sizeof out, "t%016llx", static_cast<unsigned long long>(sum));
  return out;
}

std::string Trees::store(Files files, const std::string& parent) {
  auto id = "c" + std::to_string(commits_.size() + 1);
  commits_[id] = {std::move(files), parent};
  return id;
}

bool Trees::has(const Files& files, const std::string& path) {
  return at(files, path_number(path)) != 0;
}

const std::string& Trees::text_at(const Files& files, const std::string& path) {
  return contents_[at(files, path_number(path))];
}

void Trees::put(Files& files, const std::string& path, const std::string& text) {
  auto number = path_number(path);
  if (files.size() <= number) files.resize(number + 1, 0);
  files[number] = intern(text);
}

std::vector<FileChange> Trees::changes(const Files& before, const Files& after) const {
  std::vector<FileChange> out;
  for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
    auto old = at(before, i);
    auto now = at(after, i);
    if (old != now) out.push_back({paths_[i], old == 0 ? 'A' : now == 0 ? 'D' : 'M', 1, 0});
  }
  return out;
}

std::string Trees::problems(const Files& files) const {
  std::string out;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& text = contents_[files[i]];
    if (text.find("BAD") != std::string::npos || text.find("<<<<") != std::string::npos)
      out += paths_[i] + ":1:1: error: " + text.substr(0, 40) + "\n";
  }
  return out;
}

// ---- version control

Result<Trees::Tree*> SimVersionControl::tree(const std::string& key) {
  if (!life_->alive) return gone();
  if (auto* found = trees_->find(key)) return found;
  return Error{ErrorCode::not_found, "there is no working tree for it", key};
}

bool SimVersionControl::is_ancestor(const std::string& old, const std::string& young) const {
  for (auto at = young; !at.empty(); at = trees_->commit(at).base)
    if (at == old) return true;
  return false;
}

Result<std::string> SimVersionControl::open() {
  if (!life_->alive) return gone();
  return trees_->base;
}

Result<std::vector<std::string>> SimVersionControl::dirty_files() {
  return std::vector<std::string>{};
}

Result<std::string> SimVersionControl::tip() {
  if (!life_->alive) return gone();
  return trees_->tip;
}

Result<Snapshot> SimVersionControl::checkout(const std::string& key, const std::string& commit) {
  if (!life_->alive) return gone();
  auto& tree = trees_->trees[key];
  tree.base = commit.empty() ? trees_->tip : commit;
  tree.files = tree.seen = trees_->commit(tree.base).files;
  tree.onto.clear();
  tree.last_writer = 0;
  return Snapshot{"/trees/" + trees_->mission + "/" + key, tree.base};
}

Result<Snapshot> SimVersionControl::existing(const std::string& key) {
  auto found = tree(key);
  if (!found) return found.error();
  return Snapshot{"/trees/" + trees_->mission + "/" + key, (*found)->base};
}

Status SimVersionControl::release(const std::string& key) {
  if (!life_->alive) return gone();
  trees_->trees.erase(key);
  return ok_status();
}

Status SimVersionControl::release_all() {
  if (!life_->alive) return gone();
  trees_->trees.clear();
  return ok_status();
}

Result<std::string> SimVersionControl::tree_hash(const std::string& key) {
  auto found = tree(key);
  if (!found) return found.error();
  (*found)->seen = (*found)->files;
  return trees_->hash((*found)->files);
}

Result<std::string> SimVersionControl::tracked_hash(const std::string& key) {
  auto found = tree(key);
  if (!found) return found.error();
  return trees_->hash(tracked(**found));
}

Status SimVersionControl::clean_untracked(const std::string& key) {
  auto found = tree(key);
  if (!found) return found.error();
  (*found)->files = tracked(**found);
  return ok_status();
}

Result<Diff> SimVersionControl::diff(const std::string& key, std::size_t) {
  auto found = tree(key);
  if (!found) return found.error();
  Diff out;
  out.files = trees_->changes(trees_->commit((*found)->base).files, (*found)->files);
  return out;
}

Result<std::string> SimVersionControl::commit(const std::string& key, const CommitInfo&) {
  auto found = tree(key);
  if (!found) return found.error();
  auto& work = **found;
  if (trees_->hash(work.files) == trees_->hash(trees_->commit(work.base).files)) return work.base;
  return trees_->store(work.files, work.base);
}

Result<MergeOutcome> SimVersionControl::merge(const std::string& commit, const CommitInfo&) {
  if (!life_->alive) return gone();
  MergeOutcome out;
  const auto tip = trees_->tip;
  if (is_ancestor(commit, tip) || is_ancestor(tip, commit)) {
    out.commit = is_ancestor(commit, tip) ? tip : commit;
    out.tree = trees_->hash(trees_->commit(out.commit).files);
    return out;
  }
  out.base_moved = true;
  const auto& ours = trees_->commit(commit);
  const auto& before = trees_->commit(ours.base).files;
  auto merged = trees_->commit(tip).files;
  for (std::size_t i = 0; i < trees_->paths().size(); ++i) {
    auto old = Trees::at(before, i);
    auto mine = Trees::at(ours.files, i);
    auto theirs = Trees::at(merged, i);
    if (mine == old || mine == theirs) continue;
    if (theirs != old) out.conflicts.push_back(trees_->paths()[i]);
    if (merged.size() <= i) merged.resize(i + 1, 0);
    merged[i] = mine;
  }
  if (!out.conflicts.empty()) return out;
  out.tree = trees_->hash(merged);
  out.commit = trees_->store(std::move(merged), tip);
  return out;
}

Status SimVersionControl::advance(const std::string& expected_tip, const std::string& commit) {
  if (!life_->alive) return gone();
  if (trees_->tip == commit) return ok_status();
  if (trees_->tip != expected_tip) return Error{ErrorCode::conflict, "the branch moved"};
  if (!is_ancestor(trees_->tip, commit))
    return Error{ErrorCode::invalid_argument, "the commit does not follow the branch"};
  trees_->tip = commit;
  return ok_status();
}

Result<std::vector<std::string>> SimVersionControl::rebase_with_markers(const std::string& key) {
  auto found = tree(key);
  if (!found) return found.error();
  auto& work = **found;
  std::vector<std::string> conflicts;
  if (work.base == trees_->tip) return conflicts;
  const auto& before = trees_->commit(work.base).files;
  auto merged = trees_->commit(trees_->tip).files;
  for (std::size_t i = 0; i < trees_->paths().size(); ++i) {
    auto mine = Trees::at(work.files, i);
    auto theirs = Trees::at(merged, i);
    if (mine == Trees::at(before, i) || mine == theirs) continue;
    if (merged.size() <= i) merged.resize(i + 1, 0);
    merged[i] = mine;
    if (theirs == Trees::at(before, i)) continue;
    conflicts.push_back(trees_->paths()[i]);
    merged[i] = trees_->intern("<<<< " + trees_->text(mine) + " ==== " + trees_->text(theirs));
  }
  work.base = work.onto = trees_->tip;
  work.files = work.seen = std::move(merged);
  return conflicts;
}

Status SimVersionControl::overlay(const std::string& key, const std::string& commit,
                                  const std::vector<std::string>& paths) {
  auto found = tree(key);
  if (!found) return found.error();
  for (const auto& path : paths)
    trees_->put((*found)->files, path, trees_->text_at(trees_->commit(commit).files, path));
  return ok_status();
}

Result<std::map<std::string, std::string>> SimVersionControl::base_files(
    const std::string& key, const std::vector<std::string>& paths, std::size_t) {
  auto found = tree(key);
  if (!found) return found.error();
  const auto& files = trees_->commit((*found)->base).files;
  std::map<std::string, std::string> out;
  for (const auto& path : paths)
    if (trees_->has(files, path)) out[path] = trees_->text_at(files, path);
  return out;
}

Result<Diff> SimVersionControl::mission_diff(std::size_t) {
  if (!life_->alive) return gone();
  Diff out;
  out.files =
      trees_->changes(trees_->commit(trees_->base).files, trees_->commit(trees_->tip).files);
  return out;
}

Result<ApplyOutcome> SimVersionControl::apply() {
  if (!life_->alive) return gone();
  ++trees_->applies;
  trees_->ledger.applied(trees_->mission, trees_->hash(trees_->commit(trees_->tip).files));
  return ApplyOutcome{ApplyOutcome::Kind::applied, "muster/" + trees_->mission, trees_->tip, ""};
}

Status SimVersionControl::undo() { return ok_status(); }
Status SimVersionControl::discard() { return ok_status(); }

// ---- files

namespace {

class SimFiles final : public WorkspaceFiles {
 public:
  SimFiles(std::shared_ptr<Trees> trees, LifePtr life, std::string key)
      : trees_(std::move(trees)),
        life_(std::move(life)),
        key_(std::move(key)),
        handle_(trees_->next_handle++) {}

  Result<ToolText> read(const std::string& path, int, int) override {
    auto content = slurp(path, 0);
    if (!content) return content.error();
    if (!*content) return Error{ErrorCode::not_found, "no such file", path};
    return ToolText{"1\t" + **content, false};
  }
  Result<WriteReceipt> write(const std::string& path, const std::string& content) override {
    auto* tree = open();
    if (tree == nullptr) return closed();
    if (handle_ < tree->last_writer) trees_->ledger.two_writers(trees_->mission, key_ + "/" + path);
    tree->last_writer = handle_;
    trees_->ledger.written(trees_->mission, key_ + "/" + path + "=" + content);
    WriteReceipt receipt{path, digest(*tree, path), {}};
    trees_->put(tree->files, path, content);
    receipt.digest_after = digest(*tree, path);
    return receipt;
  }
  Result<WriteReceipt> edit(const std::string& path, const std::string& old_text,
                            const std::string& new_text, bool) override {
    auto content = slurp(path, 0);
    if (!content) return content.error();
    if (!*content) return Error{ErrorCode::not_found, "no such file", path};
    auto at = (*content)->find(old_text);
    if (at == std::string::npos)
      return Error{ErrorCode::invalid_argument, "old_text does not occur", path};
    return write(path, (*content)->replace(at, old_text.size(), new_text));
  }
  Result<std::vector<WriteReceipt>> rewrite(const std::vector<FileRewrite>&) override {
    return Error{ErrorCode::invalid_argument, "no server asks for it here"};
  }
  Result<ToolText> list(const std::string&, int) override { return ToolText{"src", false}; }
  Result<ToolText> glob(const std::string&) override { return ToolText{"src/old.cpp", false}; }
  Result<ToolText> grep(const std::string&, const std::string&, const std::string&) override {
    return ToolText{"", false};
  }
  Result<std::optional<std::string>> slurp(const std::string& path, std::size_t) override {
    auto* tree = open();
    if (tree == nullptr) return closed();
    if (!trees_->has(tree->files, path)) return std::optional<std::string>();
    return std::optional<std::string>(trees_->text_at(tree->files, path));
  }

 private:
  Trees::Tree* open() { return life_->alive ? trees_->find(key_) : nullptr; }
  Error closed() const { return {ErrorCode::not_found, "there is no such tree", key_}; }
  std::string digest(const Trees::Tree& tree, const std::string& path) {
    if (!trees_->has(tree.files, path)) return {};
    return "d" + std::to_string(Hash().add(trees_->text_at(tree.files, path)).value());
  }
  std::shared_ptr<Trees> trees_;
  LifePtr life_;
  std::string key_;
  std::uint64_t handle_;
};

}  // namespace

std::string key_of_root(const std::string& root) {
  auto from = root.find('/', std::string("/trees/").size()) + 1;
  return root.substr(from, root.find('/', from) - from);
}

Result<std::shared_ptr<WorkspaceFiles>> open_sim_files(const std::shared_ptr<Trees>& trees,
                                                       const LifePtr& life,
                                                       const std::string& root) {
  if (!life->alive) return gone();
  auto key = key_of_root(root);
  if (trees->find(key) == nullptr)
    return Error{ErrorCode::not_found, "there is no such tree", root};
  return std::shared_ptr<WorkspaceFiles>(std::make_shared<SimFiles>(trees, life, key));
}

}  // namespace muster::sim
