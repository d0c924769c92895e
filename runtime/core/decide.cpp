#include <algorithm>
#include <optional>

#include "runtime/core/gate.hpp"
#include "runtime/core/ladder.hpp"
#include "runtime/core/state.hpp"

// What comes next, as a table from stage or phase to intent. All judgement about what happened is
// in apply.cpp.

namespace muster {
namespace {

bool has_open(const State& state, IntentKind kind) {
  for (const auto& [id, intent] : state.open)
    if (intent.kind == kind) return true;
  return false;
}

std::optional<IntentKind> next_step(const State& state, const TaskState& task) {
  if (task.open_intent != 0) return std::nullopt;
  switch (task.stage) {
    case Stage::leased:
      return IntentKind::prepare;
    case Stage::ready:
      return task.fixing ? IntentKind::fix : IntentKind::work;
    case Stage::worked:
      return IntentKind::verify;
    case Stage::verified:
      return IntentKind::review;
    case Stage::approved:
      if (state.landing_task == task.spec.id) return IntentKind::merge;
      return std::nullopt;
    case Stage::merged:
      return task.merge.base_moved ? IntentKind::reverify : IntentKind::land;
    case Stage::conflicted:
      return IntentKind::rebase;
    case Stage::stuck:
      return IntentKind::decompose;
    default:
      return std::nullopt;
  }
}

/// Collects intents with consecutive ids.
class Issuer {
 public:
  explicit Issuer(const State& state)
      : state_(state), next_(std::max(state.next_intent, state.intent_floor)) {}

  void mission(IntentKind kind) {
    if (!has_open(state_, kind)) out_.push_back({next_++, kind, {}, 0, 0, state_.iteration});
  }
  void task(const TaskState& task, IntentKind kind) {
    bool writes = kind == IntentKind::work || kind == IntentKind::fix;
    out_.push_back({next_++, kind, task.spec.id, task.attempt + (writes ? 1 : 0), task.round,
                    state_.iteration});
  }
  std::vector<IntentIssued> take() { return std::move(out_); }

 private:
  const State& state_;
  IntentId next_;
  std::vector<IntentIssued> out_;
};

void explore(const State& state, Issuer& issue) {
  if (!state.discovered) return issue.mission(IntentKind::discover);
  if (!state.baselined) issue.mission(IntentKind::baseline);
  if (!state.triage) issue.mission(IntentKind::triage);
}

void finish(const State& state, Issuer& issue) {
  if (!state.final_done) return issue.mission(IntentKind::final_verify);
  if (!state.master_reviewed) return issue.mission(IntentKind::master_review);
  if (!state.seal_requested) issue.mission(IntentKind::request_seal);
}

void mission_steps(const State& state, Issuer& issue) {
  switch (state.phase) {
    case Phase::exploring:
      return explore(state, issue);
    case Phase::planning:
      if (!state.plan_pending_approval) issue.mission(IntentKind::plan);
      return;
    case Phase::master_review:
      return finish(state, issue);
    case Phase::sealing:
      return issue.mission(IntentKind::seal);
    default:
      return;
  }
}

}  // namespace

std::vector<IntentIssued> decide(State& state) {
  if (is_terminal(state.phase) || state.paused || is_held(state)) return {};
  Issuer issue(state);
  if (!state.wants_user) mission_steps(state, issue);
  for (auto position : state.dirty)
    if (auto kind = next_step(state, state.tasks[position]))
      issue.task(state.tasks[position], *kind);
  state.dirty.clear();
  return issue.take();
}

}  // namespace muster
