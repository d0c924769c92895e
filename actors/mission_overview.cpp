#include <nlohmann/json.hpp>

#include "actors/mission.hpp"
#include "actors/mission_status.hpp"
#include "actors/tool_arguments.hpp"
#include "runtime/core/plan.hpp"
#include "runtime/core/text.hpp"

// What who leads the mission asks of it: how the tasks stand, what one of them came to, what it all
// cost; and a task more.

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t shown_text = 4000;
constexpr std::size_t reason_bytes = 500;

json arguments_of(const MissionToolCall& call) {
  auto args = json::parse(call.arguments.empty() ? "{}" : call.arguments, nullptr, false);
  return args.is_object() ? args : json::object();
}

json task_line(const TaskState& task) {
  json out{{"id", task.spec.id},
           {"title", task.spec.title},
           {"stage", name_of(task.stage)},
           {"attempts", task.attempt}};
  if (!task.reason.empty()) out["reason"] = task.reason;
  return out;
}

json findings_json(const std::vector<ReviewFinding>& findings) {
  json out = json::array();
  for (const auto& finding : findings)
    out.push_back({{"file", finding.file}, {"line", finding.line}, {"message", finding.message}});
  return out;
}

}  // namespace

std::string Mission::tasks_overview() const {
  json out = json::array();
  for (const auto& task : state_.tasks) out.push_back(task_line(task));
  return dumped(out);
}

Result<std::string> Mission::task_result(const MissionToolCall& call) const {
  const auto id = text_argument(arguments_of(call), "task", true);
  if (!id) return id.error();
  const auto* task = state_.task(*id);
  if (!task)
    return Error{ErrorCode::not_found, "there is no task '" + *id + "'; the tool tasks lists them"};
  auto out = task_line(*task);
  out["summary"] = bounded_head(task->summary, shown_text);
  out["changed"] = task->changed;
  out["commit"] = task->commit;
  out["findings"] = findings_json(task->findings);
  out["checks"] = json::array();
  for (const auto& receipt : task->receipts)
    out["checks"].push_back(
        {{"command", receipt.facts().command}, {"exit_code", receipt.facts().exit_code}});
  return dumped(out);
}

std::string Mission::metrics() const {
  const auto count = todo_count(state_);
  return dumped(json{{"tasks", {{"done", count.done}, {"total", count.total}}},
                     {"iteration", state_.iteration},
                     {"input_tokens", state_.input_tokens},
                     {"output_tokens", state_.output_tokens},
                     {"cost_usd", state_.cost_usd},
                     {"limits_hit", state_.limits_hit.size()},
                     {"sessions_at_work", sessions_.size()}});
}

/// It goes the way of every other task; the mission is not sealed before it is done.
Result<std::string> Mission::add_task(const MissionToolCall& call) {
  auto args = arguments_of(call);
  args["id"] = free_task_id();
  auto tasks = parse_plan(json{{"tasks", json::array({args})}});
  if (!tasks) return tasks.error();
  if (auto checked = check_tasks(*tasks); !checked) return checked.error();
  const auto id = tasks->front().id;
  record(TaskProposed{std::move(tasks->front())});
  if (!state_.task(id))
    return Error{ErrorCode::conflict, "the mission is being sealed; no task can be added any more"};
  return id + " is on the list; it is worked on like the others";
}

/// Which roles may is said by their lists of tools. What the user asked for is the user's to drop,
/// and what is done stays done; the reason is on record.
Result<std::string> Mission::cancel(const MissionToolCall& call) {
  const auto args = arguments_of(call);
  const auto id = text_argument(args, "task", true);
  if (!id) return id.error();
  const auto why = text_argument(args, "reason", false);
  if (!why) return why.error();
  const auto reason = one_line(*why, reason_bytes);
  if (*id == "mission") {
    record(UserStopped{call.role, reason});
    pump();
    return std::string("the mission ends");
  }
  const auto* task = state_.task(*id);
  if (!task)
    return Error{ErrorCode::not_found, "there is no task '" + *id + "'; the tool tasks lists them"};
  if (task->spec.description == users_task)
    return Error{ErrorCode::permission_denied, *id + " is the user's own; only they can drop it"};
  if (task->stage == Stage::done || task->stage == Stage::dropped)
    return Error{ErrorCode::conflict, *id + " is " + std::string(name_of(task->stage))};
  record(TodoDecided{*id, false, call.role, reason});
  pump();
  return *id + " is cancelled";
}

std::string Mission::free_task_id() const {
  const auto prefix = "M" + std::to_string(state_.iteration) + ".T";
  int number = 1;
  while (state_.index.contains(prefix + std::to_string(number))) ++number;
  return prefix + std::to_string(number);
}

}  // namespace muster
