// The part of the walk that looks at the text itself: does the grammar's reading leave anything
// out?

#include <algorithm>
#include <array>

#include "adapters/treesitter/shell_nodes.hpp"
#include "adapters/treesitter/shell_tree.hpp"

namespace muster::treesitter {

/// Every byte outside a token must be blank, and no token but its own may hold a substitution: what
/// the grammar skipped a shell may still run.
void ShellTreeWalker::check_text(TSNode root) {
  TSTreeCursor cursor = ts_tree_cursor_new(root);
  std::vector<TextKind> kinds{{}};
  std::size_t seen = 0;
  bool more = true;
  while (more) {
    const TSNode node = ts_tree_cursor_current_node(&cursor);
    if (is_substitution(node)) unvisited_.insert(ts_node_start_byte(node));
    if (ts_node_child_count(node) == 0) seen = check_leaf(node, kinds.back(), seen);
    more = ts_tree_cursor_goto_first_child(&cursor);
    if (more) kinds.push_back(inside(node, kinds.back()));
    while (!more) {
      more = ts_tree_cursor_goto_next_sibling(&cursor);
      if (more || !ts_tree_cursor_goto_parent(&cursor)) break;
      const TSNode parent = ts_tree_cursor_current_node(&cursor);
      seen = std::max<std::size_t>(seen, ts_node_end_byte(parent));
      kinds.pop_back();
    }
  }
  ts_tree_cursor_delete(&cursor);
  if (!is_blank(source_.substr(std::min(seen, source_.size())))) program_.has_error = true;
}

/// What the text directly inside `node` is.
ShellTreeWalker::TextKind ShellTreeWalker::inside(TSNode node, TextKind around) {
  if (is_substitution(node)) return {};
  if (is(node, "heredoc_body")) return {.heredoc = true};
  if (is(node, "string") || is(node, "translated_string")) around.string = true;
  if (is(node, "expansion")) around.expansion = true;
  return around;
}

/// Checks a token and the text before it, from `seen` on; returns where the token ends.
std::size_t ShellTreeWalker::check_leaf(TSNode node, TextKind kind, std::size_t seen) {
  const std::size_t begin = ts_node_start_byte(node);
  const bool in_heredoc = kind.heredoc || is(node, "heredoc_body");
  if (is(node, "heredoc_start"))
    heredoc_quoted_ = slice(node).find_first_of("'\"\\") != std::string_view::npos;
  if (is(node, "comment")) check_comment(node);
  auto gap = begin > seen ? source_.substr(seen, begin - seen) : std::string_view{};
  if (in_heredoc ? !heredoc_quoted_ && hides_command(gap, kind) : hides_command(gap, kind))
    program_.has_error = true;
  // A here-document's node may start late; heredoc() looks at its text itself.
  if (in_heredoc) gap = kind.heredoc ? std::string_view{} : gap.substr(0, gap.find('\n'));
  // The grammar loses the "-" of "python3 - <<EOF"; redirected() puts it back.
  const bool lost_dash = (is(node, "<<") || is(node, "<<-")) && is_lone_dash(gap);
  if (!kind.string && !kind.expansion && !lost_dash && !is_blank(gap)) program_.has_error = true;
  const bool literal = is(node, "comment") || is(node, "ansi_c_string") ||
                       is(node, "heredoc_start") || (is(node, "raw_string") && !kind.string) ||
                       (in_heredoc && heredoc_quoted_);
  static constexpr std::array<std::string_view, 5> openers{"`", "$(", "$((", "<(", ">("};
  if (!literal && !is_one_of(node, openers) && hides_command(slice(node), kind))
    program_.has_error = true;
  return std::max<std::size_t>(seen, ts_node_end_byte(node));
}

bool ShellTreeWalker::hides_command(std::string_view text, TextKind kind) const {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    const bool in_process = kind.expansion && !kind.string && (text[at] == '<' || text[at] == '>');
    const bool opens = text[at] == '`' || (next == '(' && (text[at] == '$' || in_process));
    if (opens && !is_escaped(static_cast<std::size_t>(text.data() - source_.data()) + at))
      return true;
  }
  return false;
}

/// An odd number of backslashes stands before `at`.
bool ShellTreeWalker::is_escaped(std::size_t at) const {
  std::size_t count = 0;
  while (count < at && source_[at - count - 1] == '\\') ++count;
  return count % 2 == 1;
}

/// A "#" in the middle of a word starts no comment.
void ShellTreeWalker::check_comment(TSNode node) {
  const auto begin = ts_node_start_byte(node);
  if (begin > 0 &&
      std::string_view(" \t\n;&|()`").find(source_[begin - 1]) == std::string_view::npos)
    program_.has_error = true;
  if (slice(node).find('\n') != std::string_view::npos) program_.has_error = true;
}

}  // namespace muster::treesitter
