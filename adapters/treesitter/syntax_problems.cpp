#include "adapters/treesitter/syntax_problems.hpp"

#include <algorithm>
#include <array>

#include "adapters/treesitter/nodes.hpp"
#include "runtime/core/text.hpp"

namespace muster::treesitter {
namespace {

constexpr std::size_t kShownBytes = 120;
constexpr std::size_t kShownExpected = 6;

std::string quoted(std::string_view text) { return "'" + one_line(text, kShownBytes) + "'"; }

/// Valid code that a grammar takes for an error, as measured on real files (docs/syntax-gate.md):
/// "export { _null as null }" names a reserved word, which a name of a module may be (ECMA-262,
/// ModuleExportName is an IdentifierName).
bool is_valid_all_the_same(const SourceTree& tree, TSNode error) {
  const auto parent = ts_node_parent(error);
  if (ts_node_is_null(parent) || !ts_node_is_error(error) || !is(parent, "export_clause"))
    return false;
  auto text = tree.slice(error);
  if (!text.starts_with("as")) return false;
  const auto word = trim(text.substr(2));
  return word.size() + 2 < text.size() && !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// Where a bracket of an ERROR node is never closed, that is what is wrong, not where the parser
/// noticed.
std::optional<TSNode> open_bracket(TSNode error) {
  static constexpr std::array<std::string_view, 6> pairs{"{", "}", "(", ")", "[", "]"};
  std::vector<std::pair<std::size_t, TSNode>> open;
  for (const TSNode child : children_of(error)) {
    const auto at = std::find(pairs.begin(), pairs.end(), type_of(child));
    if (at == pairs.end()) continue;
    const auto index = static_cast<std::size_t>(at - pairs.begin());
    if (index % 2 == 0)
      open.emplace_back(index, child);
    else if (!open.empty() && open.back().first + 1 == index)
      open.pop_back();
  }
  if (open.empty()) return std::nullopt;
  return open.back().second;
}

/// The last leaf that ends at or before an offset.
TSNode leaf_before(const SourceTree& tree, std::size_t offset) {
  const auto text = tree.text();
  while (offset > 0 && std::string_view(" \t\r\n").find(text[offset - 1]) != std::string_view::npos)
    --offset;
  if (offset == 0) return TSNode{};
  const auto at = static_cast<std::uint32_t>(offset - 1);
  return ts_node_descendant_for_byte_range(tree.root(), at, at + 1);
}

/// What the grammar would have taken after the text before `offset`; "" when it cannot tell.
std::string expected_at(const SourceTree& tree, std::size_t offset) {
  const auto leaf = leaf_before(tree, offset);
  if (leaf.id == nullptr || ts_node_child_count(leaf) > 0) return {};
  const auto* language = ts_node_language(leaf);
  auto* look = ts_lookahead_iterator_new(language, ts_node_next_parse_state(leaf));
  if (!look) return {};
  std::vector<std::string> names;
  while (ts_lookahead_iterator_next(look)) {
    const auto symbol = ts_lookahead_iterator_current_symbol(look);
    const auto type = ts_language_symbol_type(language, symbol);
    const std::string name = ts_lookahead_iterator_current_symbol_name(look);
    if (type == TSSymbolTypeAuxiliary || name == "ERROR" || name == "end" || name == "comment")
      continue;
    names.push_back(type == TSSymbolTypeAnonymous ? quoted(name) : name);
  }
  ts_lookahead_iterator_delete(look);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kShownExpected; ++i)
    out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShownExpected) out += ", ...";
  return out;
}

/// Places and quotes of a text. Offsets must not go down: it reads the text once.
class Reader {
 public:
  explicit Reader(const SourceTree& tree) : tree_(tree) {}

  PlacedProblem read(TSNode node) {
    if (ts_node_is_missing(node)) return missing(node);
    const auto bracket = open_bracket(node);
    auto out = placed(ts_node_start_byte(bracket.value_or(node)));
    if (bracket) {
      out.problem.message = quoted(type_of(*bracket)) + " is not closed";
      return out;
    }
    const auto text = trim(tree_.slice(node));
    out.problem.message =
        text.empty() ? "unexpected end" : "unexpected " + quoted(text.substr(0, text.find('\n')));
    out.problem.expected = expected_at(tree_, out.offset);
    return out;
  }

 private:
  PlacedProblem missing(TSNode node) {
    auto out = placed(ts_node_start_byte(node));
    const std::string name(type_of(node));
    out.problem.expected = ts_node_is_named(node) ? name : quoted(name);
    out.problem.message = out.problem.expected + " is missing";
    return out;
  }

  PlacedProblem placed(std::size_t offset) {
    const auto text = tree_.text();
    const auto begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
    if (offset < counted_) counted_ = 0, line_ = 1;
    line_ += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted_),
                                         text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    counted_ = offset;
    const auto before = text.substr(begin, offset - begin);
    PlacedProblem out;
    out.offset = offset;
    out.problem.line = line_;
    out.problem.column =
        1 + static_cast<int>(std::count_if(before.begin(), before.end(), [](char c) {
          return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    out.problem.text = one_line(text.substr(begin, text.find('\n', begin) - begin), kShownBytes);
    return out;
  }

  const SourceTree& tree_;
  std::size_t counted_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<PlacedProblem> problems_of(const SourceTree& tree) {
  std::vector<PlacedProblem> out;
  if (!ts_node_has_error(tree.root())) return out;
  Reader reader(tree);
  each_node(tree.root(), [&](TSNode node) {
    const bool broken = ts_node_is_error(node) || ts_node_is_missing(node);
    if (broken && !is_valid_all_the_same(tree, node)) out.push_back(reader.read(node));
    if (out.size() > max_syntax_problems) return Descent::stop;
    return !broken && ts_node_has_error(node) ? Descent::into : Descent::past;
  });
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return out;
}

}  // namespace muster::treesitter
