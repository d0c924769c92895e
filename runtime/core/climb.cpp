#include <algorithm>

#include "runtime/core/ladder.hpp"
#include "runtime/core/transitions.hpp"

// The ladder's consequences for State: what becomes of a task whose session went round in circles,
// and of a mission whose iterations bring nothing.

namespace muster::machine {
namespace {

constexpr std::size_t kept_reasons = 20;

std::string names_of(const std::vector<TaskSpec>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ", ") + part.id;
  return out;
}

/// A part that waits for the whole would wait for itself.
bool waits_for_whole(const TaskSpec& part, const std::string& whole) {
  return std::any_of(part.depends_on.begin(), part.depends_on.end(),
                     [&](const std::string& id) { return id == whole || id_within(whole, id); });
}

void replan(State& state, TaskState& task, const std::string& reason) {
  ++state.replans;
  fail_task(state, task, reason);
}

}  // namespace

void climb(State& state, TaskState& task, const std::string& reason) {
  task.reason = reason;
  switch (task.rung) {
    case Rung::decompose:
      return set_stage(state, task, Stage::stuck);
    case Rung::replan:
      return replan(state, task, reason);
    case Rung::ask:
      return park(state, task, reason);
    default:
      return write_again(state, task, task.fixing);
  }
}

void decompose_failed(State& state, TaskState& task, const std::string& reason) {
  replan(state, task, task.reason + "; it could not be cut into parts: " + reason);
}

/// Who waits for the whole waits for every part of it.
void take_parts(State& state, TaskState& task, const std::vector<TaskSpec>& parts) {
  auto problems = problems_of_parts(state, task.spec.id, parts);
  if (!problems.empty()) return decompose_failed(state, task, problems.front());
  auto whole = position_of(state, task);
  auto first = state.tasks.size();
  for (const auto& part : parts) add_task(state, part);
  link_tasks(state, first);
  for (auto dependant : state.dependants[whole])
    for (auto part = first; part < state.tasks.size(); ++part)
      state.dependants[part].push_back(dependant);
  auto& cut = state.tasks[whole];
  cut.reason += "; cut into " + names_of(parts);
  set_stage(state, cut, Stage::dropped);
}

void end_iteration(State& state, std::vector<std::string> reasons) {
  if (reasons.size() > kept_reasons) reasons.resize(kept_reasons);
  bool progress = state.landed && (reasons.empty() || reasons != state.last_reasons);
  state.landed = false;
  state.last_reasons = std::move(reasons);
  if (!progress) {
    ++state.stale_iterations;
    return;
  }
  state.stale_iterations = state.stale_answered = 0;
  state.intervention.clear();
}

void on_stuck(State& state, const StuckDetected& event) {
  ++state.stuck[std::string(name_of(event.kind))];
  if (event.step != 0) {
    if (!state.open.contains(event.step)) return;
    if (event.progressed) state.interventions.erase(event.step);
    if (event.rung == Rung::intervene) ++state.interventions[event.step];
    if (auto* task = state.task(event.task)) task->rung = event.rung;
    return;
  }
  if (state.stale_iterations == 0) return;
  state.stale_answered = state.stale_iterations;
  state.intervention = event.detail;
  if (event.rung == Rung::ask && !is_held(state))
    state.questions.push_back({std::string(progress_question),
                               {},
                               {},
                               event.detail +
                                   ". Nothing new is begun. Answer with guidance to go on, or stop "
                                   "the mission."});
}

void answer_progress(State& state, const std::string& text) {
  state.stale_iterations = state.stale_answered = 0;
  state.guidance.push_back(text);
}

}  // namespace muster::machine

namespace muster {

std::vector<std::string> problems_of_parts(const State& state, const std::string& whole,
                                           const std::vector<TaskSpec>& parts) {
  auto known = machine::task_ids(state);
  std::erase(known, whole);
  auto problems = validate_plan(parts, machine::plan_limits(state), known);
  if (parts.size() < 2) problems.push_back("at least two parts are needed");
  for (const auto& part : parts) {
    if (!id_within(part.id, whole))
      problems.push_back(part.id + ": the parts of " + whole + " are named " + whole + ".S1, " +
                         whole + ".S2, ...");
    if (machine::waits_for_whole(part, whole))
      problems.push_back(part.id + ": cannot wait for " + whole + ", which it is a part of");
  }
  return problems;
}

}  // namespace muster
