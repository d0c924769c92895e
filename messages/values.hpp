#pragma once
// Values that travel between actors. Plain data; what holds an actor's handle is in protocol.hpp.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/types.hpp"
#include "runtime/core/diagnostic.hpp"
#include "runtime/core/events.hpp"
#include "runtime/core/journal_record.hpp"
#include "runtime/core/process_types.hpp"
#include "runtime/core/prompt_queue.hpp"
#include "runtime/core/result.hpp"

namespace muster {

// ---- journal ------------------------------------------------------------------------------------

/// Records to append to a mission's journal, in order, as one atomic batch.
struct JournalBatch {
  std::string mission;
  std::vector<NewRecord> records;
};

/// A mission's journal takes no more records until it is reopened.
struct JournalFailure {
  std::string mission;
  Error error;
};

struct JournalStatus {
  std::size_t outstanding_bytes = 0;  ///< queued, not yet durable
  std::size_t outstanding_batches = 0;
  std::uint64_t appended_batches = 0;  ///< durable, since the actor started
  std::vector<std::string> failed;     ///< missions that are refused until reopened
};

/// From the store's writer thread to the journal actor.
struct DurableNote {
  std::uint64_t ticket = 0;
  Result<std::uint64_t> outcome = std::uint64_t{0};
};

// ---- scheduler ----------------------------------------------------------------------------------

/// Asks for a slot, which is needed for a session to run at all.
struct SlotRequest {
  std::string ticket;   ///< unique among all that wait or hold; the session's id will do
  std::string mission;  ///< missions share a lane fairly
  std::string lane;     ///< provider + account + model
  std::string provider;
  std::string agent;
  std::optional<std::chrono::milliseconds> timeout;  ///< of the wait; nullopt = none
};

/// Asks when one model call of the holder may go.
struct AdmitRequest {
  std::string lane;
  std::string ticket;
};

/// How one admitted call ended.
struct CallReport {
  std::string lane;
  std::string ticket;
  std::optional<ErrorCode> failure;  ///< nullopt = it succeeded
  std::optional<std::chrono::milliseconds> retry_after;
  std::chrono::milliseconds latency{0};  ///< to the first byte
};

/// One lane, for people.
struct LaneView {
  std::string lane;
  std::size_t in_use = 0;            ///< slots
  std::optional<std::size_t> limit;  ///< of slots, as adapted; nullopt = unlimited
  std::size_t waiting = 0;           ///< for a slot
  std::size_t calls = 0;             ///< admitted and not yet reported
  std::size_t held_back = 0;         ///< waiting for admission
  std::optional<std::chrono::milliseconds> paused_for;  ///< Retry-After or backoff: time left
  std::string breaker = "closed";                       ///< closed | open | half_open
};

struct SchedulerStatus {
  std::size_t in_use = 0;
  std::optional<std::size_t> limit;
  std::size_t waiting = 0;
  std::vector<LaneView> lanes;  ///< sorted by name
};

// ---- jobs ---------------------------------------------------------------------------------------

enum class JobKind { shell, verification, background, engine };
/// A job of scope task dies with its task, one of scope mission before the master review.
enum class JobScope { task, mission };

/// Whose job it is.
struct JobOwnerTag {
  std::string mission;
  std::string session;  ///< empty: the mission itself
  std::string task;     ///< empty: none
  bool operator==(const JobOwnerTag&) const = default;
};

struct JobSpec {
  std::string id;  ///< unique for ever (the journal's); a second start of the same id is refused
  JobOwnerTag owner;
  JobScope scope = JobScope::task;
  JobKind kind = JobKind::shell;
  std::string command;  ///< as people read it
  ProcessSpec process;
};

/// The accepted job.
struct JobStarted {
  std::string id;
  bool queued = false;  ///< waits for one of the concurrent places
};

/// How a job ended; told to the owner exactly once in the owner's life. After a restart of the
/// owner the same receipt may come again: job_id tells.
struct JobReceipt {
  std::string job_id;
  JobOwnerTag owner;
  JobKind kind = JobKind::shell;
  std::string command;
  ProcessExit exit;
  std::optional<Error> failure;  ///< it never ran to an end of its own: cancelled in the queue, its
                                 ///< actor crashed, ...
};

enum class JobState { queued, running, stopping, done };

struct JobInfo {
  std::string id;
  JobOwnerTag owner;
  JobScope scope = JobScope::task;
  JobKind kind = JobKind::shell;
  std::string command;
  JobState state = JobState::queued;
  std::int64_t running_ms = 0;     ///< so far, or in all
  std::uint64_t output_bytes = 0;  ///< written so far, kept or not
  std::optional<int> exit_code;    ///< when done by exit
  std::optional<int> signal;       ///< when done by a signal
  std::optional<Error> failure;    ///< when done without having run
};

struct JobList {
  std::vector<JobInfo> jobs;  ///< oldest first
};

struct JobTail {
  std::string output;              ///< at most what was asked, from the end
  std::uint64_t output_bytes = 0;  ///< in all
  bool done = false;
};

/// Which jobs: all of a mission, those of one task, or those of one session.
struct JobFilter {
  std::string mission;
  std::string task = {};     ///< empty = any
  std::string session = {};  ///< empty = any
  std::optional<JobScope> scope = {};
};

/// From the process port's thread to the job's actor.
struct JobExitNote {
  std::shared_ptr<ProcessExit> exit;
};

// ---- notifier -----------------------------------------------------------------------------------

/// Something a person or a front end may want to know. One without an id is a tick: losing it costs
/// nothing. One with an id is told until a front end has taken it; a front end that sees an id
/// again has been told already.
struct Notice {
  std::string mission;  ///< empty: the engine as a whole
  std::string type;     ///< e.g. "lane.paused"; snake_case after the dot
  std::string json;     ///< an object
  std::string id = {};  ///< unique in its mission; empty = a tick
  /// Called from any thread, as often as one likes, when somebody has been told; empty for a tick.
  std::function<void()> taken = {};
};

/// A consumer in another thread. offer() is called on the notifier's thread: it must not block, and
/// must not throw.
class NoticeSink {
 public:
  virtual ~NoticeSink() = default;
  /// Takes the notice, or says false: "not now"; then it is kept and offered again soon.
  virtual bool offer(const Notice& notice) = 0;
};

struct SinkView {
  std::string id;
  std::size_t queued = 0;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;  ///< its queue was full: the oldest went
};

struct NotifierStatus {
  std::vector<SinkView> sinks;
};

// ---- everywhere ---------------------------------------------------------------------------------

/// What an actor does when something that it started on another thread is ready. Made and run by
/// the same actor only, on its own thread.
struct Continuation {
  std::function<void()> run;
};

// ---- sessions -----------------------------------------------------------------------------------

/// How a session ended: with its final tool call, or with a failure.
struct SessionResult {
  std::string session;
  IntentId intent = 0;
  std::string final_tool;  ///< empty on failure
  std::string arguments;   ///< of the final tool: valid JSON, an object
  int tool_calls = 0;      ///< executed, the final one not counted
  int model_calls = 0;
  std::optional<Error> failure;
};

/// A session's state, for people.
struct SessionView {
  std::string session;
  std::string role;
  std::string task;
  std::string state;  ///< waiting_slot | waiting_model | tool_running | awaiting_human | retrying
  std::string doing;  ///< e.g. "shell: npm test"; not escaped
  std::int64_t since_ms = 0;  ///< wall clock at which the state began
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::optional<UsageRecorded> usage;  ///< of the last model call, told once
};

/// A tool that only the mission can carry out, asked for by one of its sessions.
struct MissionToolCall {
  std::string session;
  std::string role;
  std::string task;
  std::string
      tool;  ///< raise_issue, resolve_issue, todo_read, ask_user, lease, submit_plan, submit_triage
  std::string arguments;  ///< JSON
};

/// A request of a launcher or of a second terminal.
struct ControlRequest {
  std::string method;  ///< status, stop, pause, resume, answer, tell, todo, waive, logs
  std::string params;  ///< JSON
};

/// What a verification found.
struct VerifyResult {
  IntentId intent = 0;
  std::string tree;
  std::vector<Receipt> receipts;
  std::vector<std::string> changed;
  std::vector<ReviewFinding> findings;
  std::optional<Error> failure;  ///< it could not be carried out
};

// ---- language servers ---------------------------------------------------------------------------

/// Where a language server stands.
struct LanguageStatus {
  enum class State { down, starting, ready, stopping } state = State::down;
  std::uint64_t starts = 0;           ///< so far
  std::uint64_t waiting = 0;          ///< questions that wait for it
  std::uint64_t open = 0;             ///< questions that it is at
  std::int64_t retry_in_ms = 0;       ///< when down after a failure: until it is started again
  std::optional<Error> last_failure;  ///< forgotten when it is ready again
};

/// What the servers' desk is at.
struct LanguagesStatus {
  struct Place {
    LanguageKey key;
    std::uint64_t open = 0;  ///< questions that were handed to it
  };
  std::vector<Place> places;  ///< servers, started or about to be
  std::uint64_t waiting = 0;  ///< questions that wait for a place
};

// ---- hosts --------------------------------------------------------------------------------------

/// Where the server of a host stands.
struct HostServerStatus {
  enum class State { down, starting, ready } state = State::down;
  std::uint64_t starts = 0;           ///< so far
  std::optional<Error> last_failure;  ///< forgotten when it is ready again
};

}  // namespace muster
