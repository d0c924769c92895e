#include "runtime/core/prompt_queue.hpp"

#include <iterator>
#include <utility>

namespace muster {

PromptQueue::Verdict PromptQueue::offer(Prompt prompt) {
  if (known_.contains(prompt.id)) return Verdict::duplicate;
  if (mode_ == SessionMode::stopping || waiting_.size() >= max_waiting ||
      known_.size() >= max_known)
    return Verdict::refused;
  known_.insert(prompt.id);
  waiting_.push_back(std::move(prompt));
  return Verdict::taken;
}

std::vector<Prompt> PromptQueue::take() {
  if (mode_ != SessionMode::idle && mode_ != SessionMode::retrying) return {};
  std::vector<Prompt> out(std::make_move_iterator(waiting_.begin()),
                          std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return out;
}

void PromptQueue::enter(SessionMode mode) {
  if (mode_ != SessionMode::stopping) mode_ = mode;  // there is no way back from the end
}

}  // namespace muster
