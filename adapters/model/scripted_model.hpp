#pragma once
// The scripted model without its wire: request in, reply out.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/model/scenario.hpp"
#include "adapters/model/scripted_request.hpp"

namespace muster::scripted {

struct ReplyToolCall {
  std::optional<std::string> id;  ///< empty = sent without one
  std::string name;
  std::string arguments;
};

/// What is to be sent, and how.
struct ScriptedReply {
  std::string text;
  std::string reasoning;
  std::vector<ReplyToolCall> tool_calls;
  std::string finish_reason;
  std::optional<ScriptedUsage> usage;
  Pace pace;
  Fault fault;
};

/// Plays a scenario. Counts how often rules were met, so one object is one play. One thread at a
/// time.
class ScriptedModel {
 public:
  explicit ScriptedModel(Scenario scenario);

  /// The reply of the first rule that matches, else of the stochastic mode. The error (not_found)
  /// of a gap in the scenario names agent, task, turn and attempt.
  Result<ScriptedReply> reply(const ScriptedRequest& request);

  /// Forgets how often rules were met and used.
  void reset();

  struct RuleCount {
    std::uint64_t met = 0;   ///< its conditions, nth aside, held
    std::uint64_t used = 0;  ///< it gave the reply
  };
  /// One per rule, in their order.
  [[nodiscard]] const std::vector<RuleCount>& counts() const noexcept { return counts_; }
  [[nodiscard]] const Scenario& scenario() const noexcept { return scenario_; }

 private:
  struct Match;
  bool matches(std::size_t index, const ScriptedRequest& request, Match& match);
  ScriptedReply render_rule(const Rule& rule, const ScriptedRequest& request, const Match& match);

  Scenario scenario_;
  std::vector<RuleCount> counts_;
  std::uint64_t next_call_id_ = 1;
};

/// Tokens of a text, as the estimate that the usage numbers use: a quarter of its bytes, rounded
/// up.
std::int64_t estimated_tokens(std::size_t bytes) noexcept;

}  // namespace muster::scripted
