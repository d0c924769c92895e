#pragma once
// The type-id block of muster: every type and atom that travels in an actor message. There is
// exactly one, it is counted, and it must be the same in every translation unit: add at the end of
// a group, here and nowhere else. Value types are marked unsafe (not serialisable): muster is not
// distributed yet. Big ones travel as shared_ptr<const T>.

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/is_error_code_enum.hpp>
#include <caf/type_id.hpp>
#include <cstdint>
#include <memory>
#include <vector>

namespace muster {

enum class Fault : std::uint8_t;
struct Error;

struct JournalBatch;
struct JournalFailure;
struct JournalStatus;
struct JournalSubscription;
struct DurableNote;

struct SlotRequest;
struct AdmitRequest;
struct CallReport;
struct SchedulerStatus;

struct StartJob;
struct JobStarted;
struct JobReceipt;
struct JobInfo;
struct JobList;
struct JobTail;
struct JobFilter;
struct JobExitNote;
struct RebindJobs;
using JobReceiptPtr = std::shared_ptr<const JobReceipt>;

struct Notice;
struct SinkSpec;
struct NotifierStatus;
using NoticePtr = std::shared_ptr<const Notice>;

struct ChildSpec;
struct ChildInfo;
struct ChildList;
struct ChildCounts;
using ChildSpecPtr = std::shared_ptr<const ChildSpec>;

struct LanguageKey;
struct LanguageQuestion;
struct LanguageAnswer;
struct LanguageStatus;
struct LanguagesStatus;
struct HostServerStatus;
using LanguageQuestionPtr = std::shared_ptr<const LanguageQuestion>;
using LanguageAnswerPtr = std::shared_ptr<const LanguageAnswer>;

struct Continuation;
struct SessionResult;
struct SessionView;
struct MissionToolCall;
struct CommandRefused;
struct Prompt;
struct ControlRequest;
struct VerifyResult;
using SessionResultPtr = std::shared_ptr<const SessionResult>;
using VerifyResultPtr = std::shared_ptr<const VerifyResult>;

/// Registers the block above and CAF's own types. Call before the first actor system is made;
/// thread-safe, idempotent.
void init_message_types();

}  // namespace muster

CAF_BEGIN_TYPE_ID_BLOCK(muster, caf::first_custom_type_id)

CAF_ADD_TYPE_ID(muster, (muster::Fault))
CAF_ADD_TYPE_ID(muster, (muster::Error))

// journal
CAF_ADD_TYPE_ID(muster, (muster::JournalBatch))
CAF_ADD_TYPE_ID(muster, (muster::JournalFailure))
CAF_ADD_TYPE_ID(muster, (muster::JournalStatus))
CAF_ADD_TYPE_ID(muster, (muster::JournalSubscription))
CAF_ADD_TYPE_ID(muster, (muster::DurableNote))
CAF_ADD_ATOM(muster, muster, append_atom)
CAF_ADD_ATOM(muster, muster, append_lazy_atom)
CAF_ADD_ATOM(muster, muster, flush_atom)
CAF_ADD_ATOM(muster, muster, reopen_atom)
CAF_ADD_ATOM(muster, muster, durable_atom)
CAF_ADD_ATOM(muster, muster, journal_failed_atom)

// scheduler
CAF_ADD_TYPE_ID(muster, (muster::SlotRequest))
CAF_ADD_TYPE_ID(muster, (muster::AdmitRequest))
CAF_ADD_TYPE_ID(muster, (muster::CallReport))
CAF_ADD_TYPE_ID(muster, (muster::SchedulerStatus))
CAF_ADD_ATOM(muster, muster, acquire_atom)
CAF_ADD_ATOM(muster, muster, release_atom)
CAF_ADD_ATOM(muster, muster, cancel_atom)
CAF_ADD_ATOM(muster, muster, admit_atom)
CAF_ADD_ATOM(muster, muster, report_atom)

// jobs
CAF_ADD_TYPE_ID(muster, (muster::StartJob))
CAF_ADD_TYPE_ID(muster, (muster::JobStarted))
CAF_ADD_TYPE_ID(muster, (muster::JobReceipt))
CAF_ADD_TYPE_ID(muster, (muster::JobReceiptPtr))
CAF_ADD_TYPE_ID(muster, (muster::JobInfo))
CAF_ADD_TYPE_ID(muster, (muster::JobList))
CAF_ADD_TYPE_ID(muster, (muster::JobTail))
CAF_ADD_TYPE_ID(muster, (muster::JobFilter))
CAF_ADD_TYPE_ID(muster, (muster::JobExitNote))
CAF_ADD_TYPE_ID(muster, (muster::RebindJobs))
CAF_ADD_ATOM(muster, muster, start_atom)
CAF_ADD_ATOM(muster, muster, kill_atom)
CAF_ADD_ATOM(muster, muster, kill_scope_atom)
CAF_ADD_ATOM(muster, muster, tail_atom)
CAF_ADD_ATOM(muster, muster, list_atom)
CAF_ADD_ATOM(muster, muster, check_atom)
CAF_ADD_ATOM(muster, muster, rebind_atom)
CAF_ADD_ATOM(muster, muster, job_done_atom)
CAF_ADD_ATOM(muster, muster, exited_atom)

// notifier
CAF_ADD_TYPE_ID(muster, (muster::Notice))
CAF_ADD_TYPE_ID(muster, (muster::NoticePtr))
CAF_ADD_TYPE_ID(muster, (muster::SinkSpec))
CAF_ADD_TYPE_ID(muster, (muster::NotifierStatus))
CAF_ADD_ATOM(muster, muster, publish_atom)
CAF_ADD_ATOM(muster, muster, notice_atom)
CAF_ADD_ATOM(muster, muster, subscribe_atom)
CAF_ADD_ATOM(muster, muster, unsubscribe_atom)

// supervisor and registry
CAF_ADD_TYPE_ID(muster, (muster::ChildSpecPtr))
CAF_ADD_TYPE_ID(muster, (muster::ChildInfo))
CAF_ADD_TYPE_ID(muster, (muster::ChildList))
CAF_ADD_TYPE_ID(muster, (muster::ChildCounts))
CAF_ADD_ATOM(muster, muster, start_child_atom)
CAF_ADD_ATOM(muster, muster, terminate_child_atom)
CAF_ADD_ATOM(muster, muster, restart_child_atom)
CAF_ADD_ATOM(muster, muster, delete_child_atom)
CAF_ADD_ATOM(muster, muster, which_children_atom)
CAF_ADD_ATOM(muster, muster, count_children_atom)
CAF_ADD_ATOM(muster, muster, whereis_atom)
CAF_ADD_ATOM(muster, muster, handle_changed_atom)

// everywhere
CAF_ADD_ATOM(muster, muster, status_atom)
CAF_ADD_TYPE_ID(muster, (muster::Continuation))
CAF_ADD_ATOM(muster, muster, resume_atom)

// sessions, verifications, missions
CAF_ADD_TYPE_ID(muster, (muster::SessionResultPtr))
CAF_ADD_TYPE_ID(muster, (muster::SessionView))
CAF_ADD_TYPE_ID(muster, (muster::MissionToolCall))
CAF_ADD_TYPE_ID(muster, (muster::ControlRequest))
CAF_ADD_TYPE_ID(muster, (muster::VerifyResultPtr))
CAF_ADD_TYPE_ID(muster, (muster::CommandRefused))
CAF_ADD_TYPE_ID(muster, (muster::Prompt))
CAF_ADD_ATOM(muster, muster, session_done_atom)
CAF_ADD_ATOM(muster, muster, session_view_atom)
CAF_ADD_ATOM(muster, muster, verified_atom)
CAF_ADD_ATOM(muster, muster, tell_atom)
CAF_ADD_ATOM(muster, muster, stop_atom)
CAF_ADD_ATOM(muster, muster, mission_tool_atom)
CAF_ADD_ATOM(muster, muster, control_atom)
CAF_ADD_ATOM(muster, muster, command_refused_atom)

// language servers
CAF_ADD_TYPE_ID(muster, (muster::LanguageKey))
CAF_ADD_TYPE_ID(muster, (muster::LanguageQuestionPtr))
CAF_ADD_TYPE_ID(muster, (muster::LanguageAnswerPtr))
CAF_ADD_TYPE_ID(muster, (muster::LanguageStatus))
CAF_ADD_TYPE_ID(muster, (muster::LanguagesStatus))
// hosts
CAF_ADD_TYPE_ID(muster, (muster::HostServerStatus))
CAF_ADD_ATOM(muster, muster, ask_atom)

CAF_END_TYPE_ID_BLOCK(muster)

CAF_ERROR_CODE_ENUM(muster::Fault)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::Error)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JournalBatch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JournalFailure)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JournalStatus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JournalSubscription)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::DurableNote)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::SlotRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::AdmitRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::CallReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::SchedulerStatus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::StartJob)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobStarted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobReceipt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobReceiptPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobInfo)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobList)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobTail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobFilter)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::JobExitNote)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::RebindJobs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::Notice)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::NoticePtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::SinkSpec)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::NotifierStatus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::ChildSpecPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::ChildInfo)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::ChildList)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::ChildCounts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::Continuation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::SessionResultPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::SessionView)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::MissionToolCall)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::ControlRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::VerifyResultPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::CommandRefused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::Prompt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::LanguageKey)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::LanguageQuestionPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::LanguageAnswerPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::LanguageStatus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::LanguagesStatus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(muster::HostServerStatus)
