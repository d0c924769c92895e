#pragma once
// The words of one session, kept as serialised fragments, and their folding when the window fills
// up.

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/chat.hpp"

namespace muster {

/// Messages in order. Each is serialised once; building a request copies bytes, never
/// re-serialises.
class Transcript {
 public:
  void add(ChatFragment message);
  /// A tool result: may be folded later. `what` says how to get it again ("read src/a.cpp").
  void add_tool_result(const std::string& call_id, const std::string& text,
                       const std::string& what);
  /// The same with a message that was serialised before.
  void add_tool_result(ChatFragment message, const std::string& call_id, const std::string& what);

  /// Replaces the oldest tool results by short notes until at most `target_tokens` (estimated) are
  /// left; the last `keep` results stay. Returns the tokens saved: 0 means that nothing could be
  /// folded.
  std::int64_t fold(std::int64_t target_tokens, std::size_t keep = 2);

  [[nodiscard]] std::int64_t estimated_tokens() const noexcept;
  [[nodiscard]] const std::vector<ChatFragment>& fragments() const noexcept { return fragments_; }

 private:
  struct Foldable {
    std::size_t position;
    std::string call_id;
    std::string what;
    bool folded = false;
  };
  std::vector<ChatFragment> fragments_;
  std::vector<Foldable> results_;
  std::size_t bytes_ = 0;
};

}  // namespace muster
