#include "runtime/core/ladder.hpp"

#include <algorithm>

namespace muster {
namespace {

/// M1.T2 can become M1.T2.S1 and M1.T2.S2; what is a part already cannot.
bool can_decompose(const TaskState& task) {
  return std::count(task.spec.id.begin(), task.spec.id.end(), '.') == 1;
}

Rung task_rung(const State& state, const TaskState& task) {
  if (can_decompose(task)) return Rung::decompose;
  return state.replans < max_replans ? Rung::replan : Rung::ask;
}

}  // namespace

Rung next_rung(const State& state, const IntentIssued& intent, const StuckSeen& seen) {
  if (seen.kind == StuckKind::stuck_decoder || seen.kind == StuckKind::silent_stream)
    return Rung::retry;
  auto told = state.interventions.find(intent.id);
  bool fresh = seen.progressed || told == state.interventions.end() || told->second == 0;
  // Whoever says the same without a tool call has been reminded after each time.
  if (fresh && seen.kind != StuckKind::same_output) return Rung::intervene;
  const auto* task = state.task(intent.task);
  bool writes = intent.kind == IntentKind::work || intent.kind == IntentKind::fix;
  return task && writes ? task_rung(state, *task) : Rung::restart;
}

std::string intervention_text(const StuckSeen& seen) {
  auto text = "The engine sees that this session gets nowhere: it " + seen.detail + ". ";
  text +=
      seen.kind == StuckKind::only_reads
          ? "You have read enough. Make the change now, or end with your final tool."
          : "Doing it again will give the same. Think about why, then do something else: read "
            "the error, look at another place, take a smaller step, or end with your final tool "
            "and say what stands in the way.";
  return text;
}

bool is_held(const State& state) {
  return std::any_of(state.questions.begin(), state.questions.end(),
                     [](const Question& question) { return question.id == progress_question; });
}

bool needs_user(const State& state) {
  return state.wants_user || (is_held(state) && state.open.empty());
}

std::optional<StuckDetected> detect_no_progress(const State& state) {
  auto stale = state.stale_iterations;
  if (is_terminal(state.phase) || stale <= state.stale_answered) return std::nullopt;
  bool asks = stale >= stale_ask;
  if (!asks && (stale < stale_intervene || state.stale_answered >= stale_intervene))
    return std::nullopt;
  StuckDetected out;
  out.kind = StuckKind::no_progress;
  out.rung = asks ? Rung::ask : Rung::intervene;
  out.detail = std::to_string(stale) + " iterations brought no progress";
  for (const auto& reason : state.last_reasons) {
    out.detail += "; still: " + reason;
    if (out.detail.size() > 600) break;
  }
  return out;
}

}  // namespace muster
