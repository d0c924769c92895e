#include "runtime/core/transitions.hpp"

#include <algorithm>

#include "runtime/core/gate.hpp"

namespace muster::machine {

std::size_t position_of(const State& state, const TaskState& task) {
  return static_cast<std::size_t>(&task - state.tasks.data());
}

namespace {

void skip_dependants(State& state, std::size_t position);

void refresh_startable(State& state, std::size_t position) {
  const auto& task = state.tasks[position];
  if (task.stage == Stage::pending && dependencies_met(state, task))
    state.startable.insert(position);
  else
    state.startable.erase(position);
}

}  // namespace

namespace {

/// What a long finished task must still say.
void forget(TaskState& task) {
  TaskState left;
  left.spec.id = std::move(task.spec.id);
  left.spec.title = std::move(task.spec.title);
  left.stage = task.stage;
  left.iteration = task.iteration;
  left.accepted = task.accepted;
  left.open_intent = task.open_intent;
  left.commit = std::move(task.commit);
  left.forgotten = true;
  task = std::move(left);
}

void finished(State& state, std::size_t position) {
  state.finished.push_back(position);
  if (state.finished.size() <= max_finished_tasks) return;
  forget(state.tasks[state.finished.front()]);
  state.finished.pop_front();
}

}  // namespace

void set_stage(State& state, TaskState& task, Stage stage) {
  auto position = position_of(state, task);
  auto before = task.stage;
  if (is_active(before)) --state.active_tasks;
  if (is_active(stage)) ++state.active_tasks;
  if (!is_terminal(before)) --state.unfinished_tasks;
  if (!is_terminal(stage)) ++state.unfinished_tasks;
  task.stage = stage;
  state.dirty.insert(position);
  if (is_terminal(stage) || stage == Stage::pending) {
    state.leases.release(task.spec.id);
    std::erase(state.landing_queue, task.spec.id);
    if (state.landing_task == task.spec.id) state.landing_task.clear();
  }
  refresh_startable(state, position);
  if (stage == Stage::done || stage == Stage::dropped)
    for (auto dependant : state.dependants[position]) refresh_startable(state, dependant);
  if (stage == Stage::failed) skip_dependants(state, position);
  bool over = stage == Stage::done || stage == Stage::dropped;
  if (over && before != Stage::done && before != Stage::dropped) finished(state, position);
}

namespace {

void skip_dependants(State& state, std::size_t position) {
  for (auto dependant : state.dependants[position]) {
    auto& task = state.tasks[dependant];
    if (task.stage != Stage::pending) continue;
    task.reason = "depends on " + state.tasks[position].spec.id + ", which failed";
    set_stage(state, task, Stage::skipped);
    skip_dependants(state, dependant);
  }
}

}  // namespace

void add_task(State& state, TaskSpec spec) {
  TaskState task;
  task.iteration = state.iteration;
  task.spec = std::move(spec);
  state.index[task.spec.id] = state.tasks.size();
  state.tasks.push_back(std::move(task));
  state.dependants.emplace_back();
  ++state.unfinished_tasks;
}

void link_tasks(State& state, std::size_t first) {
  for (std::size_t i = first; i < state.tasks.size(); ++i) {
    for (const auto& id : state.tasks[i].spec.depends_on)
      for (std::size_t j = 0; j < state.tasks.size(); ++j) {
        const auto& other = state.tasks[j].spec.id;
        if (j != i && (other == id || id_within(other, id))) state.dependants[j].push_back(i);
      }
    state.dirty.insert(i);
  }
  for (std::size_t i = first; i < state.tasks.size(); ++i) refresh_startable(state, i);
}

std::vector<std::string> task_ids(const State& state) {
  std::vector<std::string> ids;
  for (const auto& task : state.tasks) ids.push_back(task.spec.id);
  return ids;
}

PlanLimits plan_limits(const State& state) {
  return {state.limits.max_tasks, state.limits.max_files_per_task};
}

std::string ask(State& state, const std::string& task, std::string text) {
  auto id = "Q" + std::to_string(++state.questions_asked);
  state.questions.push_back({id, task, {}, std::move(text)});
  return id;
}

void park(State& state, TaskState& task, const std::string& reason) {
  task.reason = reason;
  set_stage(state, task, Stage::parked);
  ask(state, task.spec.id,
      task.spec.id + " (" + task.spec.title + ") is parked: " + reason +
          ". Answer with guidance to try again, or 'skip' to drop it.");
}

void fail_task(State& state, TaskState& task, const std::string& reason) {
  task.reason = reason;
  set_stage(state, task, Stage::failed);
}

bool trips_breaker(State& state, TaskState& task, const std::vector<std::string>& fingerprints,
                   const std::string& sample) {
  int worst = 0;
  for (const auto& fingerprint : fingerprints)
    worst = std::max(worst, ++task.seen_errors[fingerprint]);
  if (worst < state.limits.same_error) return false;
  park(state, task, "the same error " + std::to_string(worst) + " times: " + sample);
  return true;
}

void write_again(State& state, TaskState& task, bool fixing) {
  if (task.attempt >= state.limits.attempts_per_task)
    return fail_task(state, task, std::to_string(task.attempt) + " attempts did not pass");
  task.fixing = fixing;
  if (task.round > state.limits.review_rounds) {
    task.round = 0;  // the rounds are used up: a fresh snapshot and a worker who knows what was
                     // held against the last
    task.fixing = false;
    return set_stage(state, task, Stage::leased);
  }
  set_stage(state, task, Stage::ready);
}

std::string first_message(const std::vector<ReviewFinding>& findings) {
  return findings.empty() ? "rejected without a finding" : findings.front().message;
}

void reject(State& state, TaskState& task, std::vector<ReviewFinding> findings,
            std::vector<std::string> fingerprints) {
  if (fingerprints.empty())
    for (const auto& finding : findings)
      fingerprints.push_back(finding.file + ":" + finding.message);
  std::sort(fingerprints.begin(), fingerprints.end());
  fingerprints.erase(std::unique(fingerprints.begin(), fingerprints.end()), fingerprints.end());
  ++task.round;
  task.findings = std::move(findings);
  if (trips_breaker(state, task, fingerprints, first_message(task.findings))) return;
  write_again(state, task, true);
}

void finish_task(State& state, TaskState& task) {
  task.reason.clear();
  task.findings.clear();
  set_stage(state, task, Stage::done);
  for (auto& issue : state.issues)
    if (issue.open && issue.fix_task == task.spec.id) {
      issue.open = false;
      issue.resolution = task.spec.id + " landed";
    }
}

void end_mission(State& state, Phase phase, std::string reason, ErrorCode code) {
  if (is_terminal(state.phase)) return;
  // The seal changes the user's tree: once it is under way nothing else is the end.
  if (state.phase == Phase::sealing && phase != Phase::sealed) return;
  state.phase = phase;
  state.outcome_reason = std::move(reason);
  state.outcome_code = code;
  state.wants_user = false;
}

void hit_limit(State& state, const std::string& name, const std::string& detail) {
  state.limits_hit.push_back({name, detail, true});
  end_mission(state, Phase::failed, "limit " + name + ": " + detail, ErrorCode::limit_reached);
}

bool next_iteration(State& state, std::vector<std::string> reasons) {
  end_iteration(state, std::move(reasons));
  if (state.iteration >= state.limits.iterations) {
    hit_limit(state, "iterations", std::to_string(state.limits.iterations) + " iterations");
    return false;
  }
  ++state.iteration;
  return true;
}

void clear_final(State& state) {
  state.final_done = false;
  state.master_reviewed = false;
  state.master_approved = false;
  state.seal_requested = state.triage == TriageKind::small;
  state.review_findings.clear();
}

/// Checks for tasks that the engine makes itself: the project's own, else what earlier tasks were
namespace {

/// verified by.
std::vector<Verification> default_verification(const State& state) {
  std::vector<Verification> out;
  for (const auto& command : state.commands)
    if (command.kind == "test" || command.kind == "build")
      out.push_back(
          {command.cwd.empty() ? command.command : "cd '" + command.cwd + "' && " + command.command,
           {},
           {},
           {}});
  if (!out.empty()) return out;
  for (const auto& task : state.tasks)
    for (const auto& check : task.spec.verification)
      if (std::find(out.begin(), out.end(), check) == out.end()) out.push_back(check);
  return out;
}

std::string cut(const std::string& text, std::size_t max) {
  auto line = text.substr(0, text.find('\n'));
  if (line.size() <= max) return line;
  while (max > 0 && (static_cast<unsigned char>(line[max]) & 0xC0U) == 0x80U) --max;
  return line.substr(0, max) + "…";
}

}  // namespace

std::string add_own_task(State& state, const std::string& title, const std::string& detail,
                         const std::string& file) {
  TaskSpec spec;
  auto prefix = "M" + std::to_string(state.iteration) + ".T";
  int number = 1;
  while (state.index.contains(prefix + std::to_string(number))) ++number;
  spec.id = prefix + std::to_string(number);
  spec.title = cut(title, 100);
  spec.description = detail;
  if (auto path = normalise_path(file)) spec.files.push_back(*path);
  spec.acceptance.push_back(cut(title, 300));
  spec.verification = default_verification(state);
  spec.test_exempt_reason = "mends a finding of the master review";
  add_task(state, spec);
  return spec.id;
}

std::vector<ReviewFinding> failing_checks(const State& state) {
  std::vector<ReviewFinding> out;
  for (const auto& [name, receipt] : state.final_receipts)
    if (judge_check(state, receipt) == CheckVerdict::failed)
      out.push_back({"", 0,
                     "check '" + name + "' fails on the integrated tree: " +
                         receipt.facts().command + "\n" + receipt.facts().output_tail,
                     "error"});
  return out;
}

void add_follow_up_tasks(State& state, const std::vector<ReviewFinding>& findings) {
  std::vector<std::string> reasons;
  reasons.reserve(findings.size());
  for (const auto& finding : findings) reasons.push_back(cut(finding.message, 200));
  if (!next_iteration(state, std::move(reasons))) return;
  auto first = state.tasks.size();
  for (const auto& finding : findings)
    add_own_task(state, finding.message, finding.message, finding.file);
  for (auto& issue : state.issues)
    if (issue.open)
      issue.fix_task = add_own_task(state, "Resolve " + issue.id + ": " + issue.title,
                                    issue.title + "\n" + issue.detail, "");
  link_tasks(state, first);
  clear_final(state);
  state.phase = Phase::executing;
}

}  // namespace muster::machine
