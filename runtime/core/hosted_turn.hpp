#pragma once
// The turn of a conversation that another program keeps: when it has ended, and with what. That
// program says some things twice, some late and some not at all.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/core/model_types.hpp"

namespace muster {

/// "Nothing runs any more", as a host tells it, with the message that it ended with.
struct HostIdle {
  std::uint64_t prompt = 0;  ///< the prompt of ours that the message answers; 0 = a person's own
  std::string message;       ///< its id; empty: nobody has answered
  std::string text;
  std::optional<ModelFailure> failure;
};

/// One model call of the host's: what it cost and why it ended.
struct HostStep {
  std::string message;
  std::string finish;  ///< "stop", "tool-calls", "length" ...; "unknown": the provider did not say
  Usage usage;
};

/// Turns what the host tells into replies of a model. A tool call of its model is a reply; so is
/// the end of its loop. A value: no clock, no actor, no connection.
class HostedTurn {
 public:
  /// It has been asked: from now on it counts what answers this prompt.
  void prompted(std::uint64_t prompt);
  void called(ToolCall call);
  /// False: the host runs in a circle, as it does when replies end without saying why. It must be
  /// aborted; the turn has failed.
  [[nodiscard]] bool stepped(const HostStep& step);
  /// An idleness that was told before, or that answers an earlier prompt, changes nothing.
  void idle(const HostIdle& idle);
  /// Ended from our side: aborted, lost, refused.
  void failed(ModelFailure failure);
  /// What a person told the model, past the engine.
  void heard(std::string text);

  /// Nothing runs: the next word to it is a prompt, and not the answer of a tool.
  [[nodiscard]] bool over() const noexcept { return over_; }
  /// The next reply; nullopt: it is still at work.
  [[nodiscard]] std::optional<ModelOutcome> take();
  /// What has been spent and was in no reply.
  [[nodiscard]] Usage take_usage();

 private:
  std::uint64_t prompt_ = 0;
  bool over_ = true;
  int steps_without_reason_ = 0;  // in a row
  std::vector<ToolCall> calls_;
  std::vector<std::string> heard_;
  std::optional<ModelOutcome> end_;
  std::set<std::string> counted_;  // messages whose cost is in usage_, or was
  std::set<std::string> ended_with_;
  Usage usage_;
};

}  // namespace muster
