#pragma once
// How a mission's sessions are named and cast: inner part of mission.

#include <string>

#include "runtime/core/state.hpp"

namespace muster {

/// The tree in which the mission's own steps look at the whole.
inline constexpr const char* integrated = "integrated";

[[nodiscard]] inline std::string session_name(const IntentIssued& intent) {
  return "S" + std::to_string(intent.id);
}

/// The cause "a person said the n-th thing".
[[nodiscard]] inline std::string told_id(int number) { return "told-" + std::to_string(number); }

/// Whether an agent carries the step out.
[[nodiscard]] bool is_session_step(IntentKind kind);

/// The place in the workflow; which agent plays it is the team's matter.
[[nodiscard]] const char* role_of(const State& state, IntentKind kind);

}  // namespace muster
