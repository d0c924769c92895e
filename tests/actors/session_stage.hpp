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

/// What an agent of that role may do, without the final tools of other roles.
std::shared_ptr<AgentProfile> make_profile(const std::string& role);
/// Tells the ledger what it is told.
mission_actor spawn_played_mission(VirtualTime& time, std::shared_ptr<MissionLedger> ledger);

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

  explicit SessionStage(SchedulerConfig config = {});
  SessionStage(const SessionStage&) = delete;
  SessionStage& operator=(const SessionStage&) = delete;
  ~SessionStage();  // before the ports go

  SessionDeps deps();
  session_actor spawn(const std::string& name = "S1", IntentId intent = 1,
                      std::shared_ptr<const SavedSession> saved = nullptr);
  session_actor start(const std::string& name = "S1", IntentId intent = 1);
  /// What the model says next, one after the other.
  void script(std::vector<ModelOutcome> outcomes);
  void stop(const session_actor& session);
  /// The mission answers the oldest call that waits; promises are kept in their actor only.
  void answer_waiting(const std::string& text);
  void exit(const std::string& command, int code = 0);
  SchedulerStatus slots();
  [[nodiscard]] const SessionResult& result() const;
  [[nodiscard]] bool failed_with(ErrorCode code) const;
  [[nodiscard]] bool saw_state(const std::string& state) const;
  /// The last tool message of the last request.
  [[nodiscard]] std::string answer() const { return model.requests.back().last("tool"); }
  /// Nothing of a session is left: one result, no slot, no call, no process, and every transcript
  /// was as providers want it.
  void check_ended(const session_actor& session);
  void check_transcripts() const;
  std::vector<StoredRecord> records(const std::string& kind);
};

inline ModelOutcome submits() { return calls("submit_result", {{"summary", "done"}}); }
inline json command(const std::string& text) { return {{"command", text}}; }

}  // namespace muster::test
