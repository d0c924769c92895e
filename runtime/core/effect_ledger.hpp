#pragma once
// What sessions did that must not be done twice: their commands, as the journal holds them. When a
// session's step fails (a crash, a restart of the engine), whoever takes the step over is told what
// was run before it and what came of it; what has no receipt may or may not have run.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/events.hpp"

namespace muster {

/// How a command ended, from the "effect" row of its receipt: "exit code 3", "ended by signal 9".
[[nodiscard]] std::string command_outcome(const nlohmann::json& row);

/// Folds a mission's events, in their order. Which commands the sessions ran is asked of the
/// journal afterwards, for those alone that matter.
class EffectLedger {
 public:
  void on_event(const EventBody& event);
  /// Sessions ("S12" for intent 12) whose commands somebody may have to be told.
  [[nodiscard]] std::vector<std::string> sessions() const;
  /// A record of kind "effect", in order: `session` is its key, `row` its JSON.
  void on_effect(std::string_view session, std::string_view row);

  /// For the briefing of the next session of that kind for that task: a line for each command of
  /// the sessions whose step failed since the last that succeeded, oldest first. Empty = none.
  [[nodiscard]] std::string left_by_failed(IntentKind kind, const std::string& task) const;

  /// For a snapshot: what came of the events, without the commands.
  [[nodiscard]] nlohmann::json to_json() const;
  /// Inverse; nullopt when it is none.
  static std::optional<EffectLedger> from_json(const nlohmann::json& in);

 private:
  struct Command {
    std::string job;
    std::string text;
    std::string outcome;  ///< empty = unknown
  };
  using Step = std::pair<IntentKind, std::string>;

  void carry(IntentId intent);
  void settle(IntentId intent);

  std::map<IntentId, Step> steps_;                ///< that are open
  std::map<Step, std::vector<IntentId>> failed_;  ///< since the last success, oldest first
  std::map<std::string, std::vector<Command>, std::less<>> commands_;  ///< by session
};

}  // namespace muster
