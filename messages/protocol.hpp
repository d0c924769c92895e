#pragma once
// Every typed actor interface of muster: what may be said to whom. One sentence per message.
// `result<R>` is what the message is answered with; an error reply carries a muster::Error
// (messages/errors.hpp).

#include <caf/actor.hpp>
#include <caf/result.hpp>
#include <caf/typed_actor.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "messages/errors.hpp"
#include "messages/supervision.hpp"
#include "messages/types.hpp"
#include "messages/values.hpp"
#include "runtime/core/tree_epoch.hpp"

namespace muster {

using caf::result;

// ---- registry -----------------------------------------------------------------------------------

/// Whoever depends on a supervised actor and must follow it through restarts.
using handle_watcher = caf::typed_actor<
    // The actor known by this name is now that one; an invalid handle while it is down.
    result<void>(handle_changed_atom, std::string, caf::actor)>;

// ---- supervisor ---------------------------------------------------------------------------------

/// Keeps a table of children alive (actors/supervisor.hpp). An exit message with user_shutdown
/// stops it in order.
using supervisor_actor = caf::typed_actor<
    // Adds a child and starts it; answered with its handle, or already_exists, or why it did not
    // start.
    result<caf::actor>(start_child_atom, ChildSpecPtr),
    // Stops a child within its budget; answered when it is gone. A dynamic supervisor forgets the
    // child, others keep its spec.
    result<void>(terminate_child_atom, std::string),
    // Starts a child again that was stopped by terminate_child or that ended and was not restarted;
    // answered with its handle.
    result<caf::actor>(restart_child_atom, std::string),
    // Forgets the spec of a stopped child; conflict while it runs.
    result<void>(delete_child_atom, std::string),
    // Lists the children in start order.
    result<ChildList>(which_children_atom),
    // Counts the children.
    result<ChildCounts>(count_children_atom),
    // Gives the handle of a running child by its id; not_found, or unavailable while it is down.
    result<caf::actor>(whereis_atom, std::string)>;

// ---- notifier -----------------------------------------------------------------------------------

/// An actor that consumes notices; its answer is the credit for the next one.
using notice_consumer = caf::typed_actor<
    // Here is one notice.
    result<void>(notice_atom, NoticePtr)>;

/// A subscription: exactly one of `sink` and `consumer`, and the bound of its queue.
struct SinkSpec {
  std::string id;
  std::shared_ptr<NoticeSink> sink;
  notice_consumer consumer;
  std::size_t capacity =
      1024;  ///< notices; when full the oldest tick is dropped, and the sink is told how many
  /// A sink that may have nobody behind it: that it takes a notice tells nobody. It calls the
  /// notice's `taken` itself.
  bool passive = false;
};

/// Bounded fan-out of notices to front ends; its crash costs ticks, no work.
using notifier_actor = caf::typed_actor<
    // Tells all sinks; never waits.
    result<void>(publish_atom, NoticePtr),
    // Adds a sink, or replaces the one of the same id.
    result<void>(subscribe_atom, SinkSpec),
    // Removes a sink; not_found when there is none.
    result<void>(unsubscribe_atom, std::string),
    // Tells how the sinks fare.
    result<NotifierStatus>(status_atom)>;

// ---- journal ------------------------------------------------------------------------------------

/// Who must know that a mission's journal failed: the mission, which pauses.
using journal_listener = caf::typed_actor<
    // The mission's journal takes nothing more until it is reopened.
    result<void>(journal_failed_atom, JournalFailure)>;

struct JournalSubscription {
  std::string mission;
  journal_listener listener;
};

/// The one way into the store: ordered, bounded, durable before it is acknowledged.
using journal_actor = caf::typed_actor<
    // Appends; answered with the last sequence once it is on disk, or unavailable (nothing queued)
    // above the bound.
    result<std::uint64_t>(append_atom, JournalBatch),
    // Appends in order with the others and answers at once; a failure is told to the mission's
    // listeners.
    result<void>(append_lazy_atom, JournalBatch),
    // Answers when everything of the mission (empty: of all) that was appended before is durable,
    // or with the failure.
    result<void>(flush_atom, std::string),
    // Tells the listener about a failure of its mission's journal, at once when it has failed
    // already; ends with the listener.
    result<void>(subscribe_atom, JournalSubscription),
    // Ends the subscription.
    result<void>(unsubscribe_atom, JournalSubscription),
    // Tries a failed journal again.
    result<void>(reopen_atom, std::string),
    // Tells its load.
    result<JournalStatus>(status_atom)>;

// ---- scheduler ----------------------------------------------------------------------------------

/// Decides who may run and when a call may go. Whoever sends acquire is watched: when it dies, all
/// it holds is freed.
using scheduler_actor = caf::typed_actor<
    // Waits for a slot; answered when granted, with timeout when it took too long, or cancelled.
    result<void>(acquire_atom, SlotRequest),
    // Gives a granted slot back; not_found for a ticket that holds none, which frees nothing.
    result<void>(release_atom, std::string),
    // Ends a wait (its acquire or admit is answered with cancelled) or gives the slot back,
    // whichever it is.
    result<void>(cancel_atom, std::string),
    // Waits until one call may go on the lane; answered then, or with an error when the lane
    // refuses calls for good.
    result<void>(admit_atom, AdmitRequest),
    // Tells how an admitted call ended: pauses, opens or closes the lane for everyone.
    result<void>(report_atom, CallReport),
    // Tells slots, waits, pauses and breakers.
    result<SchedulerStatus>(status_atom)>;

// ---- jobs ---------------------------------------------------------------------------------------

/// Who started a job.
using job_owner = caf::typed_actor<
    // A job of yours ended; an error reply makes it be told again, later.
    result<void>(job_done_atom, JobReceiptPtr)>;

struct StartJob {
  JobSpec spec;
  TreeEpoch::Ticket epoch;  ///< over: the job is not started, also when it had to wait
  job_owner owner;  ///< invalid: nobody is told, unless a rebind names somebody before the end
};

/// A restarted owner takes over: mission and session must match the tags of the jobs exactly.
struct RebindJobs {
  JobOwnerTag tag;  ///< task is ignored
  job_owner owner;
};

/// One actor per child process, under a limit.
using jobs_actor = caf::typed_actor<
    // Starts or queues a job; already_exists for a known id, limit_reached when even the queue is
    // full.
    result<JobStarted>(start_atom, StartJob),
    // Ends a job; answered when it is gone. A job that is done already is no error.
    result<void>(kill_atom, std::string),
    // Ends all jobs that match and refuses new ones that match meanwhile; answered with their
    // number when all are gone.
    result<std::uint64_t>(kill_scope_atom, JobFilter),
    // Shows at most so many bytes from the end of a job's output, also while it runs.
    result<JobTail>(tail_atom, std::string, std::uint64_t),
    // Lists the jobs that match, recent finished ones included.
    result<JobList>(list_atom, JobFilter),
    // Tells the state of one job.
    result<JobInfo>(check_atom, std::string),
    // Hands jobs, and receipts that could not be told, to the owner's new incarnation.
    result<void>(rebind_atom, RebindJobs)>;

// ---- sessions -----------------------------------------------------------------------------------

/// One agent at work: model calls and tools in turn until the role's final tool.
using session_actor = caf::typed_actor<
    // Goes on with what was started elsewhere.
    result<void>(resume_atom, Continuation),
    // Tells its model something between two turns; once for each id, however often it is sent.
    result<void>(tell_atom, Prompt),
    // Ends the session; its owner is told with code cancelled.
    result<void>(stop_atom),
    // A job of the session ended.
    result<void>(job_done_atom, JobReceiptPtr)>;

// ---- verification -------------------------------------------------------------------------------

/// Runs the checks of one verification as jobs and mints their receipts.
using verifier_actor = caf::typed_actor<
    // Goes on with what was started elsewhere.
    result<void>(resume_atom, Continuation),
    // Ends the verification; its owner is told with code cancelled.
    result<void>(stop_atom),
    // A check ended.
    result<void>(job_done_atom, JobReceiptPtr)>;

// ---- language servers ---------------------------------------------------------------------------

/// One language server for one folder: started when it is needed, stopped when it is not.
using language_actor = caf::typed_actor<
    // Goes on with what was started elsewhere.
    result<void>(resume_atom, Continuation),
    // Asks about texts; answered by the server, or with why it could not be asked.
    result<LanguageAnswerPtr>(ask_atom, LanguageQuestionPtr),
    // Tells its state.
    result<LanguageStatus>(status_atom)>;

/// Where servers are asked for: starts one for each language and folder, so many at once.
using languages_actor = caf::typed_actor<
    // Goes on with what was started elsewhere.
    result<void>(resume_atom, Continuation),
    // Asks the server of that language and folder, which is started first when it must be; answered
    // as above, or with limit_reached when too many questions wait.
    result<LanguageAnswerPtr>(ask_atom, LanguageKey, LanguageQuestionPtr),
    // A tree is gone (empty: all are): its servers end, what they were asked is answered with an
    // error.
    result<void>(release_atom, std::string),
    // Tells its load.
    result<LanguagesStatus>(status_atom)>;

// ---- hosts --------------------------------------------------------------------------------------

/// The program whose sessions this engine uses: kept at hand as long as this actor lives.
using host_server_actor = caf::typed_actor<
    // Goes on with what was started elsewhere.
    result<void>(resume_atom, Continuation),
    // Tells its state.
    result<HostServerStatus>(status_atom)>;

// ---- missions -----------------------------------------------------------------------------------

/// One mission: the only writer of its State.
using mission_actor = caf::typed_actor<
    // Goes on with what was started elsewhere.
    result<void>(resume_atom, Continuation),
    // A session ended.
    result<void>(session_done_atom, SessionResultPtr),
    // A session's state changed.
    result<void>(session_view_atom, SessionView),
    // The policy refused a command of a session or of a verification.
    result<void>(command_refused_atom, CommandRefused),
    // A verification ended.
    result<void>(verified_atom, VerifyResultPtr),
    // A session needs the mission; answered with text for the model, ask_user when the user
    // answered.
    result<std::string>(mission_tool_atom, MissionToolCall),
    // A launcher's request; answered with JSON.
    result<std::string>(control_atom, ControlRequest),
    // The mission's journal failed.
    result<void>(journal_failed_atom, JournalFailure)>;

}  // namespace muster
