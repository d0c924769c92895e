#pragma once
// What a mission did, from its journal alone: outcome, tasks, the evidence of each, when
// each step was, tokens by role.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"
#include "runtime/core/state.hpp"
#include "runtime/core/timeline.hpp"

namespace muster {

/// Folds all events of a mission, in their order. Unlike State it forgets no task's evidence.
class MissionReport {
 public:
  void on_event(const EventBody& event, std::int64_t at_ms);
  /// Docs/cli.md says what it holds.
  [[nodiscard]] nlohmann::json to_json() const;
  /// What was run, to its last verdict: the baseline's checks are left out. Tasks first, in the
  /// plan's order, then the integrated tree.
  [[nodiscard]] std::vector<Receipt> receipts() const;
  [[nodiscard]] const State& state() const { return state_; }

 private:
  struct Evidence {
    std::vector<Receipt> receipts;  ///< of the last verification
    std::string summary;            ///< of the last submission
    int verifications = 0;
  };
  struct Tokens {
    std::int64_t input = 0;
    std::int64_t cached = 0;
    std::int64_t output = 0;
    double cost_usd = 0;
  };
  void on(const TaskVerified& event);
  void on(const WorkSubmitted& event);
  void on(const UsageRecorded& event);

  State state_;
  Timeline timeline_;
  std::map<std::string, Evidence> evidence_;  ///< by task
  std::map<std::string, Tokens> tokens_;      ///< by role
  std::int64_t ended_at_ms_ = 0;              ///< of the last event before the end stood
};

/// The same for people: plain text, safe for a terminal.
[[nodiscard]] std::string report_text(const nlohmann::json& report);

}  // namespace muster
