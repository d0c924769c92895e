#include <algorithm>

#include "runtime/core/gate.hpp"
#include "runtime/core/state.hpp"

// The fold. Each event type has one handler; settle() then moves the mission on as far as the state allows.

namespace muster {
namespace {

// ---- Tasks ------------------------------------------------------------------------------------------------------------------------

std::size_t position_of(const State& state, const TaskState& task) {
  return static_cast<std::size_t>(&task - state.tasks.data());
}

void refresh_startable(State& state, std::size_t position) {
  const auto& task = state.tasks[position];
  if (task.stage == Stage::pending && dependencies_met(state, task))
    state.startable.insert(position);
  else
    state.startable.erase(position);
}

void skip_dependants(State& state, std::size_t position);

/// The only place that changes a stage: keeps counters, leases, queue and marks true.
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
}

void skip_dependants(State& state, std::size_t position) {
  for (auto dependant : state.dependants[position]) {
    auto& task = state.tasks[dependant];
    if (task.stage != Stage::pending) continue;
    task.reason = "depends on " + state.tasks[position].spec.id + ", which failed";
    set_stage(state, task, Stage::skipped);
    skip_dependants(state, dependant);
  }
}

void add_task(State& state, TaskSpec spec) {
  TaskState task;
  task.iteration = state.iteration;
  task.spec = std::move(spec);
  state.index[task.spec.id] = state.tasks.size();
  state.tasks.push_back(std::move(task));
  state.dependants.emplace_back();
  ++state.unfinished_tasks;
}

/// Links dependants and finds what can start, after tasks were added from position `first` on.
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

/// Counts an error; true when the same one was seen too often and the task has been parked.
bool trips_breaker(State& state, TaskState& task, const std::vector<std::string>& fingerprints,
                   const std::string& sample) {
  int worst = 0;
  for (const auto& fingerprint : fingerprints)
    worst = std::max(worst, ++task.seen_errors[fingerprint]);
  if (worst < state.limits.same_error) return false;
  park(state, task, "the same error " + std::to_string(worst) + " times: " + sample);
  return true;
}

/// Back to a writing session, or to the end of the task's patience.
void write_again(State& state, TaskState& task, bool fixing) {
  if (task.attempt >= state.limits.attempts_per_task)
    return fail_task(state, task, std::to_string(task.attempt) + " attempts did not pass");
  task.fixing = fixing;
  if (task.round > state.limits.review_rounds) {
    task.round = 0;  // the rounds are used up: a fresh snapshot and a worker who knows what was held against the last
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
    for (const auto& finding : findings) fingerprints.push_back(finding.file + ":" + finding.message);
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

// ---- The mission ------------------------------------------------------------------------------------------------------------------

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

bool next_iteration(State& state) {
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

/// Checks for tasks that the engine makes itself: the project's own, else what earlier tasks were verified by.
std::vector<Verification> default_verification(const State& state) {
  std::vector<Verification> out;
  for (const auto& command : state.commands)
    if (command.kind == "test" || command.kind == "build")
      out.push_back({command.cwd.empty() ? command.command
                                         : "cd '" + command.cwd + "' && " + command.command,
                     {}, {}, {}});
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

/// A task of the engine's own making, from a finding, an open issue or a failing check.
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
                     "check '" + name + "' fails on the integrated tree: " + receipt.facts().command +
                         "\n" + receipt.facts().output_tail,
                     "error"});
  return out;
}

/// Turns what still stands against the seal into tasks of a new iteration.
void add_follow_up_tasks(State& state, const std::vector<ReviewFinding>& findings) {
  if (!next_iteration(state)) return;
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
    if (!next_iteration(state)) return false;
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

/// Moves phases and starts tasks until nothing changes.
void settle(State& state) {
  for (bool moved = true; moved && !is_terminal(state.phase);) {
    switch (state.phase) {
      case Phase::exploring: moved = settle_exploring(state); break;
      case Phase::executing: moved = settle_executing(state); break;
      case Phase::barrier: moved = settle_barrier(state); break;
      case Phase::master_review: moved = settle_master_review(state); break;
      default: moved = false;
    }
  }
}

/// Takes the intent off the open list. nullopt: no such intent is open (a late or doubled receipt).
std::optional<IntentIssued> close(State& state, IntentId id, std::initializer_list<IntentKind> kinds) {
  auto found = state.open.find(id);
  if (found == state.open.end()) return std::nullopt;
  if (kinds.size() > 0 && std::find(kinds.begin(), kinds.end(), found->second.kind) == kinds.end())
    return std::nullopt;
  auto intent = found->second;
  state.open.erase(found);
  if (auto* task = state.task(intent.task); task && task->open_intent == id) {
    task->open_intent = 0;
    state.dirty.insert(position_of(state, *task));
  }
  return intent;
}

/// The task of a closed intent, if it still cares about the result.
TaskState* live_task(State& state, const std::optional<IntentIssued>& intent) {
  if (!intent) return nullptr;
  auto* task = state.task(intent->task);
  return task && is_active(task->stage) ? task : nullptr;
}

void mission_step_ok(State& state) {
  state.mission_failures = 0;
  state.last_failure.clear();
}

/// Trying again cannot help: the user must change something first.
bool is_hopeless(ErrorCode code) {
  return code == ErrorCode::unauthenticated || code == ErrorCode::quota_exhausted ||
         code == ErrorCode::invalid_request || code == ErrorCode::no_space ||
         code == ErrorCode::corrupt;
}

void mission_step_failed(State& state, const Error& error, IntentKind kind) {
  if (error.code == ErrorCode::cancelled) return;
  if (error.code == ErrorCode::limit_reached) return hit_limit(state, "steps", error.text());
  ++state.mission_failures;
  state.last_failure = error.text();
  if (state.mission_failures < state.limits.session_failures && !is_hopeless(error.code)) return;
  state.wants_user = true;
  ask(state, "", std::string(name_of(kind)) + " failed: " + error.text() +
                     ". Answer to try again, or stop the mission.");
}

/// The stage from which the failed step is asked for again.
Stage stage_before(IntentKind kind) {
  switch (kind) {
    case IntentKind::prepare: return Stage::leased;
    case IntentKind::work:
    case IntentKind::fix: return Stage::ready;
    case IntentKind::verify: return Stage::worked;
    case IntentKind::review: return Stage::verified;
    case IntentKind::merge: return Stage::approved;
    case IntentKind::reverify:
    case IntentKind::land: return Stage::merged;
    case IntentKind::rebase: return Stage::conflicted;
    default: return Stage::pending;
  }
}

Stage stage_during(IntentKind kind) {
  switch (kind) {
    case IntentKind::prepare: return Stage::preparing;
    case IntentKind::verify: return Stage::verifying;
    case IntentKind::review: return Stage::reviewing;
    case IntentKind::merge: return Stage::merging;
    case IntentKind::reverify: return Stage::reverifying;
    case IntentKind::land: return Stage::landing;
    case IntentKind::rebase: return Stage::rebasing;
    default: return Stage::working;
  }
}

void task_step_failed(State& state, TaskState& task, const IntentIssued& intent, const Error& error) {
  bool writes = intent.kind == IntentKind::work || intent.kind == IntentKind::fix;
  if (error.code == ErrorCode::cancelled) {
    if (writes) --task.attempt;
    return set_stage(state, task, stage_before(intent.kind));
  }
  if (intent.kind == IntentKind::land && error.code == ErrorCode::conflict)
    return set_stage(state, task, Stage::approved);  // the branch moved: merge again
  ++task.failures;
  if (is_hopeless(error.code)) return park(state, task, error.text());
  if (trips_breaker(state, task, {std::string(to_string(error.code)) + ":" + error.message},
                    error.text()))
    return;
  if (task.failures >= state.limits.attempts_per_task)
    return fail_task(state, task, std::to_string(task.failures) + " steps failed, the last: " + error.text());
  if (writes) return write_again(state, task, task.fixing);
  set_stage(state, task, stage_before(intent.kind));
}

/// A receipt that fails exactly as the same command failed at the baseline is not this task's doing.
bool red_before(const State& state, const ReceiptFacts& now) {
  for (const auto& [name, receipt] : state.baseline) {
    const auto& before = receipt.facts();
    if (before.command != now.command || receipt.passed()) continue;
    return std::includes(before.fingerprints.begin(), before.fingerprints.end(),
                         now.fingerprints.begin(), now.fingerprints.end());
  }
  return false;
}

struct Judgement {
  std::vector<ReviewFinding> errors;
  std::vector<ReviewFinding> warnings;
  std::vector<std::string> fingerprints;
};

Judgement judge_verification(const State& state, const TaskVerified& event) {
  Judgement out;
  for (const auto& finding : event.findings)
    (finding.severity == "error" ? out.errors : out.warnings).push_back(finding);
  if (event.receipts.empty())
    out.errors.push_back({"", 0, "no verification was executed", "error"});
  for (const auto& receipt : event.receipts) {
    const auto& facts = receipt.facts();
    if (!receipt.fresh_for(event.tree)) {
      out.errors.push_back({"", 0, "the tree changed while '" + facts.command + "' ran", "error"});
    } else if (!receipt.passed() && red_before(state, facts)) {
      out.warnings.push_back({"", 0, "'" + facts.command + "' fails as it did before the mission", "warning"});
    } else if (!receipt.passed()) {
      auto how = facts.timed_out ? std::string("timed out") : "exit code " + std::to_string(facts.exit_code);
      out.errors.push_back({"", 0, "'" + facts.command + "' failed (" + how + "):\n" + facts.output_tail, "error"});
      out.fingerprints.insert(out.fingerprints.end(), facts.fingerprints.begin(), facts.fingerprints.end());
    }
  }
  return out;
}

/// Takes the tasks of an accepted plan in; failed and skipped ones of earlier plans are replaced by it.
void accept_plan(State& state, const std::vector<TaskSpec>& tasks) {
  for (auto& task : state.tasks)
    if (task.stage == Stage::failed || task.stage == Stage::skipped) {
      task.reason += (task.reason.empty() ? "" : "; ");
      task.reason += "replaced by the plan of iteration " + std::to_string(state.iteration);
      set_stage(state, task, Stage::dropped);
    }
  auto first = state.tasks.size();
  for (const auto& spec : tasks) add_task(state, spec);
  link_tasks(state, first);
  state.plan_problems.clear();
  state.phase = Phase::executing;
}

void refuse_plan(State& state, std::vector<std::string> problems) {
  state.plan_problems = std::move(problems);
  mission_step_failed(state, {ErrorCode::malformed, "the plan is invalid: " + state.plan_problems.front()},
                      IntentKind::plan);
}

// ---- One handler per event --------------------------------------------------------------------------------------------------------

void on(State& state, const MissionStarted& event) {
  state.mission = event.mission;
  state.objective = event.objective;
  state.kind = event.kind;
  state.workspace = event.workspace;
  state.team = event.team;
  state.approve_plan = event.approve_plan;
  state.want_baseline = event.baseline;
  state.started_at_ms = state.now_ms = event.at_ms;
  state.limits = event.limits;
  bool reads_only = event.kind == MissionKind::plan || event.kind == MissionKind::search ||
                    event.kind == MissionKind::review;
  state.baselined = !event.baseline || reads_only;
  if (event.kind == MissionKind::plan || event.kind == MissionKind::review) state.triage = TriageKind::large;
}

void on(State& state, const IntentIssued& event) {
  if (event.id < state.next_intent) return;
  state.next_intent = event.id + 1;
  auto* task = state.task(event.task);
  if (!event.task.empty() && (!task || task->open_intent != 0 || is_terminal(task->stage))) return;
  state.open[event.id] = event;
  if (!task) return;
  task->open_intent = event.id;
  task->attempt = event.attempt;
  set_stage(state, *task, stage_during(event.kind));
}

void on(State& state, const StepFailed& event) {
  auto intent = close(state, event.intent, {});
  if (!intent) return;
  if (intent->task.empty()) return mission_step_failed(state, event.error, intent->kind);
  if (auto* task = live_task(state, intent)) task_step_failed(state, *task, *intent, event.error);
}

void on(State& state, const ContextDiscovered& event) {
  if (!close(state, event.intent, {IntentKind::discover})) return;
  mission_step_ok(state);
  state.discovered = true;
  state.base = state.tip = event.base;
  state.base_tree = state.tip_tree = event.tree;
  state.stack = event.stack;
  state.commands = event.commands;
  state.dirty_files = event.dirty;
  if (event.commands.empty()) state.baselined = true;
  if (state.kind == MissionKind::fix) {
    state.triage = TriageKind::small;
    state.seal_requested = true;
    add_own_task(state, "Fix: " + state.objective, state.objective, "");
    state.tasks.back().spec.test_exempt_reason.clear();
    link_tasks(state, state.tasks.size() - 1);
  }
}

void on(State& state, const BaselineRecorded& event) {
  if (!close(state, event.intent, {IntentKind::baseline})) return;
  mission_step_ok(state);
  state.baselined = true;
  for (const auto& receipt : event.receipts) state.baseline[receipt.facts().check] = receipt;
}

void on(State& state, const Triaged& event) {
  if (!close(state, event.intent, {IntentKind::triage})) return;
  mission_step_ok(state);
  state.triage_reason = event.reason;
  if (event.kind == TriageKind::question) {
    state.triage = event.kind;
    state.answer = event.answer;
    return end_mission(state, Phase::answered, {}, ErrorCode::internal);
  }
  state.triage = event.kind;
  if (event.kind != TriageKind::small) return;
  auto valid = event.task && validate_plan({*event.task}, plan_limits(state), {}).empty();
  if (!valid) {
    state.triage = TriageKind::large;  // what it proposes cannot be one task: plan it
    return;
  }
  state.seal_requested = true;
  add_task(state, *event.task);
  link_tasks(state, state.tasks.size() - 1);
}

void on(State& state, const PlanSubmitted& event) {
  if (!close(state, event.intent, {IntentKind::plan}) || state.phase != Phase::planning) return;
  auto problems = validate_plan(event.tasks, plan_limits(state), task_ids(state));
  if (!problems.empty()) return refuse_plan(state, std::move(problems));
  mission_step_ok(state);
  state.plan_summary = event.summary;
  if (state.kind == MissionKind::plan) {
    accept_plan(state, event.tasks);
    return end_mission(state, Phase::answered, {}, ErrorCode::internal);
  }
  if (!state.approve_plan) return accept_plan(state, event.tasks);
  state.proposed_plan = event.tasks;
  state.plan_pending_approval = true;
  state.wants_user = true;
  state.questions.push_back({std::string(plan_question), {}, {},
                             "Approve the plan of " + std::to_string(event.tasks.size()) +
                                 " tasks? Answer 'approve', or say what to change."});
}

void on(State& state, const SnapshotReady& event) {
  auto intent = close(state, event.intent, {IntentKind::prepare, IntentKind::rebase});
  auto* task = live_task(state, intent);
  if (!task) return;
  task->base = event.base;
  if (intent->kind == IntentKind::rebase) {
    for (const auto& path : event.conflicts)
      task->findings.push_back({path, 0,
                                "merge conflict with work that landed meanwhile: resolve the markers, keep both sides' intent",
                                "error"});
    return write_again(state, *task, true);
  }
  set_stage(state, *task, Stage::ready);
}

void on(State& state, const WorkSubmitted& event) {
  auto intent = close(state, event.intent, {IntentKind::work, IntentKind::fix});
  auto* task = live_task(state, intent);
  if (!task) return;
  if (event.tool_calls == 0 && !event.changed)
    return task_step_failed(state, *task, *intent,
                            {ErrorCode::malformed, "submitted without a tool call and without a change"});
  task->summary = event.summary;
  task->test_exempt_reason = event.test_exempt_reason;
  set_stage(state, *task, Stage::worked);
}

void on(State& state, const TaskVerified& event) {
  auto intent = close(state, event.intent, {IntentKind::verify, IntentKind::reverify});
  auto* task = live_task(state, intent);
  if (!task) return;
  auto judged = judge_verification(state, event);
  bool landing = intent->kind == IntentKind::reverify;
  task->tree = event.tree;
  task->receipts = event.receipts;
  task->engine_findings = judged.warnings;
  if (!landing) task->changed = event.changed;
  if (judged.errors.empty()) {
    task->merge.base_moved = false;
    return set_stage(state, *task, landing ? Stage::merged : Stage::verified);
  }
  if (!landing) return reject(state, *task, std::move(judged.errors), std::move(judged.fingerprints));
  state.landing_task.clear();
  ++task->round;
  task->findings = std::move(judged.errors);
  if (!trips_breaker(state, *task, judged.fingerprints, first_message(task->findings)))
    set_stage(state, *task, Stage::conflicted);
}

void on_task_verdict(State& state, TaskState& task, const VerdictGiven& event) {
  bool proven = !task.receipts.empty();
  for (const auto& receipt : task.receipts) proven = proven && receipt.fresh_for(task.tree);
  if (!event.approve) {
    auto findings = event.findings;
    if (findings.empty()) findings.push_back({"", 0, event.summary, "error"});
    return reject(state, task, std::move(findings), {});
  }
  if (!proven) return reject(state, task, {{"", 0, "approved without an executed verification", "error"}}, {});
  task.findings.clear();
  state.landing_queue.push_back(task.spec.id);
  set_stage(state, task, Stage::approved);
}

void on(State& state, const VerdictGiven& event) {
  auto intent = close(state, event.intent, {IntentKind::review, IntentKind::master_review});
  if (!intent) return;
  if (intent->kind == IntentKind::review) {
    if (auto* task = live_task(state, intent)) on_task_verdict(state, *task, event);
    return;
  }
  mission_step_ok(state);
  state.master_reviewed = true;
  state.master_approved = event.approve;
  state.review_findings = event.findings;
  if (!event.approve && event.findings.empty())
    state.review_findings.push_back({"", 0, event.summary, "error"});
  if (state.kind != MissionKind::review) return;
  state.answer = event.summary;
  state.answer_positive = event.approve && failing_checks(state).empty();
  end_mission(state, Phase::answered, {}, ErrorCode::internal);
}

void on(State& state, const Merged& event) {
  auto* task = live_task(state, close(state, event.intent, {IntentKind::merge}));
  if (!task) return;
  task->merge = event;
  if (!event.conflicts.empty()) {
    state.landing_task.clear();
    ++task->round;
    task->findings.clear();
    return set_stage(state, *task, Stage::conflicted);
  }
  if (event.commit == state.tip) {
    state.landing_task.clear();
    return finish_task(state, *task);  // nothing to land: the branch has it all
  }
  set_stage(state, *task, Stage::merged);
}

void on(State& state, const Landed& event) {
  auto* task = live_task(state, close(state, event.intent, {IntentKind::land}));
  if (!task) return;
  state.tip = event.commit;
  state.tip_tree = event.tree;
  task->commit = event.commit;
  state.landing_task.clear();
  finish_task(state, *task);
}

void on(State& state, const IntegratedVerified& event) {
  if (!close(state, event.intent, {IntentKind::final_verify})) return;
  if (event.tree != state.tip_tree)
    return mission_step_failed(state, {ErrorCode::conflict, "verified another tree than the branch's tip"},
                               IntentKind::final_verify);
  for (const auto& receipt : event.receipts)
    if (!receipt.fresh_for(event.tree))
      return mission_step_failed(state, {ErrorCode::conflict, "the tree changed while '" + receipt.facts().command + "' ran"},
                                 IntentKind::final_verify);
  mission_step_ok(state);
  state.final_tree = event.tree;
  state.final_done = true;
  state.final_receipts.clear();
  for (const auto& receipt : event.receipts) state.final_receipts[receipt.facts().check] = receipt;
}

void on(State& state, const SealRequested& event) {
  if (!close(state, event.intent, {IntentKind::request_seal})) return;
  mission_step_ok(state);
  state.seal_requested = true;
  state.seal_summary = event.summary;
}

void on(State& state, const Sealed& event) {
  if (!close(state, event.intent, {IntentKind::seal})) return;
  state.seal = event;
  end_mission(state, Phase::sealed, {}, ErrorCode::internal);
}

void on(State& state, const Answered& event) {
  if (!close(state, event.intent, {})) return;
  state.answer = event.text;
  state.answer_positive = event.positive;
  end_mission(state, Phase::answered, {}, ErrorCode::internal);
}

void on(State& state, const LeaseExtended& event) {
  auto* task = state.task(event.task);
  if (task && is_active(task->stage)) state.leases.extend(event.task, event.files);
}

void on(State& state, const IssueRaised& event) {
  if (state.phase == Phase::sealing) return;
  for (const auto& issue : state.issues)
    if (issue.id == event.id) return;
  state.issues.push_back({event.id, event.task, event.title, event.detail, true, {}, {}});
}

void on(State& state, const IssueResolved& event) {
  for (auto& issue : state.issues)
    if (issue.id == event.id && issue.open) {
      issue.open = false;
      issue.resolution = event.resolution;
    }
}

void on(State& state, const QuestionAsked& event) {
  state.questions.push_back({event.id, event.task, event.session, event.text});
  ++state.questions_asked;
}

void check_budgets(State& state) {
  const auto& limits = state.limits;
  if (limits.max_cost_usd && state.cost_usd > *limits.max_cost_usd)
    hit_limit(state, "cost", "spent more than the budget");
  else if (limits.max_tokens && state.input_tokens + state.output_tokens > *limits.max_tokens)
    hit_limit(state, "tokens", std::to_string(*limits.max_tokens) + " tokens");
  else if (limits.max_time_ms && state.now_ms - state.started_at_ms > *limits.max_time_ms)
    hit_limit(state, "time", std::to_string(*limits.max_time_ms) + " ms");
}

void on(State& state, const UsageRecorded& event) {
  state.input_tokens += event.input_tokens;
  state.cached_input_tokens += event.cached_input_tokens;
  state.output_tokens += event.output_tokens;
  state.cost_usd += event.cost_usd;
  check_budgets(state);
}

void on(State& state, const TimePassed& event) {
  state.now_ms = std::max(state.now_ms, event.at_ms);
  check_budgets(state);
}

void on(State& state, const LimitHit& event) {
  state.limits_hit.push_back(event);
  if (event.fatal) end_mission(state, Phase::failed, "limit " + event.name + ": " + event.detail, ErrorCode::limit_reached);
}

void on(State& state, const UserStopped&) {
  end_mission(state, Phase::stopped, "stopped by the user", ErrorCode::cancelled);
}
void on(State& state, const UserPaused&) { state.paused = true; }

void try_again(State& state) {
  state.wants_user = false;
  if (state.phase == Phase::master_review) clear_final(state);  // look at everything again
  state.mission_failures = 0;
}

void on(State& state, const UserResumed&) {
  state.paused = false;
  mark_all(state);
}

void answer_plan(State& state, const std::string& text) {
  state.plan_pending_approval = false;
  state.wants_user = false;
  auto proposed = std::move(state.proposed_plan);
  state.proposed_plan.clear();
  if (text == "approve" || text == "yes" || text == "y" || text == "ok") return accept_plan(state, proposed);
  state.guidance.push_back(text);
  state.plan_problems = {"the user wants the plan changed: " + text};
}

void answer_task(State& state, TaskState& task, const Question& question, const std::string& text) {
  task.guidance.push_back(question.session.empty() ? text : question.text + " -> " + text);
  if (task.stage != Stage::parked) return;
  if (text == "skip" || text == "drop") {
    task.reason = "dropped by the user";
    return set_stage(state, task, Stage::dropped);
  }
  task.attempt = task.round = task.failures = 0;
  task.fixing = false;
  task.seen_errors.clear();
  set_stage(state, task, Stage::pending);
}

void on(State& state, const UserAnswered& event) {
  auto found = std::find_if(state.questions.begin(), state.questions.end(),
                            [&](const Question& question) { return question.id == event.question; });
  if (found == state.questions.end()) return;
  auto question = *found;
  state.questions.erase(found);
  if (question.id == plan_question) return answer_plan(state, event.text);
  if (auto* task = state.task(question.task)) return answer_task(state, *task, question, event.text);
  state.guidance.push_back(question.session.empty() ? event.text : question.text + " -> " + event.text);
  try_again(state);
}

void on(State& state, const UserTold& event) {
  if (auto* task = state.task(event.task))
    task->guidance.push_back(event.text);
  else
    state.guidance.push_back(event.text);
}

void on(State& state, const UserWaived& event) { state.waived.insert(event.check); }

void on(State& state, const TodoDecided& event) {
  auto* task = state.task(event.task);
  if (!task || task->stage == Stage::done || task->stage == Stage::dropped) return;
  std::erase_if(state.questions, [&](const Question& q) { return q.task == event.task; });
  task->accepted = event.accept;
  task->reason = event.accept ? "accepted by the user" : "dropped by the user";
  set_stage(state, *task, event.accept ? Stage::done : Stage::dropped);
}

void on(State& state, const TaskProposed& event) {
  if (state.phase == Phase::sealing) return;
  if (!validate_plan({event.task}, plan_limits(state), task_ids(state)).empty()) return;
  add_task(state, event.task);
  link_tasks(state, state.tasks.size() - 1);
}

template <class Event>
void close_late(State& state, const Event& event) {
  if constexpr (requires { event.intent; }) close(state, event.intent, {});
  if constexpr (std::is_same_v<Event, UsageRecorded>) on(state, event);
}

void on(State& state, const TaskReworded& event) {
  if (auto* task = state.task(event.task)) task->spec.title = event.title;
}

}  // namespace

void apply(State& state, const EventBody& event) {
  if (is_terminal(state.phase)) {
    // The end stands. Late receipts close what was open, late bills are counted.
    std::visit([&state](const auto& body) { close_late(state, body); }, event);
    return;
  }
  std::visit([&state](const auto& body) { on(state, body); }, event);
  settle(state);
}

}  // namespace muster
