#include "adapters/git/shared_work.hpp"

#include <algorithm>

#include "adapters/git/mission_state.hpp"

namespace muster::git {
namespace {

constexpr std::size_t named_files = 8;

std::string list_of(const std::vector<std::string>& paths) {
  std::string text;
  for (std::size_t i = 0; i < std::min(paths.size(), named_files); ++i)
    text += (i == 0 ? "" : ", ") + paths[i];
  if (paths.size() > named_files)
    text += " and " + std::to_string(paths.size() - named_files) + " more";
  return text;
}

}  // namespace

Result<SharedState> SharedWork::state() const {
  auto state = tree_.state();
  if (!state) return state.error();
  if (*state) return **state;
  auto base = mission_.repository().tree_of(record_.base);
  if (!base) return base.error();
  return SharedState{{}, false, *base};
}

Status SharedWork::begin() const {
  auto begun = tree_.state();
  if (!begun) return begun.error();
  if (*begun) return ok_status();
  if (record_.mode != MissionRecord::Mode::repository)
    return Error{ErrorCode::invalid_argument,
                 "a shared tree needs a git repository with a commit, so that it can be undone",
                 tree_.workspace()};
  auto changed = tree_.changed_since(record_.base);
  if (!changed) return changed.error();
  if (!changed->empty())
    return Error{ErrorCode::invalid_argument,
                 "a tree that is shared with agents must be clean at the start; commit, stash or "
                 "remove: " +
                     list_of(*changed),
                 tree_.workspace()};
  auto base = mission_.repository().tree_of(record_.base);
  if (!base) return base.error();
  return tree_.save(SharedState{{}, false, *base});
}

Result<std::string> SharedWork::keep(const SharedState& state, const std::string& content) const {
  const auto& repository = mission_.repository();
  const std::string ref = mission_.task_ref((state.key.empty() ? "none" : state.key) + "-left");
  auto last = repository.ref(ref);
  if (!last) return last.error();
  auto commit = repository.make_commit(content, {record_.base},
                                       CommitInfo{"Left in the shared tree"}, last->value_or(""));
  if (!commit) return commit;
  if (auto kept = repository.set_ref(ref, *commit); !kept) return kept.error();
  return commit;
}

Status SharedWork::replace(const SharedState& state, const std::string& content,
                           const std::string& to) const {
  if (content == to) return ok_status();
  if (auto kept = keep(state, content); !kept) return kept.error();
  return tree_.put(content, to);
}

Status SharedWork::lend(LockedTree& task) const {
  auto state = this->state();
  if (!state) return state.error();
  auto content = tree_.content();
  if (!content) return content.error();
  if (state->out && state->key == task.lease.key) {
    if (auto taken = collect(task); !taken) return taken;
    return tree_.save({task.lease.key, true, *content});
  }
  if (!state->out && *content != state->tree) {
    auto changed = tree_.changed_since(state->tree);
    if (!changed) return changed.error();
    return Error{ErrorCode::conflict,
                 "files of the shared tree were changed while no agent was at work in it; take the "
                 "change back: " +
                     list_of(*changed),
                 tree_.workspace()};
  }
  auto wanted = mission_.repository().write_tree(task.path, task.index);
  if (!wanted) return wanted.error();
  // Said before it is done: what is half written when we are killed is this task's to go on from.
  if (auto saved = tree_.save({task.lease.key, true, *wanted}); !saved) return saved;
  return replace(*state, *content, *wanted);
}

Status SharedWork::collect(LockedTree& task) const {
  auto state = this->state();
  if (!state) return state.error();
  if (!state->out || state->key != task.lease.key) return ok_status();
  auto content = tree_.content();
  if (!content) return content.error();
  auto have = mission_.repository().write_tree(task.path, task.index);
  if (!have) return have.error();
  if (*have != *content)
    if (auto filled = mission_.pool().fill(task, *content, task.lease.base); !filled) return filled;
  return tree_.save({task.lease.key, false, *content});
}

Result<std::vector<std::string>> SharedWork::changed(const LockedTree& task) const {
  return tree_.changed_since(task.lease.base);
}

Status SharedWork::settle(const std::string& tip) const {
  auto state = this->state();
  if (!state) return state.error();
  auto content = tree_.content();
  if (!content) return content.error();
  if (!state->out && *content != state->tree) return ok_status();
  auto wanted = mission_.repository().tree_of(tip);
  if (!wanted) return wanted.error();
  return replace(*state, *content, *wanted);
}

Status SharedWork::note_content() const {
  auto content = tree_.content();
  if (!content) return content.error();
  return tree_.save({{}, false, *content});
}

Result<bool> SharedWork::prepare_undo() const {
  auto applied = load_apply(mission_.folder());
  if (!applied) return applied.error();
  if (*applied) return false;
  auto state = this->state();
  if (!state) return state.error();
  auto content = tree_.content();
  if (!content) return content.error();
  auto left = keep(*state, state->out ? *content : state->tree);
  if (!left) return left.error();
  ApplyRecord record;
  record.phase = ApplyRecord::Phase::applied;
  record.tip = *left;
  record.from = record_.base;
  record.to = *left;
  if (auto saved = save_apply(mission_.folder(), record); !saved) return saved.error();
  return true;
}

Status SharedWork::forget_undo() const {
  auto applied = load_apply(mission_.folder());
  if (!applied) return applied.error();
  if (!*applied || (*applied)->phase != ApplyRecord::Phase::applied) return ok_status();
  return remove_apply(mission_.folder());
}

}  // namespace muster::git
