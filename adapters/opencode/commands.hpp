#pragma once
// What a person typed into OpenCode after a slash, as a value.

#include <string>
#include <string_view>
#include <variant>

#include "runtime/core/events.hpp"
#include "runtime/core/result.hpp"

namespace muster::opencode {

/// /task, /auto, /plan, /review, /fix, /search with their words.
struct Start {
  MissionKind kind = MissionKind::run;
  std::string objective;
  bool without_approval = false;  ///< /auto: the plan is not shown first, whatever is configured
};
/// /task alone: the mission that was interrupted goes on.
struct GoOn {};
struct Stop {};
/// /cancel M1.T2.
struct Drop {
  std::string task;
};
struct ShowStatus {};
struct ShowAgents {};
struct Answer {
  std::string id;  ///< empty: the only question that is open
  std::string text;
};

using Command = std::variant<Start, GoOn, Stop, Drop, ShowStatus, ShowAgents, Answer>;

/// Errors: not_found for a name that is none of ours, invalid_argument with the usage for words
/// that are missing or too many. Pure.
Result<Command> parse_command(std::string_view name, std::string_view arguments);

}  // namespace muster::opencode
