#pragma once
// What the shell's reader asks of nodes and of the text between them. Internal to this adapter.

#include <string_view>

#include "adapters/treesitter/nodes.hpp"
#include "runtime/core/text.hpp"

namespace muster::treesitter {

inline bool is_substitution(TSNode node) {
  return is(node, "command_substitution") || is(node, "process_substitution");
}

inline bool is_redirect(TSNode node) {
  return is(node, "file_redirect") || is(node, "heredoc_redirect") ||
         is(node, "herestring_redirect");
}

/// Blank space and line continuations.
inline bool is_blank(std::string_view gap) {
  for (std::size_t at = 0; at < gap.size(); ++at) {
    if (gap[at] == '\\' && at + 1 < gap.size() && gap[at + 1] == '\n')
      ++at;
    else if (std::string_view(" \t\r\n").find(gap[at]) == std::string_view::npos)
      return false;
  }
  return true;
}

/// " - ": a "-" that is a word of its own.
inline bool is_lone_dash(std::string_view gap) {
  return gap.size() >= 3 && gap.front() == ' ' && gap.back() == ' ' && trim(gap) == "-";
}

}  // namespace muster::treesitter
