#pragma once
// Small helpers on tree-sitter's nodes. Internal to this adapter.

#include <tree_sitter/api.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

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

/// How a walk goes on from a node.
enum class Descent {
  into,  ///< to its first child
  past,  ///< not into it
  stop,
};

/// Visits a node and what is below it in document order; `visit` says how to go on. False when it
/// was stopped. Needs no stack of its own, however deep the tree is.
template <class Visit>
bool each_node(TSNode top, Visit visit) {
  TSTreeCursor cursor = ts_tree_cursor_new(top);
  auto walk = Descent::into;
  for (bool more = true; more;) {
    walk = visit(ts_tree_cursor_current_node(&cursor));
    if (walk == Descent::stop) break;
    if (walk == Descent::into && ts_tree_cursor_goto_first_child(&cursor)) continue;
    while (!(more = ts_tree_cursor_goto_next_sibling(&cursor)))
      if (!ts_tree_cursor_goto_parent(&cursor)) break;
  }
  ts_tree_cursor_delete(&cursor);
  return walk != Descent::stop;
}

}  // namespace muster::treesitter
