#pragma once
// From tree-sitter-bash's tree to the simple commands of a program. Internal to this adapter.

#include <tree_sitter/api.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/treesitter/shell_parser.hpp"

namespace muster::treesitter {

/// Where a node stands, as far as its commands must know.
struct Surroundings {
  bool top_level = true;
  bool reads_pipe = false;
  bool negated = false;
  bool substitution = false;
  std::string function = {};
  std::string scope = {};
  std::vector<ShellRedirect> redirects = {};  // of the groups around
  std::size_t depth = 0;
};

/// Walks one tree once. Not thread-safe; make one per parse.
class ShellTreeWalker {
 public:
  ShellTreeWalker(std::string_view source, const ShellParserLimits& limits)
      : source_(source), limits_(limits) {}
  Result<ShellProgram> walk(TSNode root);

 private:
  void statement(TSNode node, const Surroundings& around);
  void statements(TSNode node, const Surroundings& around);
  void list(TSNode node, const Surroundings& around);
  void pipeline(TSNode node, const Surroundings& around);
  void redirected(TSNode node, const Surroundings& around);
  void command(TSNode node, const Surroundings& around);
  void keyword_command(TSNode node, const Surroundings& around);
  void assignments(TSNode node, const Surroundings& around);
  void function(TSNode node, const Surroundings& around);
  void conditional(TSNode node, const Surroundings& around);
  void heredoc_rest(TSNode node, const Surroundings& around, std::size_t last_command);
  void separator(std::string_view token, std::size_t first_command);

  /// Reads a redirect; destinations after the first are words of the command (a quirk of the
  /// grammar).
  ShellRedirect redirect(TSNode node, std::vector<ShellWord>& extra_words);
  ShellRedirect heredoc(TSNode node);
  /// Substitutions anywhere below `node` are commands too.
  void substitutions(TSNode node, const Surroundings& around);
  void append_word(TSNode first, TSNode last, std::vector<ShellWord>& words);
  void add(ShellCommand command, const Surroundings& around, TSNode node);
  /// Where a piece of text stands: what is special in it depends on that.
  struct TextKind {
    bool string = false, expansion = false, heredoc = false;
  };
  void check_text(TSNode root);
  std::size_t check_leaf(TSNode node, TextKind kind, std::size_t seen);
  static TextKind inside(TSNode node, TextKind around);
  [[nodiscard]] bool hides_command(std::string_view text, TextKind kind) const;
  [[nodiscard]] bool is_escaped(std::size_t at) const;
  void check_comment(TSNode node);
  [[nodiscard]] bool glued(TSNode left, TSNode right) const;
  [[nodiscard]] std::string_view slice(TSNode node) const;

  std::string_view source_;
  ShellParserLimits limits_;
  ShellProgram program_;
  std::string joined_by_;
  std::size_t subshells_ = 0;
  bool too_deep_ = false;
  bool heredoc_quoted_ = false;
  std::set<std::size_t> unvisited_;  // starts of substitutions that the walk has yet to come by
};

}  // namespace muster::treesitter
