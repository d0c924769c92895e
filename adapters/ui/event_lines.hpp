#pragma once
// Events in words.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "adapters/ui/view.hpp"

namespace muster::ui {

/// Turns events into one line each. Remembers which step belongs to which task, since a step's end
/// names only its number. Bounded.
class EventLines {
 public:
  struct Line {
    std::string text;        ///< safe for a terminal, one line
    bool important = false;  ///< worth keeping above a live picture
  };
  /// Nullopt for what is of no interest to a person (ticks, accounting).
  [[nodiscard]] std::optional<Line> line(const UiEvent& event);

 private:
  struct Step {
    std::string kind;
    std::string task;
  };
  std::optional<Line> outcome_of_step(const UiEvent& event);
  Step step_of(const nlohmann::json& data) const;

  std::map<std::int64_t, Step> steps_;
};

}  // namespace muster::ui
