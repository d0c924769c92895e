#include "actors/mission_status.hpp"

#include <nlohmann/json.hpp>

#include "runtime/core/briefing.hpp"
#include "runtime/core/ladder.hpp"
#include "runtime/core/text.hpp"

namespace muster {

using nlohmann::json;

namespace {

constexpr std::size_t max_jobs = 64;
constexpr std::size_t command_bytes = 300;

const char* kind_name(JobKind kind) {
  switch (kind) {
    case JobKind::shell:
      return "shell";
    case JobKind::verification:
      return "verification";
    case JobKind::background:
      return "background";
    default:
      return "engine";
  }
}

const char* state_name(JobState state) {
  switch (state) {
    case JobState::queued:
      return "queued";
    case JobState::running:
      return "running";
    case JobState::stopping:
      return "stopping";
    default:
      return "done";
  }
}

}  // namespace

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json view_to_json(const SessionView& view) {
  return {{"session", view.session},
          {"role", view.role},
          {"task", view.task},
          {"state", view.state},
          {"doing", view.doing},
          {"since_ms", view.since_ms},
          {"input_tokens", view.input_tokens},
          {"output_tokens", view.output_tokens}};
}

json questions_to_json(const State& state) {
  json out = json::array();
  for (const auto& question : state.questions)
    out.push_back({{"id", question.id}, {"task", question.task}, {"text", question.text}});
  return {{"questions", out}};
}

json status_to_json(const State& state, const std::vector<SessionView>& agents,
                    std::int64_t now_ms) {
  json tasks = json::array();
  for (const auto& task : state.tasks)
    tasks.push_back({{"id", task.spec.id},
                     {"title", task.spec.title},
                     {"stage", name_of(task.stage)},
                     {"attempt", task.attempt},
                     {"round", task.round},
                     {"files", task.spec.files},
                     {"reason", task.reason}});
  json people = json::array();
  for (const auto& view : agents) people.push_back(view_to_json(view));
  json limits = json::array();
  for (const auto& limit : state.limits_hit) limits.push_back(limit.name);
  int open_issues = 0;
  for (const auto& issue : state.issues) open_issues += issue.open ? 1 : 0;
  auto count = todo_count(state);
  auto phase = std::string(state.paused && !is_terminal(state.phase)        ? "paused"
                           : needs_user(state) && !is_terminal(state.phase) ? "needs_user"
                                                                            : name_of(state.phase));
  return {{"mission", state.mission},
          {"objective", state.objective},
          {"phase", phase},
          {"iteration", state.iteration},
          {"tasks", tasks},
          {"agents", people},
          {"todo", {{"done", count.done}, {"total", count.total}}},
          {"questions", questions_to_json(state)["questions"]},
          {"issues_open", open_issues},
          {"input_tokens", state.input_tokens},
          {"output_tokens", state.output_tokens},
          {"cost_usd", state.cost_usd},
          {"elapsed_ms", std::max<std::int64_t>(0, now_ms - state.started_at_ms)},
          {"limits_hit", limits},
          {"stuck", state.stuck},
          {"slots", {{"in_use", 0}, {"limit", nullptr}, {"waiting", 0}}},
          {"lanes", json::array()},
          {"jobs", json::array()}};
}

void add_slots(json& status, const SchedulerStatus& slots, std::int64_t now_ms) {
  auto optional = [](const auto& value) { return value ? json(*value) : json(); };
  status["slots"] = {
      {"in_use", slots.in_use}, {"limit", optional(slots.limit)}, {"waiting", slots.waiting}};
  for (const auto& lane : slots.lanes)
    status["lanes"].push_back(
        {{"name", lane.lane},
         {"in_use", lane.in_use},
         {"limit", optional(lane.limit)},
         {"waiting", lane.waiting},
         {"held_back", lane.held_back},
         {"paused_until_ms", lane.paused_for ? json(now_ms + lane.paused_for->count()) : json()},
         {"breaker", lane.breaker}});
}

void add_jobs(json& status, const JobList& jobs) {
  for (const auto& job : jobs.jobs) {
    if (job.state == JobState::done || status["jobs"].size() >= max_jobs) continue;
    status["jobs"].push_back({{"id", job.id},
                              {"command", bounded_head(job.command, command_bytes)},
                              {"task", job.owner.task},
                              {"kind", kind_name(job.kind)},
                              {"state", state_name(job.state)},
                              {"running_ms", job.running_ms}});
  }
}

int exit_code_of(const State& state) {
  switch (state.phase) {
    case Phase::sealed:
      return 0;
    case Phase::answered:
      return state.answer_positive ? 0 : 1;
    case Phase::stopped:
      return 130;
    case Phase::failed:
      return state.outcome_code == ErrorCode::limit_reached ? 4 : 1;
    default:
      return needs_user(state) ? 3 : -1;
  }
}

json outcome_to_json(const State& state) {
  auto gate = evaluate_gate(state);
  json checks = json::array();
  for (const auto& [name, verdict] : gate.checks) {
    const auto& facts = state.final_receipts.at(name).facts();
    checks.push_back({{"check", name},
                      {"verdict", name_of(verdict)},
                      {"command", facts.command},
                      {"exit_code", facts.exit_code},
                      {"duration_ms", facts.duration_ms},
                      {"tree", facts.tree_after}});
  }
  json findings = json::array();
  for (const auto& finding : state.review_findings)
    findings.push_back({{"file", finding.file},
                        {"line", finding.line},
                        {"message", finding.message},
                        {"severity", finding.severity}});
  auto count = todo_count(state);
  auto answer =
      state.kind == MissionKind::plan && state.answer.empty() ? describe_plan(state) : state.answer;
  return {{"outcome", name_of(state.phase)},
          {"exit_code", exit_code_of(state)},
          {"reason", state.outcome_reason},
          {"kind", name_of(state.kind)},
          {"answer", answer},
          {"findings", findings},
          {"summary", state.seal_summary},
          {"checks", checks},
          {"error_rate", gate.error_rate()},
          {"waived", gate.waived},
          {"todo", {{"done", count.done}, {"total", count.total}}},
          {"iterations", state.iteration},
          {"branch", state.seal.branch},
          {"commit", state.seal.commit},
          {"applied", state.seal.applied},
          {"note", state.seal.note},
          {"dirty_files", state.dirty_files},
          {"input_tokens", state.input_tokens},
          {"output_tokens", state.output_tokens},
          {"cost_usd", state.cost_usd}};
}

std::vector<TodoItem> todo_items_of(const State& state) {
  auto state_of = [](const TaskState& task) {
    switch (task.stage) {
      case Stage::done:
        return TodoState::done;
      case Stage::failed:
        return TodoState::failed;
      case Stage::skipped:
      case Stage::dropped:
        return TodoState::skipped;
      case Stage::parked:
        return TodoState::parked;
      default:
        return is_active(task.stage) ? TodoState::active : TodoState::open;
    }
  };
  std::vector<TodoItem> items;
  for (const auto& task : state.tasks) {
    TodoItem item;
    item.id = task.spec.id;
    item.title = task.spec.title;
    item.state = state_of(task);
    if (item.state != TodoState::done) item.note = task.reason;
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace muster
