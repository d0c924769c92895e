#include <algorithm>

#include "runtime/core/gate.hpp"
#include "runtime/core/transitions.hpp"

// Phases: after each event the mission moves on as far as its state allows.

namespace muster::machine {
namespace {

bool any_open_issue(const State& state) {
  return std::any_of(state.issues.begin(), state.issues.end(),
                     [](const Issue& issue) { return issue.open; });
}

void start_tasks(State& state) {
  auto limit = static_cast<std::size_t>(std::max(state.limits.active_tasks, 0));
  while (!state.startable.empty() && state.leases.waiting().size() < limit) {
    auto position = *state.startable.begin();
    auto& task = state.tasks[position];
    set_stage(state, task, Stage::waiting_lease);  // also takes it off the startable set
    state.leases.request(task.spec.id, task.spec.files);
  }
  if (state.active_tasks >= limit) return;
  for (const auto& id : state.leases.grant(limit - state.active_tasks))
    set_stage(state, *state.task(id), Stage::leased);
}

void next_landing(State& state) {
  if (!state.landing_task.empty() || state.landing_queue.empty()) return;
  state.landing_task = state.landing_queue.front();
  state.landing_queue.erase(state.landing_queue.begin());
  state.dirty.insert(state.index.at(state.landing_task));
}

bool settle_exploring(State& state) {
  if (!state.discovered || !state.baselined || !state.triage) return false;
  if (state.kind == MissionKind::review)
    state.phase = Phase::master_review;
  else
    state.phase = state.triage == TriageKind::large ? Phase::planning : Phase::executing;
  return true;
}

bool settle_executing(State& state) {
  start_tasks(state);
  next_landing(state);
  if (state.unfinished_tasks == 0 && state.open.empty()) {
    state.phase = Phase::barrier;
    return true;
  }
  // Everything left depends on parked tasks: only the user can move it on.
  bool idle = state.open.empty() && state.active_tasks == 0 && state.leases.waiting().empty();
  state.wants_user = idle && state.unfinished_tasks > 0;
  return false;
}

bool has_stage(const State& state, Stage stage) {
  return std::any_of(state.tasks.begin(), state.tasks.end(),
                     [stage](const TaskState& task) { return task.stage == stage; });
}

bool settle_barrier(State& state) {
  if (state.unfinished_tasks > 0) {
    state.phase = Phase::executing;
    state.wants_user = false;
    return true;
  }
  state.wants_user = has_stage(state, Stage::parked);
  if (state.wants_user) return false;
  if (has_stage(state, Stage::failed) || has_stage(state, Stage::skipped)) {
    if (!next_iteration(state, {})) return false;
    state.triage = TriageKind::large;  // a small mission that failed needs a plan
    state.phase = Phase::planning;
    return true;
  }
  clear_final(state);
  state.phase = Phase::master_review;
  return true;
}

bool settle_master_review(State& state) {
  if (state.kind == MissionKind::review) return false;
  if (state.unfinished_tasks > 0) {
    state.phase = Phase::executing;
    clear_final(state);
    return true;
  }
  if (!state.open.empty() || !state.final_done) return false;
  if (auto failing = failing_checks(state); !failing.empty()) {
    add_follow_up_tasks(state, failing);
    return true;
  }
  if (!state.master_reviewed) return false;
  if (!state.master_approved || any_open_issue(state)) {
    add_follow_up_tasks(state, state.review_findings);
    return true;
  }
  if (!state.seal_requested) return false;
  auto gate = evaluate_gate(state);
  if (gate.open) {
    state.phase = Phase::sealing;
  } else if (!state.wants_user) {
    state.wants_user = true;
    ask(state, "", "The gate is shut: " + gate.reasons.front() + ". Answer to look again.");
  }
  return gate.open;
}

}  // namespace

void settle(State& state) {
  for (bool moved = true; moved && !is_terminal(state.phase);) {
    switch (state.phase) {
      case Phase::exploring:
        moved = settle_exploring(state);
        break;
      case Phase::executing:
        moved = settle_executing(state);
        break;
      case Phase::barrier:
        moved = settle_barrier(state);
        break;
      case Phase::master_review:
        moved = settle_master_review(state);
        break;
      default:
        moved = false;
    }
  }
}

}  // namespace muster::machine
