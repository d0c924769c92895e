#include "actors/mission.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/mission_sessions.hpp"
#include "actors/mission_status.hpp"
#include "runtime/core/fault_points.hpp"
#include "runtime/core/ladder.hpp"
#include "runtime/core/text.hpp"
#include "runtime/core/todo.hpp"

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr auto status_deadline =
    2s;  // of each that a status asks: a part of it is better than none
constexpr auto todo_period = 2s;
constexpr auto clock_period = 5s;
constexpr auto end_patience = 30s;  // for what is still being ended when the mission has ended

/// Text from outside may be no UTF-8: that is no reason to fall.
/// As one word of the shell.
std::string quoted(const std::string& word) {
  std::string out = "'";
  for (char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

Mission::Mission(compat::Self<mission_actor> self, MissionSpec spec, MissionDeps deps)
    : self_(self), spec_(std::move(spec)), deps_(std::move(deps)), meter_(spec_.snapshots) {
  state_.mission = spec_.mission;
}

/// However it ends: nothing of it begins anything any more.
Mission::~Mission() { epoch_.advance(); }

compat::Behavior<mission_actor> Mission::make_behavior() {
  compat::on_down(self_, [this](const caf::actor_addr& who, const compat::End& how) {
    on_session_down(who, how);
  });
  load();
  return {
      [](resume_atom, Continuation& next) { next.run(); },
      [this](session_done_atom, const SessionResultPtr& result) { on_session(result); },
      [this](session_view_atom, const SessionView& view) {
        auto found = sessions_.find(view.session);
        if (found != sessions_.end()) found->second.view = view;
        publish("agent", dumped(view_to_json(view)));
        if (view.usage) record(*view.usage);
        pump();
      },
      [this](command_refused_atom, const CommandRefused& refused) { on_command_refused(refused); },
      [this](verified_atom, const VerifyResultPtr& result) { on_verified(result); },
      [this](mission_tool_atom, const MissionToolCall& call) { return on_tool(call); },
      [this](control_atom, const ControlRequest& request) -> caf::result<std::string> {
        if (passivated_ || !waiting_requests_.empty()) return wake(request);
        idle_timer_.cancel();
        watch_idleness();
        if (request.method == "resume" && journal_failure_) return resume();
        auto promise = compat::promise<std::string>(self_);
        answer_request(request, promise);
        return promise;
      },
      [this](journal_failed_atom, const JournalFailure& failure) {
        on_journal_failed(failure.error);
      },
  };
}

/// Nothing more can be recorded: hold still, keep what is on disk, and say so.
void Mission::on_journal_failed(const Error& error) {
  if (journal_failure_ || told_end_) return;
  journal_failure_ = error;
  announce("journal_failed", dumped(json{{"error", error.text()}}), {});
  state_.paused = true;
  stop_everything();
  pump();
}

/// Once the journal takes records again: what happened since it failed is not on disk, so the state
/// is read back as after a restart.
caf::result<std::string> Mission::resume() {
  if (!state_.open.empty() || !sessions_.empty() || !verifiers_.empty())
    return to_caf({ErrorCode::unavailable, "the mission is still being paused"});
  auto promise = compat::promise<std::string>(self_);
  auto refused = [promise](const Error& error) mutable { compat::fail(promise, error); };
  auto reopened = [this, promise]() mutable {
    journal_failure_.reset();
    end_timer_.cancel();  // of an end that was lost with the disk
    loaded_ = ended_ = told_end_ = told_paused_ = told_needs_user_ = false;
    passivated_ = false;
    intent_floor_ = std::max(intent_floor_, state_.next_intent);
    reset_state();
    load();
    promise.deliver(std::string("{}"));
  };
  compat::request(self_, deps_.session.journal, request_deadline, reopened, refused, reopen_atom_v,
                  spec_.mission);
  return promise;
}

// ---- Life
// -------------------------------------------------------------------------------------------------------------------------

/// What an earlier incarnation appended must be readable before it is read.
void Mission::load() {
  auto read = [this] { read_journal(); };
  compat::request(
      self_, deps_.session.journal, request_deadline, read, [read](const Error&) { read(); },
      flush_atom_v, spec_.mission);
}

void Mission::read_journal() {
  deps_.session.blocking->run([this, store = deps_.store, id = spec_.mission, me = handle(),
                               bounds = spec_.snapshots, fresh = spec_.start.has_value()] {
    auto replayed = std::make_shared<Result<Replayed>>(replay_mission(*store, id, bounds));
    if (fresh && !replayed->ok() && replayed->error().code == ErrorCode::not_found)
      *replayed = Replayed{};
    compat::post(me, resume_atom_v, Continuation{[this, replayed] { on_loaded(*replayed); }});
  });
}

void Mission::on_loaded(Result<Replayed>& replayed) {
  if (!replayed) return give_up(replayed.error());
  bool any = replayed->any;
  if (!replayed->warning.empty())
    publish("journal_warning", dumped(json{{"text", replayed->warning}}));
  if (any) {
    state_ = std::move(replayed->state);
    meter_ = replayed->meter;
    effects_ = std::move(replayed->effects);
  }
  heard_before_.clear();
  for (const auto& [type, notice] : state_.notices) heard_before_.insert(type);
  state_.intent_floor = intent_floor_;
  compat::send(self_, deps_.session.journal, subscribe_atom_v,
               JournalSubscription{spec_.mission,
                                   compat::typed<journal_listener>(compat::untyped(handle()))});
  if (!any && spec_.start) {
    loaded_ = true;
    record(*spec_.start);
    arm_clock();
    return pump();
  }
  if (!any) return give_up({ErrorCode::not_found, "there is no such mission", spec_.mission});
  reopen_tree();
}

/// It cannot be carried on now. Nothing is recorded: a later start may find what is missing.
void Mission::give_up(const Error& error) {
  ended_ = told_end_ = true;
  clock_.cancel();
  answer_waiting(error);
  publish("mission_ended",
          dumped(json{{"outcome", "failed"}, {"reason", error.text()}, {"exit_code", 1}}));
  compat::quit(self_);  // not as a failure: its supervisor would start it again, and again
}

/// After a restart: sessions go on where they were, other steps that were under way when the engine
/// went down are asked for again.
void Mission::reopen_tree() {
  deps_.session.blocking->run([this, tree = deps_.tree, survey = deps_.survey, me = handle(),
                               discovered = state_.discovered, ended = is_terminal(state_.phase)] {
    auto facts = std::make_shared<Result<ProjectFacts>>(ProjectFacts{});
    if (discovered && !ended) {
      auto base = tree->open();
      auto snapshot = base ? tree->checkout(integrated, "") : Result<Snapshot>(base.error());
      if (snapshot)
        *facts = survey(snapshot->path);
      else
        *facts = snapshot.error();
    }
    compat::post(me, resume_atom_v, Continuation{[this, facts] {
                   if (!facts->ok()) return give_up(facts->error());
                   loaded_ = true;
                   facts_ = facts->value();
                   take_up_steps();
                   if (state_.paused && !journal_failure_ && std::exchange(spec_.end_pause, true))
                     record(UserResumed{});
                   mark_all(state_);
                   arm_clock();
                   pump();
                   answer_waiting(std::nullopt);
                 }});
  });
}

/// Time that passes is counted and not read off the wall clock, which may be set: neither that nor
/// the hours for which no engine ran use up the mission's time.
void Mission::arm_clock() {
  if (ended_) return;
  auto from = compat::now_ms(self_);
  clock_ = compat::run_delayed(self_, clock_period, [this, from] {
    if (state_.limits.max_time_ms) record(TimePassed{state_.now_ms + compat::now_ms(self_) - from});
    publish("tick", "{}");
    pump();
    arm_clock();
  });
}

void Mission::record(const EventBody& event) {
  auto row = dumped(event_to_json(event));
  compat::send(self_, deps_.session.journal, append_lazy_atom_v,
               JournalBatch{spec_.mission, {{"event", {}, row, {}}}});
  auto before = state_.phase;
  muster::apply(state_, event);
  effects_.on_event(event);
  MUSTER_FAULT_POINT("mission.event");
  bool of_notices =
      std::holds_alternative<NoticePosted>(event) || std::holds_alternative<NoticeTold>(event);
  if (!of_notices) publish(std::string(event_name(event)), row);
  if (state_.phase != before) publish_phase(before);
  after_event(event);
  meter_.event(row.size());
  if (meter_.due()) snapshot();
}

/// From here on a start need not look at what was before.
void Mission::snapshot() {
  auto record = snapshot_record(state_, effects_);
  meter_.snapshot(record.body.size());
  compat::send(self_, deps_.session.journal, append_lazy_atom_v,
               JournalBatch{spec_.mission, {std::move(record)}});
}

/// A barrier that is met at once is passed within one event; who watches is told of it all the
/// same.
void Mission::publish_phase(Phase before) {
  auto tell = [this](Phase from, Phase to) {
    publish(
        "phase",
        json{{"from", name_of(from)}, {"to", name_of(to)}, {"iteration", state_.iteration}}.dump());
  };
  bool passed = before == Phase::executing &&
                (state_.phase == Phase::master_review || state_.phase == Phase::planning);
  if (passed) tell(before, Phase::barrier);
  tell(passed ? Phase::barrier : before, state_.phase);
}

/// What follows from an event outside of State: sessions and jobs of tasks that have ended are
/// stopped.
void Mission::after_event(const EventBody&) {
  for (const auto& task : state_.tasks) {
    bool ended = is_terminal(task.stage);
    if (!ended) closed_tasks_.erase(task.spec.id);
    if (!ended || !closed_tasks_.insert(task.spec.id).second) continue;
    if (auto tree = task_epochs_.extract(task.spec.id)) tree.mapped().advance();
    compat::post(deps_.session.jobs, kill_scope_atom_v,
                 JobFilter{spec_.mission, task.spec.id, {}, JobScope::task});
    for (auto& [id, running] : sessions_)
      if (running.task == task.spec.id) compat::send(self_, running.session, stop_atom_v);
  }
}

/// The fence around what is started for the task; of the mission's own steps when empty.
TreeEpoch& Mission::tree_of(const std::string& task) {
  if (task.empty()) return epoch_;
  return task_epochs_.try_emplace(task, TreeEpoch::within(epoch_)).first->second;
}

void Mission::pump() {
  if (!loaded_ || pumping_) return;
  if (ended_) {
    tell_end();
    return watch_idleness();
  }
  pumping_ = true;
  if (auto stale = detect_no_progress(state_)) record(*stale);
  for (auto intents = decide(state_); !intents.empty(); intents = decide(state_))
    for (const auto& intent : intents) {
      record(intent);
      if (state_.intent(intent.id)) execute(intent);
    }
  pumping_ = false;
  if (is_terminal(state_.phase)) return ended();
  if (!todo_waits_) project_todo();  // soon: many events make one file
  tell_needs_user();
  if (state_.paused && state_.open.empty() && !told_paused_) {
    told_paused_ = true;
    post("mission_paused", paused_json());
  }
  watch_idleness();
}

std::string Mission::paused_json() const {
  if (!journal_failure_) return "{}";
  return dumped(json{{"reason", "nothing can be recorded: " + journal_failure_->text()},
                     {"code", to_string(journal_failure_->code)}});
}

/// A person is wanted when nothing goes on without one: the engine asks, or every step that is
/// under way does.
void Mission::tell_needs_user() {
  bool waits = needs_user(state_) || (!state_.open.empty() && asking_.size() >= state_.open.size());
  waits = waits && !state_.paused;
  if (waits && !told_needs_user_) post("needs_user", dumped(questions_to_json(state_)));
  told_needs_user_ = waits;
}

/// The fence falls first: the messages take their time.
void Mission::stop_everything() {
  epoch_.advance();
  task_epochs_.clear();
  for (auto& [id, running] : sessions_) compat::send(self_, running.session, stop_atom_v);
  for (auto& [id, checking] : verifiers_) compat::send(self_, checking.verifier, stop_atom_v);
  compat::post(deps_.session.jobs, kill_scope_atom_v, JobFilter{spec_.mission, {}, {}, {}});
}

void Mission::ended() {
  if (ended_) return;
  ended_ = true;
  clock_.cancel();
  todo_timer_.cancel();
  rebuilds_.clear();
  todo_waits_ = false;
  stop_everything();
  deps_.session.model->expect_none(spec_.mission);
  project_todo();
  end_timer_ = compat::run_delayed(self_, end_patience, [this] {
    sessions_.clear();
    verifiers_.clear();
    tell_end();
  });
  tell_end();
}

/// The user is told after the end is on disk and nothing of the mission runs any more, and never
/// before.
void Mission::tell_end() {
  if (!ended_ || told_end_ || journal_failure_ || !sessions_.empty() || !verifiers_.empty() ||
      projecting_)
    return;
  told_end_ = true;
  end_timer_.cancel();
  watch_idleness();
  end_language_servers("");
  auto tell = [this] { post("mission_ended", dumped(outcome_to_json(state_))); };
  // What it made is on its branch: its trees are for the missions to come.
  auto let_go = [blocking = deps_.session.blocking, tree = deps_.tree, me = handle(), tell] {
    blocking->run([tree, me, tell] {
      (void)tree->release_all();
      compat::post(me, resume_atom_v, Continuation{tell});
    });
  };
  compat::request(
      self_, deps_.session.jobs, request_deadline, [let_go](std::uint64_t) { let_go(); },
      [let_go](const Error&) { let_go(); }, kill_scope_atom_v,
      JobFilter{spec_.mission, {}, {}, {}});
}

// ---- todo.md
// ----------------------------------------------------------------------------------------------------------------------

void Mission::project_todo() {
  if (state_.tasks.empty() || projecting_ || !deps_.project) return;
  projecting_ = true;
  auto text = render_todo(todo_items_of(state_));
  deps_.session.blocking->run([this, project = deps_.project, text, expected = todo_written_,
                               me = handle()] {
    auto edited =
        std::make_shared<Result<std::optional<std::string>>>(project("todo.md", expected, text));
    compat::post(me, resume_atom_v, Continuation{[this, edited, text] {
                   projecting_ = false;
                   if (edited->ok() && !edited->value()) todo_written_ = text;
                   if (edited->ok() && edited->value()) on_todo_edit(*edited->value());
                   if (ended_) return todo_projected();
                   todo_waits_ = true;
                   todo_timer_ = compat::run_delayed(self_, todo_period, [this] {
                     todo_waits_ = false;
                     project_todo();
                   });
                 }});
  });
}

/// The file shows the end, too: what was on its way when the mission ended may be older.
void Mission::todo_projected() {
  constexpr int tries = 3;
  bool shown = todo_written_ == render_todo(todo_items_of(state_));
  if (!shown && ++end_projections_ < tries) return project_todo();
  tell_end();
}

/// A person's edit is a proposal: it adds, rewords; it never finishes or removes.
void Mission::on_todo_edit(const std::string& text) {
  auto proposal = parse_todo_proposal(todo_items_of(state_), text);
  todo_written_ = text;
  for (const auto& change : proposal.proposals) {
    if (change.kind == TodoProposal::Kind::reword) record(TaskReworded{change.id, change.title});
    if (change.kind != TodoProposal::Kind::add) continue;
    TaskSpec spec;
    spec.id = free_task_id();
    spec.title = change.title;
    spec.description = users_task;
    for (const auto& check : project_checks())
      spec.verification.push_back(
          {check.cwd.empty() ? check.command : "cd " + quoted(check.cwd) + " && " + check.command,
           {},
           {},
           {}});
    if (spec.verification.empty()) {
      publish(
          "todo_refused",
          dumped(json{{"line", 0},
                      {"reason", "no check is known that could verify '" + change.title + "'"}}));
      continue;
    }
    record(TaskProposed{spec});
  }
  for (const auto& refusal : proposal.refusals)
    publish("todo_refused", dumped(json{{"line", refusal.line}, {"reason", refusal.reason}}));
  pump();
}

// ---- Control
// ----------------------------------------------------------------------------------------------------------------------

/// The scheduler and the jobs are asked for their part; without an answer it is left out.
void Mission::deliver_status(compat::Promise<std::string> promise) {
  std::vector<SessionView> views;
  for (const auto& [id, running] : sessions_) views.push_back(running.view);
  auto status = std::make_shared<json>(status_to_json(state_, views, deps_.session.wall_ms()));
  if (journal_failure_) (*status)["phase"] = "paused";  // whatever it has come to is not on disk
  auto done = [promise, status]() mutable { promise.deliver(dumped(*status)); };
  auto with_jobs = [status, done](const JobList& jobs) mutable {
    add_jobs(*status, jobs);
    done();
  };
  auto ask_jobs = [this, with_jobs, done]() mutable {
    compat::request(
        self_, deps_.session.jobs, status_deadline, with_jobs,
        [done](const Error&) mutable { done(); }, list_atom_v,
        JobFilter{spec_.mission, {}, {}, {}});
  };
  auto with_slots = [this, status, ask_jobs](const SchedulerStatus& slots) mutable {
    add_slots(*status, slots, deps_.session.wall_ms());
    ask_jobs();
  };
  compat::request(
      self_, deps_.session.scheduler, status_deadline, with_slots,
      [ask_jobs](const Error&) mutable { ask_jobs(); }, status_atom_v);
}

/// What a person said is on disk before it is acknowledged: a crash must not take it back.
void Mission::answer_request(const ControlRequest& request, compat::Promise<std::string> promise) {
  if (request.method == "status") return deliver_status(std::move(promise));
  auto reply = on_control(request);
  if (!reply) return compat::fail(promise, reply.error());
  if (request.method == "diff_base" || request.method == "plan_text")
    return promise.deliver(*reply);
  compat::request(
      self_, deps_.session.journal, request_deadline,
      [promise, text = *reply]() mutable { promise.deliver(text); },
      [promise](const Error& error) mutable {
        compat::fail(promise,
                     {error.code, "done, but not on disk: " + error.message, error.context});
      },
      flush_atom_v, spec_.mission);
}

Result<std::string> Mission::answer(const std::string& id, const std::string& text) {
  auto found = std::find_if(state_.questions.begin(), state_.questions.end(),
                            [&](const Question& q) { return q.id == id; });
  if (found == state_.questions.end())
    return Error{ErrorCode::not_found, "no open question '" + id + "'"};
  record(UserAnswered{id, text});
  if (auto waiting = asking_.find(id); waiting != asking_.end()) {
    waiting->second.promise.deliver("The user answers: " + text);
    asking_.erase(waiting);
  }
  pump();
  return std::string("{}");
}

Result<std::string> Mission::tell(const std::string& task, const std::string& text) {
  if (!task.empty() && !state_.task(task))
    return Error{ErrorCode::not_found, "no task '" + task + "'"};
  record(UserTold{task, text});
  const Prompt prompt{told_id(state_.told_count), text};
  int reached = 0;
  for (auto& [id, running] : sessions_)
    if (task.empty() || running.task == task) {
      compat::send(self_, running.session, tell_atom_v, prompt);
      ++reached;
    }
  pump();
  return json{{"sessions", reached}}.dump();
}

Result<std::string> Mission::on_control(const ControlRequest& request) try {
  auto params = json::parse(request.params.empty() ? "{}" : request.params);
  if (!loaded_) return Error{ErrorCode::unavailable, "the mission is still being loaded"};
  if (request.method == "diff_base")
    return dumped(json{{"base", state_.base}, {"tip", state_.tip}});
  if (request.method == "plan_text") return dumped(json{{"text", describe_plan(state_)}});
  if (ended_) return Error{ErrorCode::conflict, "the mission has ended"};
  if (journal_failure_)
    return Error{ErrorCode::unavailable,
                 "nothing can be recorded (" + journal_failure_->text() + "); resume tries again",
                 state_.mission};
  if (request.method == "answer") return answer(params.at("id"), params.at("text"));
  if (request.method == "tell") return tell(params.value("task", ""), params.at("text"));
  if (request.method == "stop") {
    record(UserStopped{});
    pump();
  } else if (request.method == "pause") {
    record(UserPaused{});
    stop_everything();
    pump();
  } else if (request.method == "resume") {
    told_paused_ = false;
    record(UserResumed{});
    pump();
  } else if (request.method == "waive") {
    record(UserWaived{params.at("check")});
    pump();
  } else if (request.method == "todo") {
    auto action = params.at("action").get<std::string>();
    auto id = params.at("id").get<std::string>();
    if (!state_.task(id)) return Error{ErrorCode::not_found, "no task '" + id + "'"};
    if (action != "accept" && action != "drop")
      return Error{ErrorCode::invalid_argument, "action is accept or drop"};
    record(TodoDecided{id, action == "accept"});
    pump();
  } else {
    return Error{ErrorCode::not_found, "unknown method '" + request.method + "'"};
  }
  return std::string("{}");
} catch (const json::exception& e) {
  return Error{ErrorCode::invalid_argument, e.what(), request.method};
}

}  // namespace muster
