#pragma once
// Small helpers on tree-sitter's nodes. Internal to this adapter.

#include <tree_sitter/api.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "runtime/core/text.hpp"

namespace muster::treesitter {

inline std::string_view type_of(TSNode node) { return ts_node_type(node); }

inline bool is(TSNode node, std::string_view type) { return type_of(node) == type; }

template <std::size_t N>
bool is_one_of(TSNode node, const std::array<std::string_view, N>& types) {
  return std::find(types.begin(), types.end(), type_of(node)) != types.end();
}

inline std::vector<TSNode> children_of(TSNode node) {
  std::vector<TSNode> out;
  if (ts_node_child_count(node) == 0) return out;
  out.reserve(ts_node_child_count(node));
  TSTreeCursor cursor = ts_tree_cursor_new(node);  // child(i) in a loop would be quadratic
  for (bool more = ts_tree_cursor_goto_first_child(&cursor); more;
       more = ts_tree_cursor_goto_next_sibling(&cursor))
    out.push_back(ts_tree_cursor_current_node(&cursor));
  ts_tree_cursor_delete(&cursor);
  return out;
}

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
