#pragma once
// Everything that can happen to a mission. State = fold(events); nothing else changes it.
// A member is added at the end of its struct and gets a default, so that old journals stay
// readable.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/core/enum_names.hpp"
#include "runtime/core/plan.hpp"
#include "runtime/core/receipt.hpp"
#include "runtime/core/result.hpp"
#include "runtime/core/stuck.hpp"

namespace muster {

using IntentId = std::uint64_t;

/// What a mission is for; decides how far the machine goes.
enum class MissionKind { run, plan, review, fix, search };
template <>
struct EnumNames<MissionKind> {
  static constexpr std::array<std::pair<MissionKind, std::string_view>, 5> table{
      {{MissionKind::run, "run"},
       {MissionKind::plan, "plan"},
       {MissionKind::review, "review"},
       {MissionKind::fix, "fix"},
       {MissionKind::search, "search"}}};
};

/// What the commander makes of an objective.
enum class TriageKind { question, small, large };
template <>
struct EnumNames<TriageKind> {
  static constexpr std::array<std::pair<TriageKind, std::string_view>, 3> table{
      {{TriageKind::question, "question"},
       {TriageKind::small, "small"},
       {TriageKind::large, "large"}}};
};

/// A step that decide() asks the executors to take. Each is answered by exactly one receipt event
/// that names its id.
enum class IntentKind {
  discover,       ///< open the workspace, find stack and commands       -> ContextDiscovered
  baseline,       ///< run build and tests once at the base              -> BaselineRecorded
  triage,         ///< commander session                                 -> Triaged
  plan,           ///< planner session                                   -> PlanSubmitted
  prepare,        ///< a task's snapshot at the tip                      -> SnapshotReady
  work,           ///< worker session                                    -> WorkSubmitted
  verify,         ///< the engine runs the task's verification           -> TaskVerified
  review,         ///< reviewer session                                  -> VerdictGiven
  fix,            ///< fixer session                                     -> WorkSubmitted
  merge,          ///< commit and merge in memory                        -> Merged
  reverify,       ///< verification of the merged tree                   -> TaskVerified
  land,           ///< move the mission's branch                         -> Landed
  rebase,         ///< conflict: both sides into the snapshot            -> SnapshotReady
  decompose,      ///< planner session: a stuck task in parts            -> PlanSubmitted
  final_verify,   ///< whole build and all tests on the integrated tree  -> IntegratedVerified
  master_review,  ///< master reviewer session                           -> VerdictGiven
  request_seal,   ///< commander session at the end                      -> SealRequested
  seal,           ///< publish the branch, apply to the user's tree      -> Sealed
};
template <>
struct EnumNames<IntentKind> {
  static constexpr std::array<std::pair<IntentKind, std::string_view>, 18> table{
      {{IntentKind::discover, "discover"},
       {IntentKind::baseline, "baseline"},
       {IntentKind::triage, "triage"},
       {IntentKind::plan, "plan"},
       {IntentKind::prepare, "prepare"},
       {IntentKind::work, "work"},
       {IntentKind::verify, "verify"},
       {IntentKind::review, "review"},
       {IntentKind::fix, "fix"},
       {IntentKind::merge, "merge"},
       {IntentKind::reverify, "reverify"},
       {IntentKind::land, "land"},
       {IntentKind::rebase, "rebase"},
       {IntentKind::decompose, "decompose"},
       {IntentKind::final_verify, "final_verify"},
       {IntentKind::master_review, "master_review"},
       {IntentKind::request_seal, "request_seal"},
       {IntentKind::seal, "seal"}}};
};

/// The stages of the mission's loop, and its ends.
enum class Phase {
  exploring,
  planning,
  executing,
  barrier,
  master_review,
  sealing,  ///< the gate is open; the seal is being carried out
  sealed,
  answered,  ///< a question, search, plan or review was answered: nothing to seal
  stopped,
  failed,
};
template <>
struct EnumNames<Phase> {
  static constexpr std::array<std::pair<Phase, std::string_view>, 10> table{
      {{Phase::exploring, "exploring"},
       {Phase::planning, "planning"},
       {Phase::executing, "executing"},
       {Phase::barrier, "barrier"},
       {Phase::master_review, "master_review"},
       {Phase::sealing, "sealing"},
       {Phase::sealed, "sealed"},
       {Phase::answered, "answered"},
       {Phase::stopped, "stopped"},
       {Phase::failed, "failed"}}};
};

/// Bounds of one mission; nullopt = unlimited, 0 = none.
struct MissionLimits {
  int iterations = 20;
  int attempts_per_task = 12;
  int review_rounds = 3;
  int same_error = 3;
  int active_tasks = 8;
  int session_failures = 3;  ///< of mission-level sessions (triage, plan, master review), in a row
  std::size_t max_tasks = 200;
  std::size_t max_files_per_task = 3;
  std::optional<double> max_cost_usd;
  std::optional<std::int64_t> max_time_ms;
  std::optional<std::int64_t> max_tokens;
};

/// A command that the project offers, and where it was found.
struct ProjectCommand {
  std::string kind;     ///< build | test | lint | run
  std::string check;    ///< the name of its receipts: "build", "test", "test:api"
  std::string command;  ///< shell text
  std::string cwd;      ///< relative to the workspace, "" = its root
  std::string found_in;
};

/// What a reviewer or a check holds against a change.
struct ReviewFinding {
  std::string file;
  int line = 0;
  std::string message;
  std::string severity;  ///< error | warning | info; only errors block
};

// ---- Events
// -----------------------------------------------------------------------------------------------------------------------

struct MissionStarted {
  std::string mission;
  std::string objective;
  MissionKind kind = MissionKind::run;
  std::string workspace;
  std::string team = "squad";
  bool approve_plan = false;
  bool baseline = true;  ///< run build and tests at the base first
  std::int64_t at_ms = 0;
  MissionLimits limits;
};
struct IntentIssued {
  IntentId id = 0;
  IntentKind kind = IntentKind::discover;
  std::string task;   ///< empty for the mission's own steps
  int attempt = 0;    ///< of the task, from 1
  int round = 0;      ///< review round of the attempt, from 0
  int iteration = 0;  ///< of the mission, from 1
};
/// A step failed for a reason that is not a verdict: session error, tool failure, disk, cancelled.
struct StepFailed {
  IntentId intent = 0;
  Error error;
};
struct ContextDiscovered {
  IntentId intent = 0;
  std::string base;  ///< commit
  std::string tree;  ///< its tree hash
  std::vector<std::string> stack;
  std::vector<ProjectCommand> commands;
  std::vector<std::string> dirty;  ///< the user's uncommitted files: not part of the mission
};
struct BaselineRecorded {
  IntentId intent = 0;
  std::vector<Receipt> receipts;
};
struct Triaged {
  IntentId intent = 0;
  TriageKind kind = TriageKind::large;
  std::string reason;
  std::string answer;            ///< for a question
  std::optional<TaskSpec> task;  ///< for a small mission
};
struct PlanSubmitted {
  IntentId intent = 0;
  std::vector<TaskSpec> tasks;
  std::string summary;
};
struct SnapshotReady {
  IntentId intent = 0;
  std::string base;
  std::vector<std::string> conflicts;  ///< after a rebase
};
struct WorkSubmitted {
  IntentId intent = 0;
  std::string summary;
  int tool_calls = 0;
  bool changed = false;  ///< the snapshot differs from its base
  std::string test_exempt_reason;
};
struct TaskVerified {
  IntentId intent = 0;
  std::string tree;  ///< hash of the snapshot (or the merged tree) that was verified
  std::vector<Receipt> receipts;
  std::vector<std::string> changed;     ///< files that differ from the base
  std::vector<ReviewFinding> findings;  ///< of the engine's own checks (lease, new test, syntax)
};
struct VerdictGiven {
  IntentId intent = 0;
  bool approve = false;
  std::string summary;
  std::vector<ReviewFinding> findings;
};
struct Merged {
  IntentId intent = 0;
  std::string commit;
  std::string tree;
  std::string tip;  ///< the branch's tip that it was merged onto
  bool base_moved = false;
  std::vector<std::string> conflicts;
};
struct Landed {
  IntentId intent = 0;
  std::string commit;
  std::string tree;
};
struct IntegratedVerified {
  IntentId intent = 0;
  std::string tree;
  std::vector<Receipt> receipts;
};
struct SealRequested {
  IntentId intent = 0;
  std::string summary;
};
struct Sealed {
  IntentId intent = 0;
  std::string commit;
  std::string branch;
  bool applied = false;
  std::string note;
};
/// A mission-level answer: question, search, review without changes.
struct Answered {
  IntentId intent = 0;
  std::string text;
  bool positive = true;  ///< a review that found nothing to object
};

/// A lease was asked for during work and granted by the engine (a refusal changes nothing and is no
/// event).
struct LeaseExtended {
  std::string task;
  std::vector<std::string> files;
};
struct IssueRaised {
  std::string id;  ///< "I1"
  std::string task;
  std::string title;
  std::string detail;
  std::string by;  ///< role
};
struct IssueResolved {
  std::string id;
  std::string resolution;
};
/// A live session asks the user; only its task waits.
struct QuestionAsked {
  std::string id;
  std::string task;
  std::string session;
  std::string text;
};
struct UsageRecorded {
  std::string session;
  std::string role;
  std::string task;
  std::int64_t input_tokens = 0;
  std::int64_t cached_input_tokens = 0;
  std::int64_t output_tokens = 0;
  double cost_usd = 0;
};
/// Time enters the machine here.
struct TimePassed {
  std::int64_t at_ms = 0;
};
/// A bound was hit; `fatal` ends the mission.
struct LimitHit {
  std::string name;
  std::string detail;
  bool fatal = false;
};

// What the user does.
struct UserStopped {
  std::string by = {};      ///< a role, when an agent ended it; empty: the user
  std::string reason = {};  ///< an agent's
};
struct UserPaused {};
struct UserResumed {};
struct UserAnswered {
  std::string question;
  std::string text;
};
struct UserTold {
  std::string task;  ///< empty = the mission
  std::string text;
};
struct UserWaived {
  std::string check;
};
struct TodoDecided {
  std::string task;
  bool accept = false;      ///< accept = count as done; else drop
  std::string by = {};      ///< a role, when an agent dropped it; empty: the user
  std::string reason = {};  ///< an agent's
};
struct TaskProposed {  ///< through todo.md or add_task
  TaskSpec task;
};
struct TaskReworded {
  std::string task;
  std::string title;
};
/// A command that the policy did not let through: nothing of it ran. Changes no state; it is for
/// who reads the journal.
struct CommandRefused {
  std::string session;  ///< or the verification that wanted it
  std::string role;     ///< "engine" for a verification
  std::string task;     ///< empty for the mission's own steps
  std::string command;  ///< one line, bounded, without escapes
  std::string reason;   ///< likewise
};

// What people must hear, once it is certain that it will be remembered.
/// A notice that is about to be told. The next of the same type takes its place.
struct NoticePosted {
  std::string id;      ///< "N1": the same for every time that it is told
  std::string notice;  ///< its type: needs_user, mission_paused, mission_ended
  std::string data;    ///< JSON
};
/// A front end has shown it to somebody.
struct NoticeTold {
  std::string id;
};
/// A session's actor died. It is built anew from the journal, as long as that does not happen too
/// often.
struct SessionCrashed {
  IntentId step = 0;  ///< the intent that it works on; stays open
  std::string session;
  Error error;
};
/// Somebody gets nowhere, and what is done about it. From `restart` on the session ends, with a
/// StepFailed of code no_progress.
struct StuckDetected {
  IntentId step = 0;  ///< the intent of the session; 0 = the mission itself
  std::string session;
  std::string role;
  std::string task;
  StuckKind kind = StuckKind::no_progress;
  Rung rung = Rung::retry;
  std::string detail;
  bool progressed = false;  ///< something new was done since the last time
};

using EventBody =
    std::variant<MissionStarted, IntentIssued, StepFailed, ContextDiscovered, BaselineRecorded,
                 Triaged, PlanSubmitted, SnapshotReady, WorkSubmitted, TaskVerified, VerdictGiven,
                 Merged, Landed, IntegratedVerified, SealRequested, Sealed, Answered, LeaseExtended,
                 IssueRaised, IssueResolved, QuestionAsked, UsageRecorded, TimePassed, LimitHit,
                 UserStopped, UserPaused, UserResumed, UserAnswered, UserTold, UserWaived,
                 TodoDecided, TaskProposed, TaskReworded, CommandRefused, NoticePosted, NoticeTold,
                 SessionCrashed, StuckDetected>;

/// The form in which events are written. A member more needs no new one: readers take what is
/// missing as the default. Anything else does, with a step in events.cpp that lifts the older form.
inline constexpr int event_version = 1;

/// Stable name of the event's type: "mission_started", "landed" ...
[[nodiscard]] std::string_view event_name(const EventBody& event) noexcept;
/// {"type": name, ...members}.
[[nodiscard]] nlohmann::json event_to_json(const EventBody& event);
/// Inverse; the error names what is wrong, and is no corrupt when a newer muster wrote it.
Result<EventBody> event_from_json(const nlohmann::json& in);

}  // namespace muster
