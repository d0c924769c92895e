#include "runtime/core/hosted_turn.hpp"

#include <utility>

namespace muster {
namespace {

/// So many model calls that end without a reason and without a tool call are a circle: OpenCode
/// asks again at once, dozens of times a second.
constexpr int most_without_reason = 3;

}  // namespace

void HostedTurn::prompted(std::uint64_t prompt) {
  prompt_ = prompt;
  over_ = false;
  steps_without_reason_ = 0;
  calls_.clear();
  end_.reset();
}

void HostedTurn::called(ToolCall call) {
  steps_without_reason_ = 0;
  calls_.push_back(std::move(call));
}

bool HostedTurn::stepped(const HostStep& step) {
  if (!counted_.insert(step.message).second) return true;
  usage_.input_tokens += step.usage.input_tokens;
  usage_.cached_input_tokens += step.usage.cached_input_tokens;
  usage_.output_tokens += step.usage.output_tokens;
  usage_.cost_usd = usage_.cost_usd.value_or(0) + step.usage.cost_usd.value_or(0);
  if (step.finish != "unknown" || over_) return true;
  if (++steps_without_reason_ < most_without_reason) return true;
  failed({{ErrorCode::malformed, "the model's replies end without saying why"}, 0, {}});
  return false;
}

void HostedTurn::idle(const HostIdle& idle) {
  if (over_ || (idle.prompt != 0 && idle.prompt != prompt_)) return;
  if (!idle.message.empty() && !ended_with_.insert(idle.message).second) return;
  if (idle.failure) return failed(*idle.failure);
  over_ = true;
  ModelReply reply;
  reply.text = idle.text;
  reply.finish_reason = "stop";
  end_ = std::move(reply);
}

void HostedTurn::failed(ModelFailure failure) {
  over_ = true;
  end_ = std::move(failure);
}

void HostedTurn::heard(std::string text) { heard_.push_back(std::move(text)); }

std::optional<ModelOutcome> HostedTurn::take() {
  ModelReply reply;
  if (!calls_.empty()) {
    reply.tool_calls = std::exchange(calls_, {});
    reply.finish_reason = "tool_calls";
  } else if (!end_) {
    return std::nullopt;
  } else {
    auto end = std::move(*std::exchange(end_, std::nullopt));
    if (std::holds_alternative<ModelFailure>(end)) return end;
    reply = std::get<ModelReply>(std::move(end));
  }
  reply.heard = std::exchange(heard_, {});
  reply.usage = take_usage();
  return ModelOutcome(std::move(reply));
}

Usage HostedTurn::take_usage() { return std::exchange(usage_, {}); }

}  // namespace muster
