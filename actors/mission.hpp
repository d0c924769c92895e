#pragma once
// One mission: the only writer of its State. Journals every event, applies it, asks decide() what
// is next, and has the steps carried out.
//   mission.cpp          life: load, record, pump, control, end
//   mission_replay.cpp   from the journal to the state
//   mission_notices.cpp  what a person must hear
//   mission_passivation.cpp  an idle one gives its memory back
//   mission_steps.cpp    intents -> sessions, verifications, version control
//   mission_results.cpp  what comes back -> receipt events; the tools that sessions ask the mission
//   for
//   mission_recovery.cpp sessions whose actor or engine died -> built anew from the journal

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/agent_profile.hpp"
#include "actors/mission_replay.hpp"
#include "actors/session.hpp"
#include "actors/verifier.hpp"
#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/core/briefing.hpp"
#include "runtime/core/effect_ledger.hpp"
#include "runtime/core/state.hpp"
#include "runtime/ports/store.hpp"
#include "runtime/ports/version_control.hpp"

namespace muster {

/// What the engine found out about a tree by looking at it. Made on the pool.
struct ProjectFacts {
  std::vector<std::string> stack;
  std::vector<ProjectCommand> commands;
  std::string context;  ///< text of context.md
  std::string rules;    ///< AGENTS.md, CLAUDE.md
  std::string listing;  ///< of the tree, short
};

/// The description of a task that the user added to todo.md.
inline constexpr const char* users_task = "Added by the user in todo.md.";

struct MissionSpec {
  std::string mission;
  std::optional<MissionStarted>
      start;  ///< of a new mission; nullopt = resume what the journal holds
  SessionLimits session;
  std::chrono::milliseconds verification{600000};
  bool new_test_rule = true;
  /// How long language servers may take for a candidate's files; nullopt: they are not asked.
  std::optional<std::chrono::milliseconds> diagnostics;
  /// A person asked for it to go on: a pause ends. Else it survives the restart (D3).
  bool end_pause = true;
  SnapshotBounds snapshots;
  std::chrono::milliseconds passivate_after{std::chrono::minutes(60)};  ///< of idleness
};

/// Ports and services that a mission uses; they outlive all actors.
struct MissionDeps {
  SessionDeps session;
  notifier_actor notifier;
  Store* store = nullptr;
  std::shared_ptr<VersionControl> tree;
  Roster roster;
  std::function<ProjectFacts(const std::string& root)> survey;  ///< pool thread
  std::function<Result<std::string>(const Verification&, const std::string&)>
      builtin_check;                                                ///< pool thread
  JudgeSyntax syntax;                                               ///< see VerifyDeps
  std::function<bool(const std::string& command)> is_verification;  ///< any thread
  /// Writes `.muster/<name>` when it is as it was last written, else returns what a person made of
  /// it. Pool thread.
  std::function<Result<std::optional<std::string>>(
      const std::string& name, const std::string& expected, const std::string& text)>
      project;
};

class Mission {
 public:
  Mission(compat::Self<mission_actor> self, MissionSpec spec, MissionDeps deps);
  ~Mission();
  compat::Behavior<mission_actor> make_behavior();

  static constexpr const char* name = "mission";
  [[nodiscard]] const std::string& label() const { return spec_.mission; }

 private:
  // Life
  void load();
  void read_journal();
  void on_loaded(Result<Replayed>& replayed);
  void reopen_tree();
  void give_up(const Error& error);
  void record(const EventBody& event);
  void snapshot();
  void pump();
  void after_event(const EventBody& event);
  void ended();
  void tell_end();
  void end_not_on_disk(const Error& error);
  void tell_needs_user();
  [[nodiscard]] std::string paused_json() const;
  void on_journal_failed(const Error& error);
  caf::result<std::string> resume();
  /// A tick for who watches; may be lost.
  void publish(const std::string& type, const std::string& json);
  /// Told until somebody has shown it.
  void post(const std::string& type, const std::string& json);
  void announce(const std::string& type, const std::string& json, std::string id);
  void tell_untold();
  void taken_notice(const std::string& type, const std::string& id, bool recorded);
  void publish_phase(Phase before);
  void stop_everything();
  void arm_clock();
  void project_todo();
  void todo_projected();
  void on_todo_edit(const std::string& text);

  // Passivation
  [[nodiscard]] bool is_idle() const;
  void watch_idleness();
  void arm_idle_timer(std::chrono::milliseconds delay);
  void passivate();
  void forget_state();
  void reset_state();
  caf::result<std::string> wake(const ControlRequest& request);
  void answer_waiting(const std::optional<Error>& failure);

  // Steps
  void execute(const IntentIssued& intent);
  void discover(const IntentIssued& intent);
  void baseline(const IntentIssued& intent);
  void prepare(const IntentIssued& intent);
  void rebase(const IntentIssued& intent);
  void merge(const IntentIssued& intent);
  void merge_now(const IntentIssued& intent);
  void land(const IntentIssued& intent);
  void land_now(const IntentIssued& intent);
  void end_language_servers(const std::string& folder);
  void seal(const IntentIssued& intent);
  void verify_task(const IntentIssued& intent);
  void verify_final(const IntentIssued& intent);
  void brief_task_session(const IntentIssued& intent, const char* role);
  [[nodiscard]] std::function<std::string(const std::string& root)> map_of_code() const;
  void brief_mission_session(const IntentIssued& intent, const char* role);
  void start_session(const IntentIssued& intent, const std::string& role, const std::string& root,
                     const std::string& briefing,
                     std::shared_ptr<const SavedSession> saved = nullptr);
  void start_verifier(VerifySpec spec);
  [[nodiscard]] std::vector<Check> project_checks() const;
  [[nodiscard]] std::vector<Check> task_checks(const TaskState& task) const;
  [[nodiscard]] CommitInfo commit_info(const TaskState& task) const;
  void commit_early(const TaskState& task);
  void expect_after(const IntentIssued& intent) const;
  void step_failed(IntentId intent, const Error& error);
  template <class Work, class Then>
  void blocking(IntentId intent, Work work, Then then);
  void measure_work(const IntentIssued& intent, WorkSubmitted work);

  // Results
  void on_session(const SessionResultPtr& result);
  void on_verified(const VerifyResultPtr& result);
  void on_command_refused(CommandRefused refused);
  void collect_work(const SessionResultPtr& result, const std::string& task);
  void on_session_end(const SessionResultPtr& result, const Status& collected);
  void on_submitted(const IntentIssued& intent, const SessionResult& result);
  void on_session_down(const caf::actor_addr& who, const compat::End& how);
  void verifier_lost(IntentId intent, const Error& error);
  void forget_session(const std::string& session);
  std::vector<ReviewFinding> claim_changed_files(const std::string& task,
                                                 const std::vector<std::string>& changed);

  // Recovery
  void session_lost(const std::string& session, const Error& error);
  [[nodiscard]] bool takes_no_saved_session(IntentId id) const;
  void rebuild_later(IntentId intent);
  void rebuild(IntentId intent);
  void read_session(const IntentIssued& intent);
  void take_up_steps();
  void repeat_prompts(const IntentIssued& intent, const session_actor& session);

  // Tools of sessions
  caf::result<std::string> on_tool(const MissionToolCall& call);
  Result<std::string> check_plan(const std::string& arguments) const;
  [[nodiscard]] Result<std::string> check_tasks(const std::vector<TaskSpec>& tasks) const;
  void add_idle_checks(const std::vector<TaskSpec>& tasks,
                       std::vector<std::string>& problems) const;
  Result<std::string> check_triage(const std::string& arguments) const;
  Result<std::string> check_verdict(const std::string& arguments) const;
  Result<std::string> lease(const MissionToolCall& call);
  Result<std::string> raise_issue(const MissionToolCall& call);
  Result<std::string> resolve_issue(const MissionToolCall& call);
  // mission_overview.cpp
  [[nodiscard]] std::string tasks_overview() const;
  [[nodiscard]] Result<std::string> task_result(const MissionToolCall& call) const;
  [[nodiscard]] std::string metrics() const;
  Result<std::string> add_task(const MissionToolCall& call);
  Result<std::string> cancel(const MissionToolCall& call);
  [[nodiscard]] std::string free_task_id() const;
  Result<std::string> stuck(const MissionToolCall& call, const IntentIssued& intent);
  [[nodiscard]] Result<std::string> check_parts(const std::string& arguments,
                                                const std::string& whole) const;
  caf::result<std::string> ask_user(const MissionToolCall& call);
  caf::result<std::string> check_leases(const MissionToolCall& call);
  void leases_checked(const MissionToolCall& call, const Result<std::vector<std::string>>& changed);

  // Control
  Result<std::string> on_control(const ControlRequest& request);
  Result<std::string> answer(const std::string& id, const std::string& text);
  Result<std::string> tell(const std::string& task, const std::string& text);
  void answer_request(const ControlRequest& request, compat::Promise<std::string> promise);
  void deliver_status(compat::Promise<std::string> promise);
  [[nodiscard]] TreeEpoch& tree_of(const std::string& task);

  [[nodiscard]] mission_actor handle() const { return compat::handle_of<mission_actor>(self_); }
  [[nodiscard]] const IntentIssued* open_intent(IntentId id) const { return state_.intent(id); }
  [[nodiscard]] bool held_back(const IntentIssued& intent) const;

  /// A session that waits for a person.
  struct Asking {
    std::string session;
    compat::Promise<std::string> promise;
  };
  struct Running {
    session_actor session;
    IntentId intent = 0;
    std::string task;
    SessionView view;
    TreeEpoch tree;  ///< this actor's: what it still had on the pool when it died writes nothing
    bool shared_tree = false;  ///< works in the user's own tree
    bool told = false;         ///< its result is here
  };

  struct Checking {
    verifier_actor verifier;
    TreeEpoch::Ticket epoch;
  };
  struct Waiting {
    ControlRequest request;
    compat::Promise<std::string> promise;
  };

  compat::Self<mission_actor> self_;
  MissionSpec spec_;
  MissionDeps deps_;
  State state_;
  bool loaded_ = false;
  bool pumping_ = false;
  bool ended_ = false;
  bool told_needs_user_ = false;
  bool told_paused_ = false;
  ProjectFacts facts_;
  std::string todo_written_;
  bool projecting_ = false;
  bool todo_waits_ = false;  // for the timer: it was written a moment ago
  int end_projections_ = 0;
  std::map<std::string, Running> sessions_;
  std::map<IntentId, Checking> verifiers_;
  TreeEpoch epoch_;                               // of the whole mission
  std::map<std::string, TreeEpoch> task_epochs_;  // within it
  std::set<std::string> closed_tasks_;            // whose sessions and jobs have been ended
  std::map<std::string, Asking> asking_;          // by question
  std::map<IntentId, compat::Timer> rebuilds_;    // that wait for their time
  EffectLedger effects_;                          // of the sessions before the engine was started
  std::map<std::string, compat::Promise<std::string>> lease_checks_;  // by session
  std::map<std::string, std::vector<std::string>> told_unleased_;     // by task
  std::optional<Error> journal_failure_;  // nothing can be recorded: what follows is not on disk
  IntentId intent_floor_ = 1;             // ids that were used already, journalled or not
  bool told_end_ = false;
  SnapshotMeter meter_;
  std::map<std::string, NoticePtr> untold_;  // by type: posted, and no front end has shown it yet
  std::set<std::string> heard_before_;       // types that an earlier incarnation posted
  std::uint64_t unrecorded_notices_ = 0;
  compat::Timer tell_timer_;
  compat::Timer end_timer_;
  compat::Timer clock_;
  compat::Timer todo_timer_;
  compat::Timer idle_timer_;
  bool passivated_ = false;
  std::vector<Waiting> waiting_requests_;  // for it to be back
};

/// Work on the pool for an intent; an error becomes its StepFailed. `then` runs in this actor if
/// the intent is still open.
template <class Work, class Then>
void Mission::blocking(IntentId intent, Work work, Then then) {
  run_on_pool(*deps_.session.blocking, handle(), std::move(work),
              [this, intent, then = std::move(then)](auto& result) mutable {
                if (!open_intent(intent)) return;
                if (!result.ok()) return step_failed(intent, result.error());
                then(std::move(result.value()));
              });
}

}  // namespace muster
