#include "tests/actors/session_stage.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster::test {
namespace {

class PlayedMission {
 public:
  PlayedMission(compat::Self<mission_actor> self, std::shared_ptr<MissionLedger> ledger)
      : self_(self), ledger_(std::move(ledger)) {}
  compat::Behavior<mission_actor> make_behavior() {
    return {
        [](resume_atom, Continuation& next) { next.run(); },
        [this](session_done_atom, const SessionResultPtr& result) {
          ledger_->done.push_back(result);
        },
        [this](session_view_atom, const SessionView& view) { ledger_->views.push_back(view); },
        [this](command_refused_atom, const CommandRefused& refused) {
          ledger_->refused.push_back(refused);
        },
        [this](verified_atom, const VerifyResultPtr& result) {
          ledger_->verified.push_back(result);
        },
        [this](mission_tool_atom, const MissionToolCall& call) -> caf::result<std::string> {
          ledger_->tools.push_back(call);
          auto reply = ledger_->answer(call);
          if (!reply) {
            ledger_->waiting.push_back(compat::promise<std::string>(self_));
            return ledger_->waiting.back();
          }
          if (!*reply) return to_caf(reply->error());
          return **reply;
        },
        [](control_atom, const ControlRequest&) -> caf::result<std::string> {
          return std::string("{}");
        },
        [](journal_failed_atom, const JournalFailure&) {},
    };
  }

 private:
  compat::Self<mission_actor> self_;
  std::shared_ptr<MissionLedger> ledger_;
};

}  // namespace

std::shared_ptr<AgentProfile> make_profile(const std::string& role) {
  auto profile = std::make_shared<AgentProfile>();
  profile->role = role;
  profile->system_prompt = "You are the " + role + ".";
  profile->tools = std::make_shared<const std::string>("[]");
  profile->tool_names = {"read",
                         "list",
                         "glob",
                         "grep",
                         "write",
                         "edit",
                         "shell",
                         "run_background",
                         "check_background",
                         "list_background",
                         "kill_background",
                         "raise_issue",
                         "tasks",
                         "result",
                         "metrics",
                         "add_task",
                         "resolve_issue",
                         "todo_read",
                         "ask_user",
                         "submit_result"};
  profile->final_tools = {"submit_result"};
  profile->writes = true;
  profile->runs = RunRight::all;
  ModelBinding binding;
  binding.endpoint.provider = "p";
  binding.endpoint.model = "m";
  binding.lane = "p/m";
  binding.params.model = "m";
  binding.context_window = 100000;
  profile->models.push_back(binding);
  return profile;
}

mission_actor spawn_played_mission(VirtualTime& time, std::shared_ptr<MissionLedger> ledger) {
  return time.spawn<PlayedMission, mission_actor>(std::move(ledger));
}

SessionStage::SessionStage(SchedulerConfig config) {
  scheduler = time.track(spawn_scheduler(time.system(), std::move(config)));
  JournalConfig journalling;
  journalling.linger = std::chrono::milliseconds(0);  // what is appended is there
  journal = time.track(
      spawn_journal(time.system(), store, std::make_shared<InlineBlocking>(), journalling));
  jobs = time.track(spawn_jobs(time.system(), processes));
  mission = spawn_played_mission(time, ledger);
}

SessionStage::~SessionStage() { time.kill_all(); }

SessionDeps SessionStage::deps() {
  SessionDeps deps;
  deps.scheduler = scheduler;
  deps.jobs = jobs;
  deps.journal = journal;
  deps.model = &model;
  deps.blocking = &pool;
  deps.open_files = [this](const std::string&) -> Result<std::shared_ptr<WorkspaceFiles>> {
    if (open_error) return *open_error;
    return std::shared_ptr<WorkspaceFiles>(std::make_shared<FakeFiles>(files));
  };
  deps.open_code = [this](const std::string&, std::shared_ptr<WorkspaceFiles>) {
    return Result<std::shared_ptr<WorkspaceCode>>(std::make_shared<FakeCode>(files));
  };
  deps.guard = [this](const std::string& command, const std::string&, RunRight) -> Status {
    guarded.push_back(command);
    if (command.starts_with(forbidden))
      return Error{ErrorCode::permission_denied, "refused (delete): no"};
    return ok_status();
  };
  deps.languages = languages;
  deps.wall_ms = [this] { return ++wall; };
  deps.hidden_env = {"KEY"};
  return deps;
}

session_actor SessionStage::spawn(const std::string& name, IntentId intent,
                                  std::shared_ptr<const SavedSession> saved) {
  SessionSpec spec;
  spec.saved = std::move(saved);
  spec.session = name;
  spec.mission = "M";
  spec.intent = intent;
  spec.task = "M1.T1";
  spec.briefing = "[" + name + "]\nDo it.";
  spec.root = "/trees/M1.T1";
  spec.leases = leases;
  spec.epoch = epoch.ticket();
  spec.profile = profile;
  spec.limits = limits;
  return time.spawn<Session, session_actor>(std::move(spec), deps(), mission);
}

session_actor SessionStage::start(const std::string& name, IntentId intent) {
  auto session = spawn(name, intent);
  time.run();
  return session;
}

void SessionStage::script(std::vector<ModelOutcome> outcomes) {
  for (auto& outcome : outcomes) model.queue.emplace_back(std::move(outcome));
}

void SessionStage::stop(const session_actor& session) {
  compat::post(session, stop_atom_v);
  time.run();
}

void SessionStage::answer_waiting(const std::string& text) {
  auto deliver = [ledger = ledger, text] {
    auto promise = ledger->waiting.front();
    ledger->waiting.erase(ledger->waiting.begin());
    promise.deliver(text);
  };
  compat::post(mission, resume_atom_v, Continuation{deliver});
  time.run();
}

void SessionStage::exit(const std::string& command, int code) {
  processes->inner.exit(command, code);
  time.run();
}

SchedulerStatus SessionStage::slots() {
  return *time.ask<SchedulerStatus>(scheduler, status_atom_v);
}

const SessionResult& SessionStage::result() const {
  REQUIRE(ledger->done.size() == 1);
  return *ledger->done[0];
}

bool SessionStage::failed_with(ErrorCode code) const {
  return ledger->done.size() == 1 && ledger->done[0]->failure &&
         ledger->done[0]->failure->code == code;
}

bool SessionStage::saw_state(const std::string& state) const {
  for (const auto& view : ledger->views)
    if (view.state == state) return true;
  return false;
}

void SessionStage::check_ended(const session_actor& session) {
  time.run();
  CHECK(ledger->done.size() == 1);
  CHECK(time.dead(session));
  CHECK(slots().in_use == 0);
  CHECK(slots().waiting == 0);
  CHECK(model.in_flight == 0);
  CHECK(processes->inner.running == 0);
  check_transcripts();
}

void SessionStage::check_transcripts() const {
  for (const auto& request : model.requests) CHECK(request.unanswered() == "");
}

std::vector<StoredRecord> SessionStage::records(const std::string& kind) {
  std::vector<StoredRecord> out;
  if (auto all = store->load("M"))
    for (auto& record : *all)
      if (record.kind == kind) out.push_back(std::move(record));
  return out;
}

}  // namespace muster::test
