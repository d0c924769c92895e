#pragma once
// What sessions did that must not be done twice: their commands, as the journal holds them. When a
// session's step fails (a crash, a restart of the engine), whoever takes the step over is told what
// was run before it and what came of it; what has no receipt may or may not have run.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/events.hpp"

namespace muster {

/// Folds a mission's records, in their order.
class EffectLedger {
 public:
  /// A record of kind "effect": `session` is its key ("S12" for intent 12), `row` its JSON.
  void on_effect(std::string_view session, std::string_view row);
  void on_event(const EventBody& event);

  /// For the briefing of the next session of that kind for that task: a line for each command of
  /// the sessions whose step failed since the last that succeeded, oldest first. Empty = none.
  [[nodiscard]] std::string left_by_failed(IntentKind kind, const std::string& task) const;

 private:
  struct Command {
    std::string job;
    std::string text;
    std::string outcome;  ///< empty = unknown
  };
  using Step = std::pair<IntentKind, std::string>;

  void carry(IntentId intent);
  void settle(IntentId intent);

  std::map<std::string, std::vector<Command>, std::less<>> running_;  ///< by session
  std::map<IntentId, Step> steps_;                                    ///< that are open
  std::map<Step, std::vector<Command>> failed_;
};

}  // namespace muster
