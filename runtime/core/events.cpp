#include "runtime/core/events.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "runtime/core/event_json.hpp"

namespace muster {

#define MUSTER_FIELDS(...) NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(__VA_ARGS__)
MUSTER_FIELDS(MissionStarted, mission, objective, kind, workspace, team, approve_plan, baseline,
              at_ms, limits)
MUSTER_FIELDS(StepFailed, intent, error)
MUSTER_FIELDS(ContextDiscovered, intent, base, tree, stack, commands, dirty)
MUSTER_FIELDS(BaselineRecorded, intent, receipts)
MUSTER_FIELDS(Triaged, intent, kind, reason, answer, task)
MUSTER_FIELDS(PlanSubmitted, intent, tasks, summary)
MUSTER_FIELDS(SnapshotReady, intent, base, conflicts)
MUSTER_FIELDS(WorkSubmitted, intent, summary, tool_calls, changed, test_exempt_reason)
MUSTER_FIELDS(TaskVerified, intent, tree, receipts, changed, findings)
MUSTER_FIELDS(VerdictGiven, intent, approve, summary, findings)
MUSTER_FIELDS(Landed, intent, commit, tree)
MUSTER_FIELDS(IntegratedVerified, intent, tree, receipts)
MUSTER_FIELDS(SealRequested, intent, summary)
MUSTER_FIELDS(Answered, intent, text, positive)
MUSTER_FIELDS(LeaseExtended, task, files)
MUSTER_FIELDS(IssueRaised, id, task, title, detail, by)
MUSTER_FIELDS(IssueResolved, id, resolution)
MUSTER_FIELDS(QuestionAsked, id, task, session, text)
MUSTER_FIELDS(UsageRecorded, session, role, task, input_tokens, cached_input_tokens, output_tokens,
              cost_usd)
MUSTER_FIELDS(TimePassed, at_ms)
MUSTER_FIELDS(UserStopped, by, reason)
MUSTER_FIELDS(UserAnswered, question, text)
MUSTER_FIELDS(UserTold, task, text)
MUSTER_FIELDS(UserWaived, check)
MUSTER_FIELDS(TodoDecided, task, accept, by, reason)
MUSTER_FIELDS(TaskProposed, task)
MUSTER_FIELDS(TaskReworded, task, title)
MUSTER_FIELDS(CommandRefused, session, role, task, command, reason)
MUSTER_FIELDS(NoticePosted, id, notice, data)
MUSTER_FIELDS(NoticeTold, id)
MUSTER_FIELDS(SessionCrashed, step, session, error)
MUSTER_FIELDS(StuckDetected, step, session, role, task, kind, rung, detail, progressed)
#undef MUSTER_FIELDS

namespace {

template <class T>
concept HasNoFields = std::is_empty_v<T>;

constexpr std::array<std::string_view, std::variant_size_v<EventBody>> names{"mission_started",
                                                                             "intent_issued",
                                                                             "step_failed",
                                                                             "context_discovered",
                                                                             "baseline_recorded",
                                                                             "triaged",
                                                                             "plan_submitted",
                                                                             "snapshot_ready",
                                                                             "work_submitted",
                                                                             "task_verified",
                                                                             "verdict_given",
                                                                             "merged",
                                                                             "landed",
                                                                             "integrated_verified",
                                                                             "seal_requested",
                                                                             "sealed",
                                                                             "answered",
                                                                             "lease_extended",
                                                                             "issue_raised",
                                                                             "issue_resolved",
                                                                             "question_asked",
                                                                             "usage_recorded",
                                                                             "time_passed",
                                                                             "limit_hit",
                                                                             "user_stopped",
                                                                             "user_paused",
                                                                             "user_resumed",
                                                                             "user_answered",
                                                                             "user_told",
                                                                             "user_waived",
                                                                             "todo_decided",
                                                                             "task_proposed",
                                                                             "task_reworded",
                                                                             "command_refused",
                                                                             "notice_posted",
                                                                             "notice_told",
                                                                             "session_crashed",
                                                                             "stuck_detected"};

template <std::size_t Index>
EventBody read_as(const nlohmann::json& in) {
  using T = std::variant_alternative_t<Index, EventBody>;
  if constexpr (HasNoFields<T>)
    return T{};
  else
    return in.get<T>();
}

template <std::size_t... Index>
EventBody read_by_index(std::size_t wanted, const nlohmann::json& in,
                        std::index_sequence<Index...>) {
  using Reader = EventBody (*)(const nlohmann::json&);
  static constexpr std::array<Reader, sizeof...(Index)> readers{&read_as<Index>...};
  return readers[wanted](in);
}

}  // namespace

std::string_view event_name(const EventBody& event) noexcept { return names[event.index()]; }

nlohmann::json event_to_json(const EventBody& event) {
  nlohmann::json out = std::visit(
      [](const auto& body) -> nlohmann::json {
        if constexpr (HasNoFields<std::decay_t<decltype(body)>>)
          return nlohmann::json::object();
        else
          return body;
      },
      event);
  out["type"] = event_name(event);
  if (event_version > 1) out["v"] = event_version;  // 1 is what events without it have
  return out;
}

Result<EventBody> event_from_json(const nlohmann::json& in) try {
  auto version = in.value("v", 1);
  if (version > event_version)
    return Error{ErrorCode::invalid_argument,
                 "an event has version " + std::to_string(version) + "; this muster reads 1 to " +
                     std::to_string(event_version) + ": a newer muster wrote it"};
  auto type = in.value("type", std::string());
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == type)
      return read_by_index(i, in, std::make_index_sequence<std::variant_size_v<EventBody>>());
  return Error{ErrorCode::corrupt, "unknown event type '" + type + "'"};
} catch (const std::exception& e) {
  return Error{ErrorCode::corrupt, std::string("unreadable event: ") + e.what()};
}

}  // namespace muster
