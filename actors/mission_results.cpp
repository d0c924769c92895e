#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/mission.hpp"
#include "actors/mission_status.hpp"
#include "runtime/core/json_read.hpp"
#include "runtime/core/ladder.hpp"
#include "runtime/core/text.hpp"

// What comes back from sessions and verifications, as receipt events; and what sessions ask the
// mission for while they run.

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t question_bytes = 8000;
constexpr std::size_t command_bytes = 300;

std::vector<ReviewFinding> findings_of(const json& args) {
  std::vector<ReviewFinding> out;
  auto list = args.find("findings");
  if (list == args.end() || !list->is_array()) return out;
  for (const auto& item : *list) {
    ReviewFinding finding;
    if (item.is_string()) {
      finding.message = item.get<std::string>();
    } else if (item.is_object()) {
      finding.file = json_text(item, "file");
      finding.message = json_text(item, "message");
      if (auto line = item.find("line"); line != item.end() && line->is_number_integer())
        finding.line = line->get<int>();
      finding.severity = json_text(item, "severity");
    }
    if (finding.severity.empty()) finding.severity = "error";
    if (!finding.message.empty()) out.push_back(std::move(finding));
  }
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += (out.empty() ? "" : "\n") + line;
  return out;
}

Error too_late() { return {ErrorCode::cancelled, "came after its task or mission was stopped"}; }

bool is_final_tool(const std::string& tool) {
  return tool.starts_with("submit_") || tool == "answer" || tool == "request_seal";
}

/// What ends a session of this intent, as the model is told.
std::string final_tools_of(IntentKind kind) {
  switch (kind) {
    case IntentKind::triage:
      return "submit_triage or answer";
    case IntentKind::plan:
    case IntentKind::decompose:
      return "submit_plan";
    case IntentKind::request_seal:
      return "request_seal";
    case IntentKind::work:
    case IntentKind::fix:
      return "submit_result";
    default:
      return "submit_verdict";
  }
}

Result<std::string> plan_verdict(const std::vector<std::string>& problems) {
  if (problems.empty()) return std::string("ok");
  return Error{ErrorCode::invalid_argument, joined(problems), "the plan is refused"};
}

Result<TaskSpec> small_task(const json& args) {
  auto task = args.find("task");
  if (task == args.end() || !task->is_object())
    return Error{ErrorCode::invalid_argument,
                 "kind small needs 'task': {title, files, verification, ...}"};
  auto single = *task;
  if (!single.contains("id") || !single["id"].is_string() ||
      single["id"].get_ref<const std::string&>().empty())
    single["id"] = "M1.T1";
  auto parsed = parse_plan(json{{"tasks", json::array({single})}});
  if (!parsed) return parsed.error();
  return parsed->front();
}

}  // namespace

// ---- Sessions
// ---------------------------------------------------------------------------------------------------------------------

void Mission::on_session(const SessionResultPtr& result) {
  auto found = sessions_.find(result->session);
  if (found == sessions_.end() || found->second.intent != result->intent) return;
  if (found->second.told) return;
  found->second.told = true;
  if (found->second.shared_tree) return collect_work(result, found->second.task);
  on_session_end(result, ok_status());
}

/// What was done in the user's tree goes into the task's own, however the session ended: from here
/// on whatever else changes there is the user's. Until then it counts as running.
void Mission::collect_work(const SessionResultPtr& result, const std::string& task) {
  deps_.session.blocking->run([this, tree = deps_.tree, task, result, me = handle()] {
    auto collected = std::make_shared<Status>(tree->collect(task));
    compat::post(me, resume_atom_v, Continuation{[this, result, collected] {
                   if (sessions_.contains(result->session)) on_session_end(result, *collected);
                 }});
  });
}

void Mission::on_session_end(const SessionResultPtr& result, const Status& collected) {
  auto epoch = sessions_.at(result->session).tree.ticket();
  forget_session(result->session);
  const auto* intent = open_intent(result->intent);
  if (!intent) return pump();
  if (result->failure) return step_failed(result->intent, *result->failure);
  if (!collected) return step_failed(result->intent, collected.error());
  if (!epoch.current()) return step_failed(result->intent, too_late());
  on_submitted(*intent, *result);
}

void Mission::on_submitted(const IntentIssued& intent, const SessionResult& result) {
  auto args = json::parse(result.arguments, nullptr, false);
  if (!args.is_object()) args = json::object();
  auto id = intent.id;
  if (result.final_tool == "answer") {
    if (state_.kind == MissionKind::search)
      record(Answered{id, json_text(args, "text"), true});
    else
      record(Triaged{id, TriageKind::question, {}, json_text(args, "text"), std::nullopt});
  } else if (result.final_tool == "submit_triage") {
    Triaged triaged{id, enum_from<TriageKind>(json_text(args, "kind")).value_or(TriageKind::large),
                    json_text(args, "reason"), json_text(args, "answer"), std::nullopt};
    if (triaged.kind == TriageKind::small)
      if (auto task = small_task(args)) triaged.task = *task;
    record(triaged);
  } else if (result.final_tool == "submit_plan") {
    auto tasks = parse_plan(args);
    if (!tasks) return step_failed(id, tasks.error());
    record(PlanSubmitted{id, *tasks, json_text(args, "summary")});
  } else if (result.final_tool == "submit_verdict") {
    record(VerdictGiven{id, json_text(args, "verdict") == "approve", json_text(args, "summary"),
                        findings_of(args)});
  } else if (result.final_tool == "request_seal") {
    record(SealRequested{id, json_text(args, "summary")});
  } else if (result.final_tool == "submit_result") {
    WorkSubmitted work{id, json_text(args, "summary"), result.tool_calls, false,
                       json_text(args, "test_exempt_reason")};
    return measure_work(intent, std::move(work));
  } else {
    return step_failed(
        id, {ErrorCode::malformed, "ended with the unknown tool '" + result.final_tool + "'"});
  }
  pump();
}

/// What it asked stays asked: the answer will be guidance for whoever takes over.
void Mission::forget_session(const std::string& session) {
  sessions_.erase(session);
  std::erase_if(asking_, [&](const auto& entry) { return entry.second.session == session; });
  lease_checks_.erase(session);
}

void Mission::verifier_lost(IntentId intent, const Error& error) {
  if (verifiers_.erase(intent) == 0) return;
  compat::post(deps_.session.jobs, kill_scope_atom_v,
               JobFilter{spec_.mission, {}, "V" + std::to_string(intent), {}});
  step_failed(intent, error);
}

/// A session or verifier that told its result is forgotten already; what is left here died without
/// a word. Word of a death overtakes other messages, so what is in the mailbox already is heard
/// first.
void Mission::on_session_down(const caf::actor_addr& who, const compat::End& how) {
  auto why = how.kind == compat::End::Kind::failure ? "crashed: " + how.error.text()
                                                    : std::string("ended without a result");
  auto later = [this](std::function<void()> then) {
    compat::post(handle(), resume_atom_v, Continuation{std::move(then)});
  };
  for (const auto& [session, running] : sessions_)
    if (caf::actor_cast<caf::actor_addr>(running.session) == who)
      return later([this, name = session, why] {
        session_lost(name, {ErrorCode::internal, "the session " + why});
      });
  for (const auto& [intent, checking] : verifiers_)
    if (caf::actor_cast<caf::actor_addr>(checking.verifier) == who)
      return later([this, id = intent, why] {
        verifier_lost(id, {ErrorCode::internal, "the verification " + why});
      });
}

// ---- Verifications
// ----------------------------------------------------------------------------------------------------------------

/// Files that were changed outside the lease: taken in when nobody else has them, held against the
/// task when somebody has, and in a tree that is the user's.
std::vector<ReviewFinding> Mission::claim_changed_files(const std::string& task,
                                                        const std::vector<std::string>& changed) {
  std::vector<ReviewFinding> out;
  for (const auto& file : changed) {
    if (state_.leases.holder_of(file) == task) continue;
    if (deps_.tree->shared()) {
      out.push_back({file, 0,
                     "changed without a lease, in the user's own tree: take the change back, or "
                     "make it with write or edit",
                     "error"});
      continue;
    }
    auto probe = state_.leases;
    if (auto other = probe.extend(task, {file}))
      out.push_back({file, 0,
                     "changed without a lease: " + *other +
                         " is the writer of this file; take the change back",
                     "error"});
    else
      record(LeaseExtended{task, {file}});
  }
  return out;
}

void Mission::on_verified(const VerifyResultPtr& result) {
  auto checking = verifiers_.extract(result->intent);
  const auto* found = open_intent(result->intent);
  if (!found) return pump();
  auto intent = *found;
  if (result->failure) return step_failed(intent.id, *result->failure);
  if (checking && !checking.mapped().epoch.current()) return step_failed(intent.id, too_late());
  if (intent.kind == IntentKind::baseline) {
    record(BaselineRecorded{intent.id, result->receipts});
  } else if (intent.kind == IntentKind::final_verify) {
    record(IntegratedVerified{intent.id, result->tree, result->receipts});
  } else {
    TaskVerified verified{intent.id, result->tree, result->receipts, result->changed,
                          result->findings};
    if (intent.kind == IntentKind::verify)
      for (auto& finding : claim_changed_files(intent.task, result->changed))
        verified.findings.push_back(std::move(finding));
    record(verified);
  }
  pump();
}

/// For a person who was not there to be asked (F1).
void Mission::on_command_refused(CommandRefused refused) {
  if (!loaded_ || told_end_) return;
  refused.command = one_line(refused.command, command_bytes);
  refused.reason = one_line(refused.reason, command_bytes);
  record(refused);
  pump();
}

// ---- Tools of sessions
// ------------------------------------------------------------------------------------------------------------

/// What the planner would have verified by commands that verify nothing (M10).
void Mission::add_idle_checks(const std::vector<TaskSpec>& tasks,
                              std::vector<std::string>& problems) const {
  for (const auto& task : tasks)
    for (const auto& check : task.verification)
      if (!check.command.empty() && !deps_.is_verification(check.command))
        problems.push_back(task.id + ": '" + check.command +
                           "' verifies nothing; use the project's build, test or lint command, or "
                           "a built-in check");
}

Result<std::string> Mission::check_plan(const std::string& arguments) const {
  auto tasks = parse_plan(json::parse(arguments, nullptr, false));
  if (!tasks) return tasks.error();
  return check_tasks(*tasks);
}

Result<std::string> Mission::check_tasks(const std::vector<TaskSpec>& tasks) const {
  std::vector<std::string> known;
  for (const auto& task : state_.tasks) known.push_back(task.spec.id);
  auto problems =
      validate_plan(tasks, {state_.limits.max_tasks, state_.limits.max_files_per_task}, known);
  add_idle_checks(tasks, problems);
  return plan_verdict(problems);
}

Result<std::string> Mission::check_parts(const std::string& arguments,
                                         const std::string& whole) const {
  auto parts = parse_plan(json::parse(arguments, nullptr, false));
  if (!parts) return parts.error();
  auto problems = problems_of_parts(state_, whole, *parts);
  add_idle_checks(*parts, problems);
  return plan_verdict(problems);
}

Result<std::string> Mission::check_triage(const std::string& arguments) const {
  auto args = json::parse(arguments, nullptr, false);
  if (!args.is_object())
    return Error{ErrorCode::invalid_argument, "the arguments are not a JSON object"};
  auto kind = enum_from<TriageKind>(json_text(args, "kind"));
  if (!kind) return Error{ErrorCode::invalid_argument, "kind must be question, small or large"};
  if (*kind == TriageKind::question && json_text(args, "answer").empty())
    return Error{ErrorCode::invalid_argument, "kind question needs 'answer'"};
  if (*kind != TriageKind::small) return std::string("ok");
  auto task = small_task(args);
  if (!task) return task.error();
  return check_plan(json{{"tasks", json::array({*task})}}.dump());
}

Result<std::string> Mission::check_verdict(const std::string& arguments) const {
  auto args = json::parse(arguments, nullptr, false);
  if (!args.is_object())
    return Error{ErrorCode::invalid_argument, "the arguments are not a JSON object"};
  auto verdict = json_text(args, "verdict");
  if (verdict != "approve" && verdict != "reject")
    return Error{ErrorCode::invalid_argument, "verdict must be approve or reject"};
  if (verdict == "reject" && findings_of(args).empty())
    return Error{ErrorCode::invalid_argument,
                 "a rejection needs findings: [{file, line, message}]"};
  return std::string("ok");
}

Result<std::string> Mission::lease(const MissionToolCall& call) {
  const auto* task = state_.task(call.task);
  if (!task || !is_active(task->stage))
    return Error{ErrorCode::conflict, "the task is not at work any more"};
  auto files = json::parse(call.arguments)["files"].get<std::vector<std::string>>();
  auto probe = state_.leases;
  if (auto other = probe.extend(call.task, files))
    return Error{ErrorCode::conflict,
                 "is being changed by " + *other + "; leave it alone, or raise an issue",
                 files.front()};
  record(LeaseExtended{call.task, files});
  return std::string("granted");
}

Result<std::string> Mission::raise_issue(const MissionToolCall& call) {
  auto args = json::parse(call.arguments, nullptr, false);
  auto title = json_text(args, "title");
  if (title.empty()) return Error{ErrorCode::invalid_argument, "argument 'title' is missing"};
  // A session that was built anew may say again what it has said.
  for (const auto& issue : state_.issues)
    if (issue.open && issue.task == call.task && issue.title == title)
      return "raised as " + issue.id;
  auto id = "I" + std::to_string(state_.issues.size() + 1);
  record(IssueRaised{id, call.task, title, json_text(args, "detail"), call.role});
  return "raised as " + id;
}

Result<std::string> Mission::resolve_issue(const MissionToolCall& call) {
  auto args = json::parse(call.arguments, nullptr, false);
  auto id = json_text(args, "id");
  auto known = std::any_of(state_.issues.begin(), state_.issues.end(),
                           [&](const Issue& issue) { return issue.id == id; });
  if (!known) return Error{ErrorCode::not_found, "there is no issue '" + id + "'"};
  record(IssueResolved{id, json_text(args, "resolution")});
  return id + " is resolved";
}

/// Answered with what the session's model is to be told, or with no_progress: then it ends.
Result<std::string> Mission::stuck(const MissionToolCall& call, const IntentIssued& intent) {
  auto args = json::parse(call.arguments, nullptr, false);
  if (!args.is_object())
    return Error{ErrorCode::invalid_argument, "the arguments are not a JSON object"};
  StuckSeen seen{enum_from<StuckKind>(json_text(args, "kind")).value_or(StuckKind::same_call),
                 json_text(args, "detail"), args.value("progressed", false)};
  auto rung = next_rung(state_, intent, seen);
  record(StuckDetected{intent.id, call.session, call.role, call.task, seen.kind, rung, seen.detail,
                       seen.progressed});
  if (rung == Rung::retry) return std::string();
  if (rung == Rung::intervene) return intervention_text(seen);
  return Error{ErrorCode::no_progress, seen.detail, call.session};
}

caf::result<std::string> Mission::ask_user(const MissionToolCall& call) {
  auto args = json::parse(call.arguments, nullptr, false);
  auto text = json_text(args, "question");
  if (text.empty()) return to_caf({ErrorCode::invalid_argument, "argument 'question' is missing"});
  if (auto options = args.find("options"); options != args.end() && options->is_array())
    for (const auto& option : *options)
      if (option.is_string()) text += "\n- " + option.get<std::string>();
  text = std::string(bounded_head(text, question_bytes));
  // After a restart the same question may be open already, with nobody waiting for it.
  auto same = [&](const Question& known) {
    return known.task == call.task && known.text == text && !asking_.contains(known.id);
  };
  auto known = std::find_if(state_.questions.begin(), state_.questions.end(), same);
  auto id = known == state_.questions.end() ? "Q" + std::to_string(state_.questions_asked + 1)
                                            : known->id;
  auto promise = compat::promise<std::string>(self_);
  asking_[id] = {call.session, promise};
  if (known == state_.questions.end()) record(QuestionAsked{id, call.task, call.session, text});
  pump();
  return promise;
}

/// M11 in a shared tree: after each command. Answered with what stands against it, or nothing.
caf::result<std::string> Mission::check_leases(const MissionToolCall& call) {
  auto promise = compat::promise<std::string>(self_);
  lease_checks_[call.session] = promise;
  deps_.session.blocking->run([this, call, tree = deps_.tree, me = handle()] {
    auto changed =
        std::make_shared<Result<std::vector<std::string>>>(tree->changed_files(call.task));
    compat::post(me, resume_atom_v,
                 Continuation{[this, call, changed] { leases_checked(call, *changed); }});
  });
  return promise;
}

void Mission::leases_checked(const MissionToolCall& call,
                             const Result<std::vector<std::string>>& changed) {
  auto waiting = lease_checks_.extract(call.session);
  if (waiting.empty()) return;
  if (!changed) return compat::fail(waiting.mapped(), changed.error());
  std::vector<std::string> unleased;
  for (const auto& file : *changed)
    if (state_.leases.holder_of(file) != call.task) unleased.push_back(file);
  auto& told = told_unleased_[call.task];
  const bool news = told != unleased;
  told = unleased;
  if (unleased.empty()) return waiting.mapped().deliver(std::string());
  if (news)
    publish("lease_violated",
            json{{"task", call.task}, {"role", call.role}, {"files", unleased}}.dump(
                -1, ' ', false, json::error_handler_t::replace));
  waiting.mapped().deliver("[changed without a lease: " + one_line(joined(unleased), 2000) +
                           ". Take the change back, or make it with write or edit: as it is, it "
                           "fails the review.]");
}

caf::result<std::string> Mission::on_tool(const MissionToolCall& call) {
  auto running = sessions_.find(call.session);
  const auto* intent = running == sessions_.end() ? nullptr : open_intent(running->second.intent);
  if (!intent) return to_caf({ErrorCode::cancelled, "the session is not of this mission any more"});
  if (auto wanted = final_tools_of(intent->kind);
      is_final_tool(call.tool) && wanted.find(call.tool) == std::string::npos)
    return to_caf({ErrorCode::invalid_argument,
                   call.tool + " does not end this session; end it with " + wanted});
  if (call.tool == "ask_user") return ask_user(call);
  if (call.tool == "check_leases") return check_leases(call);
  auto reply = [&]() -> Result<std::string> {
    if (call.tool == "lease") return lease(call);
    if (call.tool == "stuck") return stuck(call, *intent);
    if (call.tool == "submit_plan" && intent->kind == IntentKind::decompose)
      return check_parts(call.arguments, call.task);
    if (call.tool == "submit_plan") return check_plan(call.arguments);
    if (call.tool == "submit_triage") return check_triage(call.arguments);
    if (call.tool == "submit_verdict") return check_verdict(call.arguments);
    if (call.tool == "raise_issue") return raise_issue(call);
    if (call.tool == "resolve_issue") return resolve_issue(call);
    if (call.tool == "tasks") return tasks_overview();
    if (call.tool == "result") return task_result(call);
    if (call.tool == "metrics") return metrics();
    if (call.tool == "add_task") return add_task(call);
    if (call.tool == "cancel") return cancel(call);
    if (call.tool == "todo_read") return render_todo(todo_items_of(state_));
    return std::string("ok");  // the other final tools need no permission
  }();
  if (!reply) return to_caf(reply.error());
  return *reply;
}

}  // namespace muster
