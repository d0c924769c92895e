#pragma once
// What is done about who gets nowhere: a ladder of intervene, decompose, re-plan, ask. It is
// climbed by one rung each time, and left by progress. Pure.
//   a session   told what was seen -> ended: its step is taken anew (review, plan, ...), or, for
//               whoever writes, the rungs of its task
//   a task      cut into parts by the planner -> failed, so that the next plan goes another way
//               -> parked, and a person asked
//   a mission   agents are told after 3 iterations without progress, a person is asked after 5

#include <optional>
#include <string>
#include <vector>

#include "runtime/core/state.hpp"

namespace muster {

/// Iterations in a row without progress: nothing landed, or what stood against the seal stayed the
/// same.
inline constexpr int stale_intervene = 3;
inline constexpr int stale_ask = 5;
/// So many times stuck tasks make a new plan, before a person is asked.
inline constexpr int max_replans = 2;

/// The question that holds a mission without progress.
inline constexpr std::string_view progress_question = "progress";

/// The rung for what was seen in the session of an open intent.
[[nodiscard]] Rung next_rung(const State& state, const IntentIssued& intent, const StuckSeen& seen);

/// What a model is told at the rung "intervene".
[[nodiscard]] std::string intervention_text(const StuckSeen& seen);

/// A mission whose iterations bring nothing; nullopt = all is well, or it has been said. Whoever
/// applies events records it.
[[nodiscard]] std::optional<StuckDetected> detect_no_progress(const State& state);

/// Nothing new begins: a person is asked how to go on.
[[nodiscard]] bool is_held(const State& state);

/// Nothing can go on before a person answers.
[[nodiscard]] bool needs_user(const State& state);

/// What is wrong with the parts into which a stuck task is to be cut, one sentence each; empty =
/// valid.
[[nodiscard]] std::vector<std::string> problems_of_parts(const State& state,
                                                         const std::string& whole,
                                                         const std::vector<TaskSpec>& parts);

}  // namespace muster
