#pragma once
// A transcript as words: what a session inside OpenCode is told when it has not been there.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace muster::opencode {

/// The first prompt of a session: its briefing; and when it takes over from an earlier one, what
/// was said and done there, the results shortened. The system message is left out: it is the
/// agent's. `messages` are those of a chat completion. Pure.
[[nodiscard]] std::string first_prompt(const nlohmann::json& messages);

/// What came after the first `known` messages, in two kinds: results of tool calls, by the call's
/// id, and what the user or the engine says.
struct NewWords {
  struct ToolText {
    std::string call;
    std::string text;
  };
  std::vector<ToolText> results;
  std::vector<std::string> said;
};
[[nodiscard]] NewWords words_since(const nlohmann::json& messages, std::size_t known);

/// Both as one prompt, for a session that waits for no result any more; "go on" when there is
/// nothing to say.
[[nodiscard]] std::string follow_up(const NewWords& words);

}  // namespace muster::opencode
