#pragma once
// What an agent is told when its session starts: the first user message, built from State alone, so
// that a rebuilt session is told the same. The system prompt stays byte-stable for prompt caches;
// everything particular stands here.

#include <string>

#include "runtime/core/gate.hpp"
#include "runtime/core/state.hpp"

namespace muster {

/// The line that names agent, task, attempt and session; always the first of the first user
/// message.
[[nodiscard]] std::string briefing_header(const std::string& agent, const std::string& task,
                                          int attempt, const std::string& session);

/// For whoever takes over from a session that was cut off: what that one ran (EffectLedger's
/// lines). Empty for none.
[[nodiscard]] std::string brief_commands_before(const std::string& commands);

/// What the engine knows besides State when it briefs: texts that it read from the trees. Bounded
/// by the caller.
struct BriefingExtras {
  std::string rules;  ///< AGENTS.md / CLAUDE.md of the workspace
  std::string tree;   ///< a short listing of the workspace
  std::string diff;   ///< of the task (review) or the mission (master review)
  std::string map;    ///< of the code, what matters to the objective first (plan); may be empty
};

[[nodiscard]] std::string brief_triage(const State& state, const BriefingExtras& extras);
[[nodiscard]] std::string brief_search(const State& state, const BriefingExtras& extras);
[[nodiscard]] std::string brief_plan(const State& state, const BriefingExtras& extras);
[[nodiscard]] std::string brief_work(const State& state, const TaskState& task,
                                     const BriefingExtras& extras);
[[nodiscard]] std::string brief_fix(const State& state, const TaskState& task,
                                    const BriefingExtras& extras);
/// For the planner: a task whose sessions went round in circles, to be cut into parts.
[[nodiscard]] std::string brief_decompose(const State& state, const TaskState& task,
                                          const BriefingExtras& extras);
[[nodiscard]] std::string brief_review(const State& state, const TaskState& task,
                                       const BriefingExtras& extras);
[[nodiscard]] std::string brief_master_review(const State& state, const BriefingExtras& extras);
[[nodiscard]] std::string brief_seal(const State& state);

/// One receipt as a line, and its output when it failed.
[[nodiscard]] std::string describe_receipt(const Receipt& receipt);
/// A plan as people read it.
[[nodiscard]] std::string describe_plan(const State& state);

}  // namespace muster
