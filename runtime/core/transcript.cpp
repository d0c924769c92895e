#include "runtime/core/transcript.hpp"

namespace muster {

void Transcript::add(ChatFragment message) {
  bytes_ += message->size();
  fragments_.push_back(std::move(message));
}

void Transcript::add_tool_result(const std::string& call_id, const std::string& text,
                                 const std::string& what) {
  add_tool_result(tool_message(call_id, text), call_id, what);
}

void Transcript::add_tool_result(ChatFragment message, const std::string& call_id,
                                 const std::string& what) {
  results_.push_back({fragments_.size(), call_id, what});
  add(std::move(message));
}

std::int64_t Transcript::fold(std::int64_t target_tokens, std::size_t keep) {
  auto before = estimated_tokens();
  for (std::size_t i = 0; i + keep < results_.size() && estimated_tokens() > target_tokens; ++i) {
    auto& result = results_[i];
    if (result.folded) continue;
    auto& fragment = fragments_[result.position];
    auto note = tool_message(
        result.call_id, "[folded to save room: " + std::to_string(fragment->size()) + " bytes of " +
                            result.what + "; call it again if you need it]");
    result.folded = true;
    if (note->size() >= fragment->size()) continue;
    bytes_ -= fragment->size() - note->size();
    fragment = std::move(note);
  }
  return before - estimated_tokens();
}

std::int64_t Transcript::estimated_tokens() const noexcept { return estimate_tokens(bytes_); }

}  // namespace muster
