#include <algorithm>
#include <optional>

#include "runtime/core/gate.hpp"
#include "runtime/core/judgement.hpp"
#include "runtime/core/ladder.hpp"
#include "runtime/core/state.hpp"
#include "runtime/core/transitions.hpp"

// The fold: one handler per event type. What follows from a handler's verdict is in
// transitions.cpp and climb.cpp, how phases move in settle.cpp.

namespace muster {
namespace {

using namespace machine;

/// Takes the intent off the open list. nullopt: no such intent is open (a late or doubled receipt).
std::optional<IntentIssued> close(State& state, IntentId id,
                                  std::initializer_list<IntentKind> kinds) {
  auto found = state.open.find(id);
  if (found == state.open.end()) return std::nullopt;
  if (kinds.size() > 0 && std::find(kinds.begin(), kinds.end(), found->second.kind) == kinds.end())
    return std::nullopt;
  auto intent = found->second;
  state.open.erase(found);
  state.crashes.erase(id);
  state.interventions.erase(id);
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
  ask(state, "",
      std::string(name_of(kind)) + " failed: " + error.text() +
          ". Answer to try again, or stop the mission.");
}

bool is_session(IntentKind kind) {
  return kind == IntentKind::work || kind == IntentKind::fix || kind == IntentKind::review ||
         kind == IntentKind::decompose;
}

/// The stage from which the failed step is asked for again.
Stage stage_before(IntentKind kind) {
  switch (kind) {
    case IntentKind::prepare:
      return Stage::leased;
    case IntentKind::work:
    case IntentKind::fix:
      return Stage::ready;
    case IntentKind::verify:
      return Stage::worked;
    case IntentKind::review:
      return Stage::verified;
    case IntentKind::merge:
      return Stage::approved;
    case IntentKind::reverify:
    case IntentKind::land:
      return Stage::merged;
    case IntentKind::rebase:
      return Stage::conflicted;
    case IntentKind::decompose:
      return Stage::stuck;
    default:
      return Stage::pending;
  }
}

Stage stage_during(IntentKind kind) {
  switch (kind) {
    case IntentKind::prepare:
      return Stage::preparing;
    case IntentKind::verify:
      return Stage::verifying;
    case IntentKind::review:
      return Stage::reviewing;
    case IntentKind::merge:
      return Stage::merging;
    case IntentKind::reverify:
      return Stage::reverifying;
    case IntentKind::land:
      return Stage::landing;
    case IntentKind::rebase:
      return Stage::rebasing;
    case IntentKind::decompose:
      return Stage::decomposing;
    default:
      return Stage::working;
  }
}

void task_step_failed(State& state, TaskState& task, const IntentIssued& intent,
                      const Error& error) {
  bool writes = intent.kind == IntentKind::work || intent.kind == IntentKind::fix;
  if (error.code == ErrorCode::cancelled) {
    if (writes) --task.attempt;
    return set_stage(state, task, stage_before(intent.kind));
  }
  if (intent.kind == IntentKind::land && error.code == ErrorCode::conflict)
    return set_stage(state, task, Stage::approved);  // the branch moved: merge again
  ++task.failures;
  // A session that crashed time and again, whatever was done: the next plan goes another way.
  if (error.code == ErrorCode::internal && is_session(intent.kind))
    return fail_task(state, task, error.text());
  if (is_hopeless(error.code)) return park(state, task, error.text());
  if (intent.kind == IntentKind::decompose) return decompose_failed(state, task, error.text());
  if (writes && error.code == ErrorCode::no_progress) return climb(state, task, error.text());
  if (trips_breaker(state, task, {std::string(to_string(error.code)) + ":" + error.message},
                    error.text()))
    return;
  if (task.failures >= state.limits.attempts_per_task)
    return fail_task(state, task,
                     std::to_string(task.failures) + " steps failed, the last: " + error.text());
  if (writes) return write_again(state, task, task.fixing);
  set_stage(state, task, stage_before(intent.kind));
}

/// Takes the tasks of an accepted plan in; failed and skipped ones of earlier plans are replaced by
/// it.
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
  mission_step_failed(state,
                      {ErrorCode::malformed, "the plan is invalid: " + state.plan_problems.front()},
                      IntentKind::plan);
}

// ---- One handler per event
// --------------------------------------------------------------------------------------------------------

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
  if (event.kind == MissionKind::plan || event.kind == MissionKind::review)
    state.triage = TriageKind::large;
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
  auto intent = close(state, event.intent, {IntentKind::plan, IntentKind::decompose});
  if (!intent) return;
  if (intent->kind == IntentKind::decompose) {
    if (auto* task = live_task(state, intent)) take_parts(state, *task, event.tasks);
    return;
  }
  if (state.phase != Phase::planning) return;
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
  state.questions.push_back({std::string(plan_question),
                             {},
                             {},
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
                                "merge conflict with work that landed meanwhile: resolve the "
                                "markers, keep both sides' intent",
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
    return task_step_failed(
        state, *task, *intent,
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
  if (!landing)
    return reject(state, *task, std::move(judged.errors), std::move(judged.fingerprints));
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
  if (!proven)
    return reject(state, task, {{"", 0, "approved without an executed verification", "error"}}, {});
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
  auto intent = close(state, event.intent, {IntentKind::land});
  if (!intent) return;
  // The branch has moved, whatever the user made of the task meanwhile.
  state.tip = event.commit;
  state.tip_tree = event.tree;
  state.landed = true;
  state.replans = 0;
  auto* task = live_task(state, intent);
  if (!task) return;
  task->commit = event.commit;
  state.landing_task.clear();
  finish_task(state, *task);
}

void on(State& state, const IntegratedVerified& event) {
  if (!close(state, event.intent, {IntentKind::final_verify})) return;
  if (event.tree != state.tip_tree)
    return mission_step_failed(state,
                               {ErrorCode::conflict, "verified another tree than the branch's tip"},
                               IntentKind::final_verify);
  for (const auto& receipt : event.receipts)
    if (!receipt.fresh_for(event.tree))
      return mission_step_failed(
          state,
          {ErrorCode::conflict, "the tree changed while '" + receipt.facts().command + "' ran"},
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
  if (event.fatal)
    end_mission(state, Phase::failed, "limit " + event.name + ": " + event.detail,
                ErrorCode::limit_reached);
}

/// Who ended something, and why when they had to say it.
std::string by_whom(const std::string& by, const std::string& reason) {
  if (by.empty()) return "by the user";
  return "by the " + by + (reason.empty() ? "" : ": " + reason);
}

void on(State& state, const UserStopped& event) {
  end_mission(state, Phase::stopped, "stopped " + by_whom(event.by, event.reason),
              ErrorCode::cancelled);
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
  if (text == "approve" || text == "yes" || text == "y" || text == "ok")
    return accept_plan(state, proposed);
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
  auto found =
      std::find_if(state.questions.begin(), state.questions.end(),
                   [&](const Question& question) { return question.id == event.question; });
  if (found == state.questions.end()) return;
  auto question = *found;
  state.questions.erase(found);
  if (question.id == plan_question) return answer_plan(state, event.text);
  if (question.id == progress_question) return answer_progress(state, event.text);
  if (auto* task = state.task(question.task))
    return answer_task(state, *task, question, event.text);
  state.guidance.push_back(question.session.empty() ? event.text
                                                    : question.text + " -> " + event.text);
  try_again(state);
}

void on(State& state, const UserTold& event) {
  auto oldest = state.open.empty() ? state.next_intent : state.open.begin()->first;
  std::erase_if(state.told, [oldest](const Told& told) { return told.before <= oldest; });
  state.told.push_back({++state.told_count, event.task, event.text, state.next_intent});
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
  task->reason = (event.accept ? "accepted " : "dropped ") + by_whom(event.by, event.reason);
  set_stage(state, *task, event.accept ? Stage::done : Stage::dropped);
}

void on(State& state, const TaskProposed& event) {
  if (state.phase == Phase::sealing) return;
  if (!validate_plan({event.task}, plan_limits(state), task_ids(state)).empty()) return;
  add_task(state, event.task);
  link_tasks(state, state.tasks.size() - 1);
}

void on(State& state, const TaskReworded& event) {
  if (auto* task = state.task(event.task)) task->spec.title = event.title;
}

void on(State& state, const NoticePosted& event) {
  ++state.notices_posted;
  state.notices[event.notice] = {event.id, event.data, false};
}

void on(State& state, const NoticeTold& event) {
  for (auto& [type, notice] : state.notices)
    if (notice.id == event.id) notice.told = true;
}

template <class Event>
void close_late(State& state, const Event& event) {
  if constexpr (requires { event.intent; }) close(state, event.intent, {});
  if constexpr (std::is_same_v<Event, UsageRecorded> || std::is_same_v<Event, NoticePosted> ||
                std::is_same_v<Event, NoticeTold>)
    on(state, event);
}

void on(State&, const CommandRefused&) {}

void on(State& state, const SessionCrashed& event) {
  if (state.open.contains(event.step)) ++state.crashes[event.step];
}

void on(State& state, const StuckDetected& event) { on_stuck(state, event); }

}  // namespace

void apply(State& state, const EventBody& event) {
  if (is_terminal(state.phase)) {
    // The end stands. Late receipts close what was open, late bills are counted, and people are
    // told.
    std::visit([&state](const auto& body) { close_late(state, body); }, event);
    return;
  }
  std::visit([&state](const auto& body) { on(state, body); }, event);
  settle(state);
}

bool may_rebuild(const State& state, IntentId intent) {
  auto crashes = state.crashes.find(intent);
  return crashes == state.crashes.end() || crashes->second <= session_rebuilds;
}

}  // namespace muster
