#include "adapters/treesitter/source_tree.hpp"

#include <tree_sitter/grammars.h>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::treesitter {
namespace {

using Clock = std::chrono::steady_clock;

struct Grammar {
  std::string_view name;
  const TSLanguage* (*make)();
};

constexpr std::array kGrammars = {
    Grammar{"bash", tree_sitter_bash},
    Grammar{"c", tree_sitter_c},
    Grammar{"cpp", tree_sitter_cpp},
    Grammar{"c_sharp", tree_sitter_c_sharp},
    Grammar{"css", tree_sitter_css},
    Grammar{"go", tree_sitter_go},
    Grammar{"html", tree_sitter_html},
    Grammar{"java", tree_sitter_java},
    Grammar{"javascript", tree_sitter_javascript},
    Grammar{"json", tree_sitter_json},
    Grammar{"markdown", tree_sitter_markdown},
    Grammar{"php", tree_sitter_php},
    Grammar{"python", tree_sitter_python},
    Grammar{"ruby", tree_sitter_ruby},
    Grammar{"rust", tree_sitter_rust},
    Grammar{"toml", tree_sitter_toml},
    Grammar{"tsx", tree_sitter_tsx},
    Grammar{"typescript", tree_sitter_typescript},
    Grammar{"yaml", tree_sitter_yaml},
};

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

TSPoint point_at(std::string_view text, std::size_t offset) {
  const auto head = text.substr(0, offset);
  const auto line = head.rfind('\n');
  const auto rows = std::count(head.begin(), head.end(), '\n');
  return {static_cast<std::uint32_t>(rows),
          static_cast<std::uint32_t>(line == std::string_view::npos ? offset : offset - line - 1)};
}

/// The one region outside of which two texts are the same.
TSInputEdit difference(std::string_view before, std::string_view after) {
  const auto shorter = std::min(before.size(), after.size());
  const auto begin = static_cast<std::size_t>(
      std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(shorter),
                    after.begin())
          .first -
      before.begin());
  std::size_t same = 0;
  while (same < shorter - begin &&
         before[before.size() - 1 - same] == after[after.size() - 1 - same])
    ++same;
  const auto old_end = before.size() - same;
  const auto new_end = after.size() - same;
  return {static_cast<std::uint32_t>(begin),   static_cast<std::uint32_t>(old_end),
          static_cast<std::uint32_t>(new_end), point_at(before, begin),
          point_at(before, old_end),           point_at(after, new_end)};
}

}  // namespace

TreeHandle parse_in_time(TSParser* parser, std::string_view text, std::chrono::milliseconds limit,
                         const TSTree* old) {
  Input input{text, Clock::now() + limit};
  const TSInput reader{&input, read_input, TSInputEncodingUTF8, nullptr};
  const TSParseOptions options{&input, out_of_time};
  return TreeHandle(ts_parser_parse_with_options(parser, old, reader, options));
}

const TSLanguage* grammar_of(const Language& language) noexcept {
  for (const auto& grammar : kGrammars)
    if (grammar.name == language.grammar) return grammar.make();
  return nullptr;
}

Result<SourceTree> SourceParser::parse(const Language& language, std::string text,
                                       const SourceTree* before) {
  if (text.size() > limits_.max_bytes)
    return Error{ErrorCode::limit_reached, "the file is too long to be parsed"};
  const auto* grammar = grammar_of(language);
  if (!grammar || !ts_parser_set_language(parser_.get(), grammar))
    return Error{ErrorCode::not_found, "there is no grammar for " + std::string(language.name)};
  TreeHandle old;
  if (before && &before->language() == &language) {
    old.reset(ts_tree_copy(before->tree()));
    const auto edit = difference(before->text(), text);
    ts_tree_edit(old.get(), &edit);
  }
  auto shared = std::make_shared<const std::string>(std::move(text));
  auto tree = parse_in_time(parser_.get(), *shared, limits_.max_time, old.get());
  if (!tree) {
    ts_parser_reset(parser_.get());  // else it would go on with this text
    return Error{ErrorCode::limit_reached, "the file takes too long to be parsed"};
  }
  return SourceTree(language, std::move(shared), std::move(tree));
}

}  // namespace muster::treesitter
