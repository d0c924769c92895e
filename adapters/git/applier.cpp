#include "adapters/git/applier.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/core/fault_points.hpp"

namespace muster::git {
namespace {

std::string short_list(const std::vector<std::string>& paths) {
  constexpr std::size_t shown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(paths.size(), shown); ++i)
    text += (i == 0 ? "" : ", ") + paths[i];
  if (paths.size() > shown) text += " and " + std::to_string(paths.size() - shown) + " more";
  return text;
}

std::string branch_name(const std::string& ref) {
  constexpr std::string_view prefix = "refs/heads/";
  return ref.starts_with(prefix) ? ref.substr(prefix.size()) : ref;
}

bool any_submodule(const std::vector<TreeChange>& changes) {
  return std::any_of(changes.begin(), changes.end(), [](const TreeChange& change) {
    return change.from.submodule() || change.to.submodule();
  });
}

/// Paths whose file is neither the old nor the new one.
std::vector<std::string> in_the_way(const std::vector<TreeChange>& changes,
                                    const std::vector<CurrentFile>& current) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const bool known = current[i].entry == changes[i].from || current[i].entry == changes[i].to;
    if (current[i].blocked || !known) paths.push_back(changes[i].path);
  }
  return paths;
}

ApplyOutcome outcome_of(const ApplyRecord& record, const std::string& branch) {
  ApplyOutcome outcome;
  outcome.kind = record.kind;
  outcome.branch = branch_name(branch);
  outcome.commit = record.to;
  return outcome;
}

}  // namespace

bool Applier::moves_head(const MissionRecord& mission) const {
  return user_ != nullptr && mission.mode == MissionRecord::Mode::repository;
}

Result<Applier::Plan> Applier::plan_merge(ApplyRecord record) const {
  Plan plan;
  auto merged = repository_.merge(record.head.commit, record.tip);
  if (!merged) {
    plan.obstacle = "your branch has moved and cannot be merged: " + merged.error().message;
    plan.record = std::move(record);
    return plan;
  }
  if (!merged->conflicts.empty()) {
    plan.obstacle = "your branch has moved and conflicts in " + short_list(merged->conflicts);
    plan.record = std::move(record);
    return plan;
  }
  const CommitInfo info{
      "Merge " + branch_name(place_.branch), "", {{"Muster-Mission", place_.mission}}};
  auto commit = repository_.make_commit(merged->tree, {record.head.commit, record.tip}, info);
  if (!commit) return commit.error();
  record.to = *commit;
  record.kind = ApplyOutcome::Kind::merged;
  plan.record = std::move(record);
  return plan;
}

Result<Applier::Plan> Applier::plan(const MissionRecord& mission, const std::string& tip) const {
  Plan plan;
  plan.record.tip = tip;
  plan.record.from = mission.base;
  plan.record.to = tip;
  if (!moves_head(mission)) return plan;
  auto head = user_->head();
  if (!head) return head.error();
  if (head->commit.empty()) {
    plan.obstacle = "your branch has no commit any more";
    return plan;
  }
  plan.record.from = head->commit;
  plan.record.head = *head;
  if (const auto what = user_->operation_in_progress()) {
    plan.obstacle = "you are in the middle of " + *what;
    return plan;
  }
  auto contained = repository_.is_ancestor(tip, head->commit);
  if (!contained) return contained.error();
  plan.nothing = *contained;
  auto forward = repository_.is_ancestor(head->commit, tip);
  if (!forward) return forward.error();
  if (plan.nothing || *forward) return plan;
  return plan_merge(std::move(plan.record));
}

Status Applier::publish_objects(const MissionRecord& mission, const ApplyRecord& record) const {
  // Seen through the user's object folder alone: what is there already is not sent again.
  GitContext theirs = repository_.context();
  theirs.object_dir = user_->objects();
  bool complete = true;
  for (const std::string& commit : std::set<std::string>{record.tip, record.to}) {
    auto there = git_.run(theirs, {"cat-file", "-e", commit});
    if (!there) return there.error();
    complete = complete && there->exit_code == 0;
  }
  if (complete) return ok_status();
  theirs.more_objects = repository_.objects();
  theirs.stdin_text = record.tip + "\n" + record.to + "\n";
  if (mission.mode == MissionRecord::Mode::repository)
    theirs.stdin_text += "^" + mission.base + "\n";
  if (!record.head.commit.empty()) theirs.stdin_text += "^" + record.head.commit + "\n";
  return git_.ok(theirs, {"pack-objects", "--revs", "--delta-base-offset", "--non-empty", "-q",
                          user_->objects() + "/pack/pack"});
}

Status Applier::publish_branch(const std::string& tip) const {
  auto now = user_->ref(place_.branch);
  if (!now) return now.error();
  const std::string before = now->value_or("");
  if (before == tip) return ok_status();
  if (user_->checked_out_somewhere(place_.branch))
    return Error{ErrorCode::conflict,
                 "you have this branch checked out; switch to another one first",
                 branch_name(place_.branch)};
  if (!before.empty()) {
    auto older = repository_.is_ancestor(before, tip);
    if (!older || !*older)
      return Error{ErrorCode::already_exists, "this branch has commits that are not the mission's",
                   branch_name(place_.branch)};
  }
  return user_->set_ref(place_.branch, tip, before, "muster: mission " + place_.mission);
}

Status Applier::publish(const MissionRecord& mission, const ApplyRecord& record) const {
  if (user_ == nullptr) return ok_status();
  if (auto sent = publish_objects(mission, record); !sent) return sent;
  return publish_branch(record.tip);
}

Result<Applier::Changes> Applier::changes_of(const ApplyRecord& record, bool forward) const {
  auto changes = repository_.changes(record.from, record.to);
  if (!changes || forward) return changes;
  std::erase_if(*changes, [&](const TreeChange& change) {
    return std::find(record.kept.begin(), record.kept.end(), change.path) != record.kept.end();
  });
  for (TreeChange& change : *changes) std::swap(change.from, change.to);
  return changes;
}

Result<std::optional<UserIndexLock>> Applier::lock_index(const ApplyRecord& record) const {
  if (user_ == nullptr || record.head.commit.empty()) return std::optional<UserIndexLock>{};
  auto lock = UserIndexLock::acquire(*user_, place_.mission);
  if (!lock) return lock.error();
  return std::optional<UserIndexLock>{std::move(*lock)};
}

Result<std::optional<std::string>> Applier::copy_index_of(const ApplyRecord& record) const {
  if (user_ == nullptr || record.head.commit.empty()) return std::optional<std::string>{};
  const std::string copy = place_.folder + "/apply.index";
  if (auto copied = copy_user_index(*user_, repository_, copy); !copied) return copied.error();
  return std::optional<std::string>{copy};
}

Result<std::string> Applier::obstacle_to(const Changes& changes,
                                         const std::vector<CurrentFile>& current,
                                         const std::optional<std::string>& index) const {
  if (any_submodule(changes)) return std::string{"it changes a submodule"};
  if (const auto paths = in_the_way(changes, current); !paths.empty())
    return "these files were changed in your tree: " + short_list(paths);
  if (!index) return std::string{};
  auto found = index_obstacles(git_, repository_, *index, changes);
  if (!found) return found.error();
  if (found->unmerged) return std::string{"your index has unresolved conflicts"};
  if (!found->staged.empty())
    return "these files have staged changes: " + short_list(found->staged);
  if (!found->hidden.empty())
    return "these files are outside of your sparse checkout or marked as unchanged: " +
           short_list(found->hidden);
  return std::string{};
}

Status Applier::move_tree(const ApplyRecord& record, const Changes& changes,
                          const std::vector<CurrentFile>& current,
                          std::optional<UserIndexLock>& lock, bool forward) const {
  const std::string& from = forward ? record.from : record.to;
  const std::string& to = forward ? record.to : record.from;
  const std::string index = place_.folder + "/apply.index";
  const GitContext context = repository_.context(place_.workspace, index);
  if (lock) {
    // Made before the first file is written: when git refuses, nothing has changed yet.
    if (auto read = git_.ok(context, {"read-tree", "-i", "-m", from, to}); !read) return read;
  }
  if (auto written = writer_.write(changes, current, to); !written) return written;
  if (!lock) return ok_status();
  auto refreshed = git_.run(context, {"update-index", "-q", "--refresh"});
  if (!refreshed) return refreshed.error();
  MUSTER_FAULT_POINT("apply.before_index");
  if (auto done = lock->install(index); !done) return done;
  MUSTER_FAULT_POINT("apply.after_index");
  auto head = user_->head();
  if (!head) return head.error();
  if (head->commit == to) return ok_status();
  const std::string reason =
      "muster: " + std::string{forward ? "apply " : "undo "} + place_.mission;
  return user_->move_head(HeadState{from, record.head.ref}, to, reason);
}

Status Applier::resume(const ApplyRecord& record, bool forward) const {
  const std::string& from = forward ? record.from : record.to;
  const std::string& to = forward ? record.to : record.from;
  auto lock = lock_index(record);
  if (!lock) return lock.error();
  if (*lock) {
    auto head = user_->head();
    if (!head) return head.error();
    if (head->ref != record.head.ref || (head->commit != from && head->commit != to))
      return Error{ErrorCode::conflict, "it was interrupted, and your branch has moved since"};
  }
  auto changes = changes_of(record, forward);
  if (!changes) return changes.error();
  auto current = writer_.look(*changes, from);
  if (!current) return current.error();
  auto index = copy_index_of(record);
  if (!index) return index.error();
  auto obstacle = obstacle_to(*changes, *current, *index);
  if (!obstacle) return obstacle.error();
  if (!obstacle->empty())
    return Error{ErrorCode::conflict, "it was interrupted and cannot go on: " + *obstacle};
  return move_tree(record, *changes, *current, *lock, forward);
}

Result<ApplyOutcome> Applier::begin(const Plan& plan, ApplyOutcome outcome) const {
  ApplyRecord record = plan.record;
  auto lock = lock_index(record);
  if (!lock) return lock.error();
  if (*lock) {
    auto head = user_->head();
    if (!head) return head.error();
    if (head->commit != record.head.commit || head->ref != record.head.ref)
      return Error{ErrorCode::unavailable, "your branch moved at this moment; try again"};
  }
  auto changes = changes_of(record, true);
  if (!changes) return changes.error();
  auto current = writer_.look(*changes, record.from);
  if (!current) return current.error();
  auto index = copy_index_of(record);
  if (!index) return index.error();
  auto obstacle = obstacle_to(*changes, *current, *index);
  if (!obstacle) return obstacle.error();
  if (!obstacle->empty()) {
    outcome.note = *obstacle;
    return outcome;
  }
  for (std::size_t i = 0; i < changes->size() && !place_.shared; ++i)
    if ((*current)[i].entry == (*changes)[i].to) record.kept.push_back((*changes)[i].path);
  if (auto saved = save_apply(place_.folder, record); !saved) return saved.error();
  MUSTER_FAULT_POINT("apply.begun");
  if (auto moved = move_tree(record, *changes, *current, *lock, true); !moved) return moved.error();
  MUSTER_FAULT_POINT("apply.moved");
  record.phase = ApplyRecord::Phase::applied;
  if (auto saved = save_apply(place_.folder, record); !saved) return saved.error();
  return outcome_of(record, place_.branch);
}

Result<ApplyOutcome> Applier::apply(const MissionRecord& mission, const std::string& tip) {
  auto record = load_apply(place_.folder);
  if (!record) return record.error();
  if (*record && (*record)->phase == ApplyRecord::Phase::undoing) {
    if (auto undone = undo(); !undone) return undone.error();
    record->reset();
  }
  if (*record && (*record)->phase == ApplyRecord::Phase::applying) {
    if (auto resumed = resume(**record, true); !resumed) return resumed.error();
    (*record)->phase = ApplyRecord::Phase::applied;
    if (auto saved = save_apply(place_.folder, **record); !saved) return saved.error();
  }
  if (*record && (*record)->tip == tip) return outcome_of(**record, place_.branch);
  ApplyOutcome outcome;
  outcome.branch = branch_name(place_.branch);
  outcome.commit = tip;
  if (tip == mission.base) {
    outcome.note = "the mission changed nothing";
    return outcome;
  }
  auto plan = this->plan(mission, tip);
  if (!plan) return plan.error();
  if (*record && !moves_head(mission)) plan->record.from = (*record)->to;
  if (auto published = publish(mission, plan->record); !published) return published.error();
  if (plan->nothing) {
    outcome.note = "your branch has it already";
    return outcome;
  }
  outcome.kind = ApplyOutcome::Kind::branch_only;
  outcome.note = plan->obstacle;
  if (!outcome.note.empty()) return outcome;
  return begin(*plan, std::move(outcome));
}

Status Applier::check_undo(const ApplyRecord& record) const {
  if (user_ != nullptr && !record.head.commit.empty()) {
    auto head = user_->head();
    if (!head) return head.error();
    if (head->ref != record.head.ref || head->commit != record.to)
      return Error{ErrorCode::conflict, "your branch has moved since it was applied"};
    if (const auto what = user_->operation_in_progress())
      return Error{ErrorCode::conflict, "you are in the middle of " + *what};
  }
  auto changes = changes_of(record, false);
  if (!changes) return changes.error();
  auto current = writer_.look(*changes, record.to);
  if (!current) return current.error();
  std::vector<std::string> edited;
  for (std::size_t i = 0; i < changes->size(); ++i) {
    const bool same = (*current)[i].entry == (*changes)[i].from && !(*current)[i].blocked;
    if (!same) edited.push_back((*changes)[i].path);
  }
  if (!edited.empty())
    return Error{ErrorCode::conflict, "changed since it was applied: " + short_list(edited)};
  auto index = copy_index_of(record);
  if (!index) return index.error();
  auto obstacle = obstacle_to(*changes, *current, *index);
  if (!obstacle) return obstacle.error();
  if (!obstacle->empty()) return Error{ErrorCode::conflict, *obstacle};
  return ok_status();
}

Status Applier::undo() {
  auto loaded = load_apply(place_.folder);
  if (!loaded) return loaded.error();
  if (!*loaded) return Error{ErrorCode::not_found, "nothing was applied"};
  ApplyRecord record = **loaded;
  if (record.phase == ApplyRecord::Phase::applying) {
    if (auto resumed = resume(record, true); !resumed) return resumed;
  }
  if (record.phase != ApplyRecord::Phase::undoing) {
    if (auto fit = check_undo(record); !fit) return fit;
    record.phase = ApplyRecord::Phase::undoing;
    if (auto saved = save_apply(place_.folder, record); !saved) return saved;
  }
  if (auto moved = resume(record, false); !moved) return moved;
  return remove_apply(place_.folder);
}

}  // namespace muster::git
