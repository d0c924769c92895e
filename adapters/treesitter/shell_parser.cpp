#include "adapters/treesitter/shell_parser.hpp"

#include <tree_sitter/grammars.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "adapters/treesitter/shell_tree.hpp"

namespace muster {
namespace {

struct ParserDeleter {
  void operator()(TSParser* parser) const { ts_parser_delete(parser); }
};
struct TreeDeleter {
  void operator()(TSTree* tree) const { ts_tree_delete(tree); }
};

using Clock = std::chrono::steady_clock;

struct Input {
  std::string_view text;
  Clock::time_point deadline;
};

const char* read_input(void* payload, std::uint32_t at, TSPoint, std::uint32_t* bytes) {
  const auto text = static_cast<const Input*>(payload)->text;
  const auto rest = at < text.size() ? text.substr(at) : std::string_view{};
  *bytes = static_cast<std::uint32_t>(rest.size());
  return rest.empty() ? "" : rest.data();
}

/// True stops the parser: its error recovery takes quadratic time on hostile text.
bool out_of_time(TSParseState* state) {
  return Clock::now() > static_cast<const Input*>(state->payload)->deadline;
}

}  // namespace

Result<ShellProgram> TreeSitterShellParser::parse(std::string_view text) const {
  if (text.size() > limits_.max_bytes)
    return Error{ErrorCode::limit_reached, "the command is too long to be checked"};
  // The grammar's last step, which cannot be stopped, is quadratic in these.
  const auto pipes = static_cast<std::size_t>(std::count(text.begin(), text.end(), '|'));
  if (pipes > limits_.max_commands)
    return Error{ErrorCode::limit_reached, "the command has too many pipes to be checked"};
  if (text.find('\0') != std::string_view::npos)
    return Error{ErrorCode::invalid_argument, "the command has a NUL byte"};
  const std::unique_ptr<TSParser, ParserDeleter> parser(ts_parser_new());
  if (!parser || !ts_parser_set_language(parser.get(), tree_sitter_bash()))
    return Error{ErrorCode::internal, "the bash grammar does not fit the tree-sitter library"};
  Input input{text, Clock::now() + limits_.max_time};
  const TSInput reader{&input, read_input, TSInputEncodingUTF8, nullptr};
  const TSParseOptions options{&input, out_of_time};
  const std::unique_ptr<TSTree, TreeDeleter> tree(
      ts_parser_parse_with_options(parser.get(), nullptr, reader, options));
  if (!tree) return Error{ErrorCode::limit_reached, "the command takes too long to be checked"};
  treesitter::ShellTreeWalker walker(text, limits_);
  return walker.walk(ts_tree_root_node(tree.get()));
}

}  // namespace muster
