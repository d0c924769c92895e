#include "adapters/git/git_version_control.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "adapters/git/applier.hpp"
#include "adapters/git/beneath.hpp"
#include "adapters/git/mission.hpp"
#include "adapters/git/shared_work.hpp"
#include "adapters/git/tree_stamp.hpp"

namespace muster::git {

std::optional<std::string> workspace_root(const std::string& folder) {
  return repository_root(folder);
}

namespace {

Error unfinished(const std::string& key) {
  return Error{ErrorCode::not_found, "its working tree was not finished; check it out again", key};
}

}  // namespace

/// The work on trees and commits; Mission knows where things are.
class GitVersionControl::Impl {
 public:
  explicit Impl(GitOptions options) : mission_(std::move(options)) {}

  Mission& mission() { return mission_; }
  Result<Snapshot> checkout(const std::string& key, const std::string& commit);
  /// The key's tree, ready to work with: a rebase that was interrupted is finished first.
  Result<LockedTree> tree(const std::string& key);
  Result<std::string> hash(const LockedTree& tree) const;
  Result<std::string> tracked_hash(const LockedTree& tree) const;
  Status clean(const LockedTree& tree) const;
  Result<std::string> commit(LockedTree& tree, const CommitInfo& info) const;
  Result<MergeOutcome> merge(const std::string& commit, const CommitInfo& info);
  Status advance(const std::string& expected_tip, const std::string& commit);
  Result<std::vector<std::string>> rebase(const std::string& key);
  Status overlay(const LockedTree& tree, const std::string& commit,
                 const std::vector<std::string>& paths) const;
  [[nodiscard]] Applier applier(const MissionRecord& record) const;
  Result<std::string> open();
  Result<Snapshot> workplace(const std::string& key);
  Status collect(const std::string& key);
  Result<std::vector<std::string>> changed_files(const std::string& key);
  Result<ApplyOutcome> apply();
  Status undo();

 private:
  [[nodiscard]] const PrivateRepository& repository() const { return mission_.repository(); }
  [[nodiscard]] Status check_key(const std::string& key);
  Result<LockedTree> any_tree(const std::string& key);
  Result<std::vector<std::string>> put_onto(LockedTree& tree) const;
  Status refuse_nested(const std::string& base, const std::string& tree) const;
  Status remove_from_tree(const LockedTree& tree, const std::vector<std::string>& paths) const;

  Mission mission_;
};

Status GitVersionControl::Impl::check_key(const std::string& key) {
  if (auto part = ref_part(key); !part) return part.error();
  if (auto open = mission_.record(); !open) return open.error();
  return ok_status();
}

Result<LockedTree> GitVersionControl::Impl::any_tree(const std::string& key) {
  if (auto fit = check_key(key); !fit) return fit.error();
  return mission_.pool().find(mission_.options().mission, key);
}

Result<LockedTree> GitVersionControl::Impl::tree(const std::string& key) {
  auto tree = any_tree(key);
  if (!tree) return tree;
  if (tree->lease.stage == Lease::Stage::rebasing) {
    if (auto done = put_onto(*tree); !done) return done.error();
  }
  if (tree->lease.stage != Lease::Stage::ready) return unfinished(key);
  return tree;
}

Result<Snapshot> GitVersionControl::Impl::checkout(const std::string& key,
                                                   const std::string& commit) {
  if (auto fit = check_key(key); !fit) return fit.error();
  auto wanted = commit.empty() ? mission_.tip() : repository().resolve_commit(commit);
  if (!wanted) return wanted.error();
  auto tree = mission_.pool().acquire(mission_.options().mission, key);
  if (!tree) return tree.error();
  if (auto done = mission_.pool().reset(*tree, *wanted); !done) return done.error();
  auto content = repository().tree_of(*wanted);
  if (!content) return content.error();
  repository().note_written(tree->path, tree->index, *content,
                            mission_.options().linked_folders.empty());
  return Snapshot{tree->path, *wanted};
}

Result<std::string> GitVersionControl::Impl::hash(const LockedTree& tree) const {
  return repository().write_tree(tree.path, tree.index);
}

Result<std::string> GitVersionControl::Impl::tracked_hash(const LockedTree& tree) const {
  if (is_dated_copy(tree.index, tree.seen)) {
    auto known = repository().unchanged(tree.path, tree.index);
    if (!known) return known.error();
    if (*known) return std::move(**known);
  }
  const std::string index = tree.seen + ".now";
  if (auto gone = remove_tree(index + ".lock"); !gone) return gone.error();
  // A copy: what is missing at this moment must stay known.
  if (auto copied = copy_index(tree.seen, index); !copied) return copied.error();
  const GitContext where = repository().context(tree.path, index);
  if (auto added = mission_.git().ok(where, {"add", "-u"}); !added) return added.error();
  return mission_.git().line(where, {"write-tree"});
}

Status GitVersionControl::Impl::clean(const LockedTree& tree) const {
  if (is_dated_copy(tree.index, tree.seen) && repository().same_files(tree.path, tree.index))
    return ok_status();
  return mission_.git().ok(repository().context(tree.path, tree.seen), {"clean", "-ffdq"});
}

Status GitVersionControl::Impl::refuse_nested(const std::string& base,
                                              const std::string& tree) const {
  // Between the same two names as diff(), which was asked before in most cases.
  auto changes = repository().changes(base, tree);
  if (!changes) return changes.error();
  for (const TreeChange& change : *changes)
    if (change.to.submodule())
      return Error{
          ErrorCode::invalid_argument,
          "a git repository inside of the tree cannot be committed: remove its .git folder",
          change.path};
  return ok_status();
}

Result<std::string> GitVersionControl::Impl::commit(LockedTree& tree,
                                                    const CommitInfo& info) const {
  auto content = hash(tree);
  if (!content) return content;
  auto before = repository().tree_of(tree.lease.base);
  if (!before) return before;
  if (*content == *before) return tree.lease.base;
  if (auto fit = refuse_nested(tree.lease.base, *content); !fit) return fit.error();
  const std::string ref = mission_.task_ref(tree.lease.key);
  auto last = repository().ref(ref);
  if (!last) return last.error();
  auto commit = repository().make_commit(*content, {tree.lease.base}, info, last->value_or(""));
  if (!commit) return commit;
  if (*last == *commit) return commit;
  // The ref keeps work alive that never lands.
  if (auto kept = repository().set_ref(ref, *commit); !kept) return kept.error();
  return commit;
}

Result<MergeOutcome> GitVersionControl::Impl::merge(const std::string& commit,
                                                    const CommitInfo& info) {
  auto work = repository().resolve_commit(commit);
  if (!work) return work.error();
  auto tip = mission_.tip();
  if (!tip) return tip.error();
  MergeOutcome outcome;
  auto base = repository().merge_base(*tip, *work);
  if (!base) return base.error();
  const bool landed = *base == *work;
  if (landed || *base == *tip) {
    outcome.commit = landed ? *tip : *work;
    auto tree = repository().tree_of(outcome.commit);
    if (!tree) return tree.error();
    outcome.tree = *tree;
    return outcome;
  }
  outcome.base_moved = true;
  auto merged = repository().merge(*tip, *work);
  if (!merged) return merged.error();
  outcome.tree = merged->tree;
  outcome.conflicts = std::move(merged->conflicts);
  if (!outcome.conflicts.empty()) return outcome;
  // One commit a task, in the order of landing: the task's own commit stays under its task ref.
  auto made = repository().make_commit(outcome.tree, {*tip}, info);
  if (!made) return made.error();
  outcome.commit = *made;
  return outcome;
}

Status GitVersionControl::Impl::advance(const std::string& expected_tip,
                                        const std::string& commit) {
  // Opens when it must, which takes the same lock.
  if (auto open = mission_.record(); !open) return open.error();
  auto held = mission_.lock();
  if (!held) return held.error();
  auto tip = mission_.tip();
  if (!tip) return tip.error();
  auto next = repository().resolve_commit(commit);
  if (!next) return next.error();
  if (*tip == *next) return ok_status();
  if (*tip != expected_tip)
    return Error{ErrorCode::conflict, "the branch is at " + *tip + ", not at " + expected_tip,
                 mission_.branch()};
  auto forward = repository().is_ancestor(*tip, *next);
  if (!forward) return forward.error();
  if (!*forward)
    return Error{ErrorCode::invalid_argument, "the commit does not follow the branch: " + *next,
                 mission_.branch()};
  return repository().set_ref(mission_.branch(), *next, *tip);
}

Result<std::vector<std::string>> GitVersionControl::Impl::put_onto(LockedTree& tree) const {
  auto merged = repository().merge(tree.lease.onto, tree.lease.work);
  if (!merged) return merged.error();
  if (auto filled = mission_.pool().fill(tree, merged->tree, tree.lease.onto); !filled)
    return filled.error();
  tree.lease.base = tree.lease.onto;
  tree.lease.stage = Lease::Stage::ready;
  if (auto saved = TreePool::save(tree); !saved) return saved.error();
  return std::move(merged->conflicts);
}

Result<std::vector<std::string>> GitVersionControl::Impl::rebase(const std::string& key) {
  auto tree = any_tree(key);
  if (!tree) return tree.error();
  if (tree->lease.stage == Lease::Stage::rebasing) return put_onto(*tree);
  if (tree->lease.stage != Lease::Stage::ready) return unfinished(key);
  auto tip = mission_.tip();
  if (!tip) return tip.error();
  if (tree->lease.base == *tip) {
    if (tree->lease.onto != *tip) return std::vector<std::string>{};
    // Asked again after it was done: the same answer, and the tree stays as it is.
    auto merged = repository().merge(tree->lease.onto, tree->lease.work);
    if (!merged) return merged.error();
    return std::move(merged->conflicts);
  }
  auto work = commit(*tree, CommitInfo{"Work of " + key + " before its rebase"});
  if (!work) return work.error();
  tree->lease.work = *work;
  tree->lease.onto = *tip;
  tree->lease.stage = Lease::Stage::rebasing;
  if (auto saved = TreePool::save(*tree); !saved) return saved.error();
  return put_onto(*tree);
}

Status GitVersionControl::Impl::remove_from_tree(const LockedTree& tree,
                                                 const std::vector<std::string>& paths) const {
  auto root = open_folder(tree.path);
  if (!root) return root.error();
  for (const std::string& path : paths) {
    auto parent = open_parent(root->get(), path, false);
    if (!parent && parent.error().code == ErrorCode::invalid_argument) return parent.error();
    if (!parent) continue;
    if (::unlinkat(parent->get(), last_component(path).c_str(), 0) != 0 && errno != ENOENT)
      return errno_error(errno, "cannot remove", path);
  }
  return ok_status();
}

Status GitVersionControl::Impl::overlay(const LockedTree& tree, const std::string& commit,
                                        const std::vector<std::string>& paths) const {
  auto source = repository().resolve_commit(commit);
  if (!source) return source.error();
  std::vector<std::string> present;
  std::vector<std::string> absent;
  for (const std::string& path : paths) {
    auto found = mission_.git().run(repository().context(), {"ls-tree", "-z", *source, "--", path});
    if (!found) return found.error();
    if (found->exit_code != 0) return git_error("ls-tree", *found);
    (found->out.empty() ? absent : present).push_back(path);
  }
  if (auto gone = remove_from_tree(tree, absent); !gone) return gone;
  if (present.empty()) return ok_status();
  GitContext context = repository().context(tree.path, tree.index);
  context.stdin_text = join_nul(present);
  return mission_.git().ok(
      context, {"checkout", "-q", *source, "--pathspec-from-file=-", "--pathspec-file-nul"});
}

Applier GitVersionControl::Impl::applier(const MissionRecord& record) const {
  const GitOptions& options = mission_.options();
  return Applier{mission_.git(), repository(), mission_.user(),
                 Applier::Place{options.workspace, options.mission, mission_.branch(),
                                mission_.folder(), record.shared}};
}

Result<std::string> GitVersionControl::Impl::open() {
  auto base = mission_.open();
  if (!base) return base;
  auto record = mission_.record_even_discarded();
  if (!record) return record.error();
  if (!record->shared || record->discarded) return base;
  Status begun = ok_status();
  {
    auto held = mission_.lock();
    if (!held) return held.error();
    begun = SharedWork(mission_, *record).begin();
  }
  if (begun) return base;
  if (begun.error().code == ErrorCode::invalid_argument) (void)mission_.discard();
  return begun.error();
}

Result<Snapshot> GitVersionControl::Impl::workplace(const std::string& key) {
  auto record = mission_.record();
  if (!record) return record.error();
  auto tree = this->tree(key);
  if (!tree) return tree.error();
  if (!record->shared) return Snapshot{tree->path, tree->lease.base};
  auto held = mission_.lock();
  if (!held) return held.error();
  if (auto lent = SharedWork(mission_, *record).lend(*tree); !lent) return lent.error();
  return Snapshot{mission_.options().workspace, tree->lease.base};
}

Status GitVersionControl::Impl::collect(const std::string& key) {
  auto record = mission_.record();
  if (!record) return record.error();
  if (!record->shared) return ok_status();
  auto tree = this->tree(key);
  if (!tree) return tree.error();
  auto held = mission_.lock();
  if (!held) return held.error();
  return SharedWork(mission_, *record).collect(*tree);
}

Result<std::vector<std::string>> GitVersionControl::Impl::changed_files(const std::string& key) {
  auto record = mission_.record();
  if (!record) return record.error();
  auto tree = this->tree(key);
  if (!tree) return tree.error();
  auto held = mission_.lock();
  if (!held) return held.error();
  return SharedWork(mission_, *record).changed(*tree);
}

Result<ApplyOutcome> GitVersionControl::Impl::apply() {
  auto record = mission_.record();
  if (!record) return record.error();
  auto held = mission_.lock();
  if (!held) return held.error();
  auto tip = mission_.tip();
  if (!tip) return tip.error();
  if (!record->shared) return applier(*record).apply(*record, *tip);
  const SharedWork shared(mission_, *record);
  if (auto settled = shared.settle(*tip); !settled) return settled.error();
  auto applied = applier(*record).apply(*record, *tip);
  if (!applied) return applied;
  if (auto noted = shared.note_content(); !noted) return noted.error();
  return applied;
}

Status GitVersionControl::Impl::undo() {
  auto record = mission_.record_even_discarded();
  if (!record) return record.error();
  auto held = mission_.lock();
  if (!held) return held.error();
  if (!record->shared) return applier(*record).undo();
  const SharedWork shared(mission_, *record);
  auto made = shared.prepare_undo();
  if (!made) return made.error();
  if (auto undone = applier(*record).undo(); !undone) {
    if (*made) (void)shared.forget_undo();
    return undone;
  }
  return shared.note_content();
}

GitVersionControl::GitVersionControl(GitOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
GitVersionControl::~GitVersionControl() = default;

Result<std::string> GitVersionControl::open() { return impl_->open(); }

Result<Snapshot> GitVersionControl::workplace(const std::string& key) {
  return impl_->workplace(key);
}

Status GitVersionControl::collect(const std::string& key) { return impl_->collect(key); }

Result<std::vector<std::string>> GitVersionControl::changed_files(const std::string& key) {
  return shared() ? impl_->changed_files(key) : VersionControl::changed_files(key);
}

bool GitVersionControl::shared() {
  auto record = impl_->mission().record_even_discarded();
  return record && record->shared;
}

Result<std::vector<std::string>> GitVersionControl::dirty_files() {
  return impl_->mission().dirty_files();
}

Result<std::string> GitVersionControl::tip() { return impl_->mission().tip(); }

Result<Snapshot> GitVersionControl::checkout(const std::string& key, const std::string& commit) {
  return impl_->checkout(key, commit);
}

Result<Snapshot> GitVersionControl::existing(const std::string& key) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  return Snapshot{tree->path, tree->lease.base};
}

Status GitVersionControl::release(const std::string& key) {
  Mission& mission = impl_->mission();
  return mission.pool().release(mission.options().mission, key);
}

Status GitVersionControl::release_all() {
  Mission& mission = impl_->mission();
  return mission.pool().release_all(mission.options().mission);
}

Result<std::string> GitVersionControl::tree_hash(const std::string& key) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  auto content = impl_->hash(*tree);
  if (!content) return content;
  if (auto copied = copy_index(tree->index, tree->seen); !copied) return copied.error();
  return content;
}

Result<std::string> GitVersionControl::tracked_hash(const std::string& key) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  return impl_->tracked_hash(*tree);
}

Status GitVersionControl::clean_untracked(const std::string& key) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  return impl_->clean(*tree);
}

Result<Diff> GitVersionControl::diff(const std::string& key, std::size_t max_patch_bytes) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  auto content = impl_->hash(*tree);
  if (!content) return content.error();
  return impl_->mission().repository().diff(tree->lease.base, *content, max_patch_bytes);
}

Result<std::string> GitVersionControl::commit(const std::string& key, const CommitInfo& info) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  return impl_->commit(*tree, info);
}

Result<MergeOutcome> GitVersionControl::merge(const std::string& commit, const CommitInfo& info) {
  return impl_->merge(commit, info);
}

Status GitVersionControl::advance(const std::string& expected_tip, const std::string& commit) {
  return impl_->advance(expected_tip, commit);
}

Result<std::vector<std::string>> GitVersionControl::rebase_with_markers(const std::string& key) {
  return impl_->rebase(key);
}

Result<std::map<std::string, std::string>> GitVersionControl::base_files(
    const std::string& key, const std::vector<std::string>& paths, std::size_t max_bytes) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  return impl_->mission().repository().files_at(tree->lease.base, paths, max_bytes);
}

Status GitVersionControl::overlay(const std::string& key, const std::string& commit,
                                  const std::vector<std::string>& paths) {
  auto tree = impl_->tree(key);
  if (!tree) return tree.error();
  return impl_->overlay(*tree, commit, paths);
}

Result<Diff> GitVersionControl::mission_diff(std::size_t max_patch_bytes) {
  auto record = impl_->mission().record();
  if (!record) return record.error();
  auto tip = impl_->mission().tip();
  if (!tip) return tip.error();
  return impl_->mission().repository().diff(record->base, *tip, max_patch_bytes);
}

Result<ApplyOutcome> GitVersionControl::apply() { return impl_->apply(); }

Status GitVersionControl::undo() { return impl_->undo(); }

Status GitVersionControl::discard() { return impl_->mission().discard(); }

}  // namespace muster::git
