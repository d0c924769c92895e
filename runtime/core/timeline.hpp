#pragma once
// When each step of a mission began and ended, and what happened beside them: from its journal.

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"

namespace muster {

/// A step that an agent or the engine took. Times are wall clock, in milliseconds since 1970.
struct TimelineStep {
  IntentKind kind = IntentKind::discover;
  std::string task;  ///< empty for the mission's own
  int attempt = 0;
  int round = 0;
  int iteration = 0;
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = 0;  ///< 0: it has not ended
  std::string outcome;      ///< done | rejected | conflict | failed; empty: it has not ended
  std::string note;         ///< why, in one line
};

/// Something that takes no time.
struct TimelineMark {
  std::int64_t at_ms = 0;
  std::string kind;  ///< the event's name, "limit_hit"
  std::string task;
  std::string text;
};

/// Folds events in their order. Bounded: what comes after the first 20,000 steps and 5,000 marks is
/// counted and left out.
class Timeline {
 public:
  void on_event(const EventBody& event, std::int64_t at_ms);
  [[nodiscard]] const std::vector<TimelineStep>& steps() const { return steps_; }
  [[nodiscard]] const std::vector<TimelineMark>& marks() const { return marks_; }
  [[nodiscard]] nlohmann::json to_json() const;

 private:
  void begin(const IntentIssued& event, std::int64_t at_ms);
  void end(IntentId intent, std::string outcome, const std::string& note, std::int64_t at_ms);
  void mark(const EventBody& event, std::string task, const std::string& text, std::int64_t at_ms);

  std::vector<TimelineStep> steps_;
  std::vector<TimelineMark> marks_;
  std::map<IntentId, std::size_t> open_;  ///< positions in steps_
  std::size_t left_out_ = 0;
};

}  // namespace muster
