#include "adapters/treesitter/shell_tree.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "adapters/treesitter/shell_nodes.hpp"
#include "adapters/treesitter/shell_word.hpp"

namespace muster::treesitter {
std::string_view ShellTreeWalker::slice(TSNode node) const {
  const auto begin = ts_node_start_byte(node);
  return source_.substr(begin, ts_node_end_byte(node) - begin);
}

bool ShellTreeWalker::glued(TSNode left, TSNode right) const {
  const auto end = ts_node_end_byte(left), begin = ts_node_start_byte(right);
  if (begin < end) return false;
  const auto gap = source_.substr(end, begin - end);
  return gap.find_first_of(" \t\r") == std::string_view::npos && is_blank(gap) &&
         std::count(gap.begin(), gap.end(), '\n') == std::count(gap.begin(), gap.end(), '\\');
}

Result<ShellProgram> ShellTreeWalker::walk(TSNode root) {
  program_.has_error = ts_node_has_error(root);
  check_text(root);
  statements(root, {});
  if (!unvisited_.empty()) program_.has_error = true;
  if (too_deep_)
    return Error{ErrorCode::limit_reached,
                 "the command is nested too deeply or has too many parts"};
  return std::move(program_);
}

void ShellTreeWalker::statements(TSNode node, const Surroundings& around) {
  std::size_t first = program_.commands.size();
  for (const TSNode child : children_of(node)) {
    if (ts_node_is_named(child)) {
      first = program_.commands.size();
      statement(child, around);
    } else {
      separator(type_of(child), first);
    }
  }
}

void ShellTreeWalker::separator(std::string_view token, std::size_t first_command) {
  if (token == "&")
    for (auto at = first_command; at < program_.commands.size(); ++at)
      program_.commands[at].background = true;
  if (token == "&" || token == ";" || token == "\n") joined_by_ = token == "&" ? "&" : ";";
}

void ShellTreeWalker::statement(TSNode node, const Surroundings& outer) {
  Surroundings around = outer;
  if (++around.depth > limits_.max_depth) {
    too_deep_ = true;
    return;
  }
  if (is(node, "command")) return command(node, around);
  if (is(node, "list")) return list(node, around);
  if (is(node, "pipeline")) return pipeline(node, around);
  if (is(node, "redirected_statement")) return redirected(node, around);
  if (is(node, "variable_assignment") || is(node, "variable_assignments"))
    return assignments(node, around);
  if (is(node, "declaration_command") || is(node, "unset_command") || is(node, "test_command"))
    return keyword_command(node, around);
  if (is(node, "function_definition")) return function(node, around);
  if (is(node, "comment")) return;
  if (is(node, "negated_command")) around.negated = true;
  if (is(node, "subshell")) around.scope += "/" + std::to_string(++subshells_);
  if (is(node, "subshell") || is(node, "negated_command")) return statements(node, around);
  if (is(node, "compound_statement")) {
    if (slice(node).starts_with("((")) return keyword_command(node, around);
    return statements(node, around);
  }
  conditional(node, around);
}

/// Loops, branches and whatever else the grammar has: nothing in it is sure to run.
void ShellTreeWalker::conditional(TSNode node, const Surroundings& outer) {
  Surroundings around = outer;
  around.top_level = false;
  static constexpr std::array<std::string_view, 6> with_statements{
      "do_group", "else_clause", "elif_clause", "if_statement", "while_statement", "case_item"};
  const bool has_statements = is_one_of(node, with_statements);
  for (const TSNode child : children_of(node)) {
    static constexpr std::array<std::string_view, 15> statement_types{"command",
                                                                      "list",
                                                                      "pipeline",
                                                                      "redirected_statement",
                                                                      "negated_command",
                                                                      "subshell",
                                                                      "compound_statement",
                                                                      "if_statement",
                                                                      "while_statement",
                                                                      "for_statement",
                                                                      "c_style_for_statement",
                                                                      "case_statement",
                                                                      "function_definition",
                                                                      "test_command",
                                                                      "do_group"};
    static constexpr std::array<std::string_view, 7> more_types{
        "else_clause",   "elif_clause",         "case_item",           "declaration_command",
        "unset_command", "variable_assignment", "variable_assignments"};
    if (is_one_of(child, statement_types) || (is_one_of(child, more_types) && has_statements) ||
        is(child, "case_item"))
      statement(child, around);
    else if (ts_node_is_named(child))
      substitutions(child, around);
  }
  if (outer.top_level) joined_by_ = ";";
}

void ShellTreeWalker::list(TSNode node, const Surroundings& around) {
  // Lists nest to the left; a long chain must not use up the depth.
  std::vector<TSNode> chain{node};
  while (true) {
    const TSNode left = ts_node_child(chain.back(), 0);
    if (ts_node_is_null(left) || !is(left, "list")) break;
    chain.push_back(left);
  }
  for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
    const auto parts = children_of(*at);
    for (std::size_t i = at == chain.rbegin() ? 0 : 1; i < parts.size(); ++i) {
      if (ts_node_is_named(parts[i]))
        statement(parts[i], around);
      else
        joined_by_ = type_of(parts[i]);
    }
  }
}

void ShellTreeWalker::pipeline(TSNode node, const Surroundings& outer) {
  Surroundings around = outer;
  for (const TSNode child : children_of(node)) {
    if (ts_node_is_named(child)) {
      statement(child, around);
    } else {
      joined_by_ = type_of(child);
      around.reads_pipe = true;
    }
  }
}

void ShellTreeWalker::redirected(TSNode node, const Surroundings& outer) {
  Surroundings around = outer;
  std::vector<ShellWord> extra_words;
  std::vector<TSNode> bodies, heredocs;
  for (const TSNode child : children_of(node)) {
    if (!ts_node_is_named(child)) continue;
    if (is(child, "heredoc_redirect")) heredocs.push_back(child);
    if (is_redirect(child))
      around.redirects.push_back(redirect(child, extra_words));
    else if (!is(child, "comment"))
      bodies.push_back(child);
  }
  for (const TSNode heredoc : heredocs)
    for (const TSNode child : children_of(heredoc))
      if (is(child, "file_redirect")) around.redirects.push_back(redirect(child, extra_words));
  for (const TSNode body : bodies) statement(body, around);
  if (!bodies.empty() && !heredocs.empty() && !program_.commands.empty()) {
    const auto end = ts_node_end_byte(bodies.back()), begin = ts_node_start_byte(heredocs.front());
    if (begin > end && is_lone_dash(source_.substr(end, begin - end)))
      program_.commands.back().words.push_back({"-", false, false, false});
  }
  if (bodies.empty()) {
    ShellCommand bare;
    bare.words = std::move(extra_words);
    add(std::move(bare), around, node);
  } else if (!extra_words.empty()) {
    // "make > log all": the words after the file belong to the command.
    if (program_.commands.empty())
      program_.has_error = true;
    else
      std::move(extra_words.begin(), extra_words.end(),
                std::back_inserter(program_.commands.back().words));
  }
  const std::size_t last = program_.commands.size();
  for (const TSNode child : children_of(node))
    if (is(child, "file_redirect") || is(child, "herestring_redirect")) substitutions(child, outer);
  for (const TSNode heredoc : heredocs) heredoc_rest(heredoc, outer, last);
}

/// What stands behind "<<EOF" on its line, and what the text itself runs.
void ShellTreeWalker::heredoc_rest(TSNode node, const Surroundings& outer,
                                   std::size_t last_command) {
  Surroundings around = outer;
  for (const TSNode child : children_of(node)) {
    if (is(child, "heredoc_start") || is(child, "heredoc_end") || is(child, "comment")) continue;
    if (is(child, "file_redirect") || is(child, "heredoc_body")) {
      substitutions(child, outer);
    } else if (is(child, "&&") || is(child, "||") || is(child, "|") || is(child, "|&")) {
      joined_by_ = type_of(child);
      around.reads_pipe = outer.reads_pipe || is(child, "|") || is(child, "|&");
    } else if (is(child, "pipeline") || is(child, "command") || is(child, "list") ||
               is(child, "redirected_statement") || is(child, "subshell") ||
               is(child, "compound_statement")) {
      statement(child, around);
    } else if (ts_node_is_named(child) && last_command > 0) {
      append_word(child, child, program_.commands[last_command - 1].words);
      substitutions(child, outer);
    } else if (!is(child, "<<") && !is(child, "<<-")) {
      program_.has_error = true;
    }
  }
}

ShellRedirect ShellTreeWalker::redirect(TSNode node, std::vector<ShellWord>& extra_words) {
  if (is(node, "heredoc_redirect")) return heredoc(node);
  ShellRedirect out;
  std::vector<std::pair<TSNode, TSNode>> targets;
  for (const TSNode child : children_of(node)) {
    if (is(child, "file_descriptor")) continue;
    if (!ts_node_is_named(child) && out.op.empty())
      out.op = slice(child);
    else if (!targets.empty() && glued(targets.back().second, child))
      targets.back().second = child;
    else
      targets.emplace_back(child, child);
  }
  std::vector<ShellWord> words;
  for (const auto& [first, last] : targets) append_word(first, last, words);
  if (!words.empty()) {
    out.target = words.front();
    extra_words.insert(extra_words.end(), words.begin() + 1, words.end());
  }
  return out;
}

/// The text of a here-document, found as a shell finds it; the grammar must agree where it ends.
ShellRedirect ShellTreeWalker::heredoc(TSNode node) {
  ShellRedirect out{"<<", {}};
  std::string delimiter;
  bool quoted = false, strip_tabs = false;
  std::size_t from = 0, end = 0;
  for (const TSNode child : children_of(node)) {
    if (is(child, "<<-")) strip_tabs = true;
    if (is(child, "heredoc_start")) {
      const auto word = scan_word(slice(child));
      quoted = slice(child).find_first_of("'\"\\") != std::string_view::npos;
      if (word.malformed || word.words.size() != 1) program_.has_error = true;
      delimiter = word.words.empty() ? "" : word.words.front().text;
      from = ts_node_end_byte(child);
    }
    if (is(child, "heredoc_end")) end = ts_node_start_byte(child);
  }
  auto at = source_.find('\n', from);
  bool found = false;
  std::string body;
  while (at != std::string_view::npos && !found) {
    const auto begin = at + 1;
    at = source_.find('\n', begin);
    auto line = source_.substr(std::min(begin, source_.size()),
                               at == std::string_view::npos ? at : at - begin);
    std::size_t tabs = 0;
    while (strip_tabs && tabs < line.size() && line[tabs] == '\t') ++tabs;
    line.remove_prefix(tabs);
    found = line == delimiter && (at != std::string_view::npos || !line.empty());
    if (found && (end < begin || end > begin + tabs)) program_.has_error = true;
    if (!found) body.append(line).append("\n");
  }
  if (!found) program_.has_error = true;
  out.target.dynamic = !quoted && body.find_first_of("$`\\") != std::string::npos;
  out.target.text = std::move(body);
  return out;
}

void ShellTreeWalker::command(TSNode node, const Surroundings& around) {
  ShellCommand out;
  std::vector<std::pair<TSNode, TSNode>> words;
  std::vector<ShellWord> extra_words;
  for (const TSNode child : children_of(node)) {
    if (is(child, "comment")) continue;
    if (is(child, "variable_assignment") || is(child, "variable_assignments")) {
      const auto scanned = scan_word(slice(child));
      if (scanned.malformed || scanned.words.empty())
        out.assignments.push_back({std::string(slice(child)), true, false, false});
      else
        out.assignments.push_back(scanned.words.front());
    } else if (is_redirect(child)) {
      out.redirects.push_back(redirect(child, extra_words));
    } else if (!words.empty() && glued(words.back().second, child)) {
      words.back().second = child;
    } else {
      words.emplace_back(child, child);
    }
  }
  for (const auto& [first, last] : words) append_word(first, last, out.words);
  std::move(extra_words.begin(), extra_words.end(), std::back_inserter(out.words));
  add(std::move(out), around, node);
  for (const TSNode child : children_of(node)) substitutions(child, around);
}

/// export, unset, [ ], [[ ]], (( )): the name, and the words where there are any.
void ShellTreeWalker::keyword_command(TSNode node, const Surroundings& around) {
  ShellCommand out;
  for (const TSNode child : children_of(node)) {
    if (is(child, "comment")) continue;
    if (is_redirect(child)) {
      std::vector<ShellWord> extra_words;
      out.redirects.push_back(redirect(child, extra_words));
    } else if (out.words.empty()) {
      out.words.push_back({std::string(slice(child)), false, false, false});
    } else if (is(child, "variable_assignment")) {
      const auto scanned = scan_word(slice(child));
      out.assignments.push_back(scanned.malformed || scanned.words.empty()
                                    ? ShellWord{std::string(slice(child)), true, false, false}
                                    : scanned.words.front());
    } else if (is(node, "declaration_command")) {
      append_word(child, child, out.words);
    }
  }
  add(std::move(out), around, node);
  substitutions(node, around);
}

void ShellTreeWalker::assignments(TSNode node, const Surroundings& around) {
  ShellCommand out;
  auto parts = is(node, "variable_assignment") ? std::vector<TSNode>{node} : children_of(node);
  for (const TSNode part : parts) {
    const auto scanned = scan_word(slice(part));
    out.assignments.push_back(scanned.malformed || scanned.words.empty()
                                  ? ShellWord{std::string(slice(part)), true, false, false}
                                  : scanned.words.front());
  }
  add(std::move(out), around, node);
  substitutions(node, around);
}

void ShellTreeWalker::function(TSNode node, const Surroundings& outer) {
  Surroundings around = outer;
  around.top_level = false;
  bool named =
      false;  // the first named child is the name; a function may hold one of the same name
  for (const TSNode child : children_of(node)) {
    if (!ts_node_is_named(child)) continue;
    if (!named) {
      named = true;
      const auto name = scan_word(slice(child));
      around.function = name.words.empty() ? std::string(slice(child)) : name.words.front().text;
      program_.functions.push_back(around.function);
    } else if (is_redirect(child)) {
      std::vector<ShellWord> extra_words;
      around.redirects.push_back(redirect(child, extra_words));
      substitutions(child, around);
    } else {
      statement(child, around);
    }
  }
  joined_by_ = ";";
}

void ShellTreeWalker::substitutions(TSNode node, const Surroundings& outer) {
  if (ts_node_child_count(node) == 0) return;
  Surroundings around = outer;
  if (++around.depth > limits_.max_depth) {
    too_deep_ = true;
    return;
  }
  if (!is_substitution(node)) {
    for (const TSNode child : children_of(node)) substitutions(child, around);
    return;
  }
  const auto text = slice(node);
  unvisited_.erase(ts_node_start_byte(node));
  // Inside `...` a backslash hides "`", "$" and itself from the outer shell only: the inner one
  // sees a text that is not here.
  for (const auto* escape : {"\\`", "\\$", "\\\\"})
    if (text.starts_with('`') && text.find(escape) != std::string_view::npos)
      program_.has_error = true;
  Surroundings inside;
  inside.depth = around.depth;
  inside.top_level = false;
  inside.substitution = true;
  inside.scope = outer.scope + "/" + std::to_string(++subshells_);
  inside.function = outer.function;
  inside.reads_pipe = text.starts_with(">(");
  statements(node, inside);
}

void ShellTreeWalker::append_word(TSNode first, TSNode last, std::vector<ShellWord>& words) {
  const auto begin = ts_node_start_byte(first);
  const auto source = source_.substr(begin, ts_node_end_byte(last) - begin);
  if (source.starts_with("<(") || source.starts_with(">(")) {
    words.push_back({std::string(source), true, false, false});
    return;
  }
  auto scanned = scan_word(source);
  if (scanned.malformed) program_.has_error = true;
  std::move(scanned.words.begin(), scanned.words.end(), std::back_inserter(words));
}

void ShellTreeWalker::add(ShellCommand command, const Surroundings& around, TSNode node) {
  if (program_.commands.size() >= limits_.max_commands) {
    too_deep_ = true;
    return;
  }
  command.redirects.insert(command.redirects.end(), around.redirects.begin(),
                           around.redirects.end());
  command.reads_pipe = around.reads_pipe;
  command.function = around.function;
  command.scope = around.scope;
  command.line = ts_node_start_point(node).row + 1;
  command.top_level = around.top_level;
  command.substitution = around.substitution;
  command.negated = around.negated;
  if (around.top_level) {
    command.joined_by = joined_by_;
    joined_by_ = ";";
  } else {
    command.joined_by = ";";
  }
  program_.commands.push_back(std::move(command));
}

}  // namespace muster::treesitter
