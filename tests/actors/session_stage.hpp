#pragma once
// A session with a real scheduler, jobs and journal, a mission that the test plays, and fake ports,
// under virtual time.

#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "actors/jobs.hpp"
#include "actors/journal.hpp"
#include "actors/scheduler.hpp"
#include "actors/session.hpp"
#include "tests/support/command_processes.hpp"
#include "tests/support/fake_code.hpp"
#include "tests/support/fake_files.hpp"
#include "tests/support/fake_model.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/virtual_time.hpp"

namespace muster::test {

using namespace std::chrono_literals;
using nlohmann::json;

/// The pool: works at once, or, while held, when the test says so and in the order that it likes.
class HeldBlocking final : public Blocking {
 public:
  void run(std::function<void()> work) override {
    if (held)
      works.push_back(std::move(work));
    else
      work();
  }
  void run_one(std::size_t which) {
    auto work = std::move(works.at(which));
    works.erase(works.begin() + static_cast<std::ptrdiff_t>(which));
    work();
  }
  bool held = false;
  std::vector<std::function<void()>> works;
};

/// What the played mission was told, and how it answers.
struct MissionLedger {
  std::vector<SessionResultPtr> done;
  std::vector<SessionView> views;
  std::vector<MissionToolCall> tools;
  std::vector<VerifyResultPtr> verified;
  std::vector<CommandRefused> refused;
  /// nullopt = later, by PlayedMission's promise.
  std::function<std::optional<Result<std::string>>(const MissionToolCall&)> answer =
      [](const MissionToolCall&) { return Result<std::string>(std::string("ok")); };
  std::vector<compat::Promise<std::string>> waiting;
};

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

inline std::shared_ptr<AgentProfile> make_profile(const std::string& role) {
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

struct SessionStage {
  VirtualTime time;
  FakeModel model;
  HeldBlocking pool;
  std::shared_ptr<CommandProcesses> processes = std::make_shared<CommandProcesses>();
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  std::shared_ptr<FileMap> files =
      std::make_shared<FileMap>(FileMap{{"a.txt", "alpha"}, {"b.txt", "beta"}});
  std::shared_ptr<MissionLedger> ledger = std::make_shared<MissionLedger>();
  std::shared_ptr<AgentProfile> profile = make_profile("worker");
  SessionLimits limits;
  std::set<std::string> leases = {"a.txt"};
  TreeEpoch epoch;                   ///< of what is spawned
  std::vector<std::string> guarded;  ///< commands that the guard was asked about
  std::string forbidden = "rm";      ///< commands that start so are refused
  std::optional<Error> open_error;
  LanguageAccess languages;
  std::int64_t wall = 1000;
  scheduler_actor scheduler;
  journal_actor journal;
  jobs_actor jobs;
  mission_actor mission;

  explicit SessionStage(SchedulerConfig config = {}) {
    scheduler = time.track(spawn_scheduler(time.system(), std::move(config)));
    JournalConfig journalling;
    journalling.linger = std::chrono::milliseconds(0);  // what is appended is there
    journal = time.track(
        spawn_journal(time.system(), store, std::make_shared<InlineBlocking>(), journalling));
    jobs = time.track(spawn_jobs(time.system(), processes));
    mission = time.spawn<PlayedMission, mission_actor>(ledger);
  }
  SessionStage(const SessionStage&) = delete;
  SessionStage& operator=(const SessionStage&) = delete;
  ~SessionStage() { time.kill_all(); }  // before the ports go

  SessionDeps deps() {
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
  session_actor spawn(const std::string& name = "S1", IntentId intent = 1,
                      std::shared_ptr<const SavedSession> saved = nullptr) {
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
  session_actor start(const std::string& name = "S1", IntentId intent = 1) {
    auto session = spawn(name, intent);
    time.run();
    return session;
  }
  /// What the model says next, one after the other.
  void script(std::vector<ModelOutcome> outcomes) {
    for (auto& outcome : outcomes) model.queue.emplace_back(std::move(outcome));
  }
  void stop(const session_actor& session) {
    compat::post(session, stop_atom_v);
    time.run();
  }
  /// The mission answers the oldest call that waits; promises are kept in their actor only.
  void answer_waiting(const std::string& text) {
    auto deliver = [ledger = ledger, text] {
      auto promise = ledger->waiting.front();
      ledger->waiting.erase(ledger->waiting.begin());
      promise.deliver(text);
    };
    compat::post(mission, resume_atom_v, Continuation{deliver});
    time.run();
  }
  void exit(const std::string& command, int code = 0) {
    processes->inner.exit(command, code);
    time.run();
  }
  SchedulerStatus slots() { return *time.ask<SchedulerStatus>(scheduler, status_atom_v); }
  [[nodiscard]] const SessionResult& result() const {
    REQUIRE(ledger->done.size() == 1);
    return *ledger->done[0];
  }
  [[nodiscard]] bool failed_with(ErrorCode code) const {
    return ledger->done.size() == 1 && ledger->done[0]->failure &&
           ledger->done[0]->failure->code == code;
  }
  [[nodiscard]] bool saw_state(const std::string& state) const {
    for (const auto& view : ledger->views)
      if (view.state == state) return true;
    return false;
  }
  /// The last tool message of the last request.
  [[nodiscard]] std::string answer() const { return model.requests.back().last("tool"); }
  /// Nothing of a session is left: one result, no slot, no call, no process, and every transcript
  /// was as providers want it.
  void check_ended(const session_actor& session) {
    time.run();
    CHECK(ledger->done.size() == 1);
    CHECK(time.dead(session));
    CHECK(slots().in_use == 0);
    CHECK(slots().waiting == 0);
    CHECK(model.in_flight == 0);
    CHECK(processes->inner.running == 0);
    check_transcripts();
  }
  void check_transcripts() const {
    for (const auto& request : model.requests) CHECK(request.unanswered() == "");
  }
  std::vector<StoredRecord> records(const std::string& kind) {
    std::vector<StoredRecord> out;
    if (auto all = store->load("M"))
      for (auto& record : *all)
        if (record.kind == kind) out.push_back(std::move(record));
    return out;
  }
};

inline ModelOutcome submits() { return calls("submit_result", {{"summary", "done"}}); }
inline json command(const std::string& text) { return {{"command", text}}; }

}  // namespace muster::test
