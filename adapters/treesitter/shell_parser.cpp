#include "adapters/treesitter/shell_parser.hpp"

#include <tree_sitter/grammars.h>

#include <algorithm>
#include <memory>

#include "adapters/treesitter/shell_tree.hpp"
#include "adapters/treesitter/source_tree.hpp"

namespace muster {
Result<ShellProgram> TreeSitterShellParser::parse(std::string_view text) const {
  if (text.size() > limits_.max_bytes)
    return Error{ErrorCode::limit_reached, "the command is too long to be checked"};
  // The grammar's last step, which cannot be stopped, is quadratic in these.
  const auto pipes = static_cast<std::size_t>(std::count(text.begin(), text.end(), '|'));
  if (pipes > limits_.max_commands)
    return Error{ErrorCode::limit_reached, "the command has too many pipes to be checked"};
  if (text.find('\0') != std::string_view::npos)
    return Error{ErrorCode::invalid_argument, "the command has a NUL byte"};
  const std::unique_ptr<TSParser, treesitter::ParserDeleter> parser(ts_parser_new());
  if (!parser || !ts_parser_set_language(parser.get(), tree_sitter_bash()))
    return Error{ErrorCode::internal, "the bash grammar does not fit the tree-sitter library"};
  const auto tree = treesitter::parse_in_time(parser.get(), text, limits_.max_time);
  if (!tree) return Error{ErrorCode::limit_reached, "the command takes too long to be checked"};
  treesitter::ShellTreeWalker walker(text, limits_);
  return walker.walk(ts_tree_root_node(tree.get()));
}

}  // namespace muster
