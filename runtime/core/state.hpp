#pragma once
// The state of one mission: a plain value, the fold of its events.

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"
#include "runtime/core/leases.hpp"

namespace muster {

/// Where a task stands in its pipeline. A task in an "…ing" stage has exactly one open intent.
enum class Stage {
  pending,        ///< waits for what it depends on, or for a free worker place
  waiting_lease,  ///< waits for its files
  leased,         ///< has its files; its snapshot comes next
  preparing,
  ready,    ///< has a snapshot; worker or fixer comes next
  working,  ///< worker or fixer at work
  worked,   ///< submitted; verification comes next
  verifying,
  verified,  ///< verification passed; review comes next
  reviewing,
  approved,  ///< in the landing queue
  merging,
  merged,  ///< merged in memory; reverify or land comes next
  reverifying,
  landing,
  conflicted,  ///< merge conflict; rebase comes next
  rebasing,
  stuck,  ///< its session went round in circles; the planner cuts it into parts next
  decomposing,
  done,
  failed,   ///< attempts used up or hopeless; the next plan replaces it
  skipped,  ///< depends on a failed task
  dropped,  ///< by the user, or replaced by a later plan
  parked,   ///< waits for the user
};
template <>
struct EnumNames<Stage> {
  static constexpr std::array<std::pair<Stage, std::string_view>, 24> table{
      {{Stage::pending, "pending"},
       {Stage::waiting_lease, "waiting_lease"},
       {Stage::leased, "leased"},
       {Stage::preparing, "preparing"},
       {Stage::ready, "ready"},
       {Stage::working, "working"},
       {Stage::worked, "worked"},
       {Stage::verifying, "verifying"},
       {Stage::verified, "verified"},
       {Stage::reviewing, "reviewing"},
       {Stage::approved, "approved"},
       {Stage::merging, "merging"},
       {Stage::merged, "merged"},
       {Stage::reverifying, "reverifying"},
       {Stage::landing, "landing"},
       {Stage::conflicted, "conflicted"},
       {Stage::rebasing, "rebasing"},
       {Stage::stuck, "stuck"},
       {Stage::decomposing, "decomposing"},
       {Stage::done, "done"},
       {Stage::failed, "failed"},
       {Stage::skipped, "skipped"},
       {Stage::dropped, "dropped"},
       {Stage::parked, "parked"}}};
};

[[nodiscard]] bool is_terminal(Stage stage) noexcept;  ///< done, failed, skipped, dropped, parked
[[nodiscard]] bool is_terminal(Phase phase) noexcept;  ///< sealed, answered, stopped, failed
/// Holds leases and a snapshot: from leased to decomposing.
[[nodiscard]] bool is_active(Stage stage) noexcept;

struct TaskState {
  TaskSpec spec;
  Stage stage = Stage::pending;
  int iteration = 1;                    ///< the mission's iteration that brought it
  int attempt = 0;                      ///< sessions that wrote: workers and fixers
  int failures = 0;                     ///< steps that failed without a verdict
  int round = 0;                        ///< rejections since the last fresh snapshot
  bool fixing = false;                  ///< the next writing session is a fixer (else a worker)
  bool accepted = false;                ///< counted as done by the user
  IntentId open_intent = 0;             ///< 0 = none
  std::string base;                     ///< of its snapshot
  std::string tree;                     ///< of the last verification
  std::vector<Receipt> receipts;        ///< of the last verification
  std::vector<std::string> changed;     ///< files of the last verification
  std::vector<ReviewFinding> findings;  ///< what the fixer must mend
  std::vector<ReviewFinding>
      engine_findings;  ///< warnings of the last verification, for the reviewer
  std::string summary;  ///< of the last submission
  std::string test_exempt_reason;
  Merged merge;                            ///< the last merge
  std::string commit;                      ///< landed as
  std::map<std::string, int> seen_errors;  ///< fingerprint -> times
  std::vector<std::string> guidance;       ///< what the user told it
  std::string reason;                      ///< why failed, skipped, dropped or parked
  Rung rung = Rung::retry;                 ///< what follows when its session ends with no_progress
  bool forgotten = false;  ///< long finished: only id, title, stage, iteration and commit are left
};

struct Question {
  std::string id;
  std::string task;
  std::string session;  ///< a live session that waits; empty = the engine asks
  std::string text;
};

struct Issue {
  std::string id;
  std::string task;
  std::string title;
  std::string detail;
  bool open = true;
  std::string resolution;
  std::string fix_task;  ///< the task that was made to resolve it
};

/// The last notice of a type that was posted.
struct PostedNotice {
  std::string id;
  std::string data;   ///< JSON
  bool told = false;  ///< a front end has shown it
};

/// What a person said while sessions were at work.
struct Told {
  int number = 0;
  std::string task;  ///< empty: all of the mission
  std::string text;
  IntentId before = 0;  ///< sessions of earlier intents were at work already
};

/// The engine's own questions: the id says what the answer decides.
inline constexpr std::string_view plan_question = "plan";

/// So many finished tasks are kept whole; of older ones only what lists and dependants need.
inline constexpr std::size_t max_finished_tasks = 1000;

struct State {
  // Identity
  std::string mission;
  std::string objective;
  MissionKind kind = MissionKind::run;
  std::string workspace;
  std::string team;
  bool approve_plan = false;
  bool want_baseline = true;
  std::int64_t started_at_ms = 0;
  std::int64_t now_ms = 0;
  MissionLimits limits;

  // Where it is
  Phase phase = Phase::exploring;
  bool paused = false;
  bool wants_user = false;  ///< nothing can go on before an answer
  int iteration = 1;
  std::string outcome_reason;                    ///< of stopped, failed
  ErrorCode outcome_code = ErrorCode::internal;  ///< of failed: limit_reached gives exit code 4

  // What is known
  std::string base;
  std::string base_tree;
  std::string tip;  ///< of the mission's branch
  std::string tip_tree;
  std::vector<std::string> stack;
  std::vector<ProjectCommand> commands;
  std::vector<std::string> dirty_files;
  bool discovered = false;
  bool baselined = false;
  std::map<std::string, Receipt> baseline;  ///< check -> receipt at the base
  std::optional<TriageKind> triage;
  std::string triage_reason;
  std::string answer;  ///< of an answered mission
  bool answer_positive = true;
  std::vector<std::string> plan_problems;  ///< of the last refused plan
  std::string plan_summary;
  bool plan_pending_approval = false;
  std::vector<TaskSpec> proposed_plan;  ///< while it waits for approval
  std::vector<std::string> guidance;    ///< what the user told the mission

  // Tasks
  std::vector<TaskState> tasks;              ///< in plan order; never erased
  std::map<std::string, std::size_t> index;  ///< id -> position
  LeaseTable leases;
  std::vector<std::string> landing_queue;      ///< approved, first come first landed
  std::string landing_task;                    ///< the one being landed
  std::vector<ReviewFinding> review_findings;  ///< of the last master review, to become tasks

  // Evidence of the integrated tree
  std::string final_tree;
  std::map<std::string, Receipt> final_receipts;
  bool final_done = false;       ///< final verification ran for the current tip
  bool master_approved = false;  ///< for the current tip
  bool master_reviewed = false;
  bool seal_requested = false;
  std::string seal_summary;
  std::set<std::string> waived;
  std::vector<Issue> issues;
  std::vector<Question> questions;
  Sealed seal;

  // Accounting
  std::int64_t input_tokens = 0;
  std::int64_t cached_input_tokens = 0;
  std::int64_t output_tokens = 0;
  double cost_usd = 0;
  std::vector<LimitHit> limits_hit;
  int questions_asked = 0;
  int mission_failures = 0;  ///< of mission-level steps in a row
  std::string last_failure;
  std::map<std::string, PostedNotice> notices;  ///< by type
  int notices_posted = 0;
  std::map<IntentId, int> crashes;  ///< of the session of an open intent
  std::vector<Told> told;           ///< to sessions that may still be at work
  int told_count = 0;

  // Who got nowhere (stuck.hpp, ladder.hpp)
  std::map<std::string, int> stuck;       ///< what was detected, by name of its kind
  std::map<IntentId, int> interventions;  ///< in the session of an open intent, since progress
  int replans = 0;                        ///< of stuck tasks, since something landed
  int stale_iterations = 0;               ///< in a row, without progress
  int stale_answered = 0;                 ///< so many of them were answered with a rung
  bool landed = false;                    ///< something did, in this iteration
  std::vector<std::string> last_reasons;  ///< for which the last iteration began
  std::string intervention;               ///< what agents are told about it, until progress

  // Machine
  IntentId next_intent = 1;
  /// The first id that nobody has used, when events were lost with a full disk: what is still on
  /// its way for one of theirs is not taken for another's. Of this incarnation only: no event says
  /// it, and no snapshot.
  IntentId intent_floor = 1;
  std::map<IntentId, IntentIssued> open;  ///< issued, no receipt yet
  std::set<std::size_t> dirty;            ///< tasks that decide must look at
  std::set<std::size_t> startable;   ///< pending tasks with all dependencies met, in plan order
  std::size_t active_tasks = 0;      ///< tasks with is_active
  std::size_t unfinished_tasks = 0;  ///< tasks that are not terminal
  std::vector<std::vector<std::size_t>> dependants;  ///< by task position
  std::deque<std::size_t>
      finished;  ///< done and dropped tasks that are not forgotten, oldest first

  [[nodiscard]] const TaskState* task(const std::string& id) const;
  [[nodiscard]] TaskState* task(const std::string& id);
  [[nodiscard]] const IntentIssued* intent(IntentId id) const;
};

/// Folds one event into the state. Total: an event that does not fit (a late receipt of a closed
/// intent, an unknown task) changes nothing.
void apply(State& state, const EventBody& event);

/// What to do next. Looks only at what apply() marked; never repeats an intent that has no receipt.
/// The caller journals and applies each result before it carries it out.
std::vector<IntentIssued> decide(State& state);

/// Marks everything for the next decide(): after a state was rebuilt from a journal.
void mark_all(State& state);

/// Tasks whose dependencies (leaves and groups) are all done, counting accepted ones.
[[nodiscard]] bool dependencies_met(const State& state, const TaskState& task);

/// How often a session is built anew after its actor died.
inline constexpr int session_rebuilds = 3;
/// Whether the session of this open intent may be built anew once more.
[[nodiscard]] bool may_rebuild(const State& state, IntentId intent);

/// Counts for people: leaves done and leaves that matter (dropped ones do not).
struct TodoCount {
  std::size_t done = 0;
  std::size_t total = 0;
};
[[nodiscard]] TodoCount todo_count(const State& state);

}  // namespace muster
