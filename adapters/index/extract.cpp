#include "adapters/index/extract.hpp"

#include <algorithm>
#include <array>

#include "adapters/index/extract_imports.hpp"
#include "adapters/treesitter/nodes.hpp"
#include "adapters/treesitter/outline.hpp"
#include "runtime/core/name_id.hpp"

namespace muster::index {
namespace {

using treesitter::Descent;
using treesitter::SourceTree;

constexpr std::size_t kMaxName = 200;      // bytes; longer ones are data
constexpr std::size_t kMaxUses = 400'000;  // of a file
constexpr std::size_t kMaxImports = 20'000;

struct NameNodes {
  std::string_view languages;  ///< blank separated; empty: all others
  std::string_view nodes;
};
constexpr std::array kNameNodes = {
    NameNodes{"bash", "variable_name"}, NameNodes{"php", "name"},
    NameNodes{"ruby", "identifier constant"},
    NameNodes{"",
              "identifier type_identifier field_identifier property_identifier "
              "private_property_identifier shorthand_property_identifier "
              "shorthand_property_identifier_pattern shorthand_field_identifier "
              "namespace_identifier package_identifier"}};

std::string_view name_nodes(const Language& language) {
  for (const auto& one : kNameNodes)
    if (one.languages.empty() || has_word(one.languages, language.name)) return one.nodes;
  return {};
}

/// Where the last part of "a::B<C>::run", "A.B" or "A\B" begins: what others call it by.
std::size_t last_part(std::string_view name) {
  std::size_t out = 0;
  int depth = 0;  // of template arguments
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto rest = name.substr(i);
    if (rest.starts_with("operator")) break;  // "operator<", "operator->"
    depth += name[i] == '<' ? 1 : name[i] == '>' ? -1 : 0;
    if (depth > 0) continue;
    if (rest.starts_with("::")) out = i + 2;
    if (name[i] == '.' || name[i] == '\\') out = i + 1;
  }
  return out < name.size() ? out : 0;
}

/// The definitions, and where their names stand.
std::vector<FactSymbol> symbols_of(const SourceTree& tree, std::vector<std::size_t>& names) {
  std::vector<FactSymbol> out;
  for (auto& symbol : treesitter::outline_of(tree)) {
    const auto skip = symbol.kind == "heading" ? 0 : last_part(symbol.name);
    names.push_back(symbol.name_begin + skip);
    out.push_back({std::move(symbol.kind), symbol.name.substr(skip), std::move(symbol.path),
                   std::move(symbol.signature), symbol.line, symbol.end_line, symbol.begin,
                   symbol.end, symbol.depth});
  }
  std::sort(names.begin(), names.end());
  return out;
}

/// Takes names and imports on one walk.
class Walk {
 public:
  Walk(const SourceTree& tree, const std::vector<NodeRole>& roles,
       const std::vector<std::size_t>& definitions, FileFacts& out)
      : tree_(tree), roles_(roles), definitions_(definitions), out_(out) {}

  void run() {
    out_.uses.reserve(tree_.text().size() / 16);
    treesitter::each_node(tree_.root(), [this](TSNode node) {
      visit(node);
      return Descent::into;
    });
    std::sort(out_.uses.begin(), out_.uses.end());
  }

 private:
  void visit(TSNode node) {
    const auto symbol = ts_node_symbol(node);
    const auto role = symbol < roles_.size() ? roles_[symbol] : NodeRole::none;
    if (role == NodeRole::none) return;
    if (role == NodeRole::import) {
      if (out_.imports.size() < kMaxImports) imports_of(tree_, node, out_.imports);
    } else if (role == NodeRole::name || ts_node_child_count(node) == 1) {
      add(node);
    }
  }

  void add(TSNode node) {
    const auto begin = ts_node_start_byte(node);
    // Nodes come in order of place, and so do the definitions.
    while (next_ < definitions_.size() && definitions_[next_] < begin) ++next_;
    if (next_ < definitions_.size() && definitions_[next_] == begin) return;
    const auto name = tree_.slice(node);
    if (name.empty() || name.size() > kMaxName || out_.uses.size() >= kMaxUses) return;
    out_.uses.push_back({name_id(name), begin});
  }

  const SourceTree& tree_;
  const std::vector<NodeRole>& roles_;
  const std::vector<std::size_t>& definitions_;
  std::size_t next_ = 0;
  FileFacts& out_;
};

}  // namespace

bool has_facts(const Language& language) {
  return !has_word("json jsonc toml yaml", language.name);
}

Extractor::Extractor() : roles_(languages().size()) {}
Extractor::~Extractor() = default;

const Extractor::Roles& Extractor::roles_of(const Language& language) {
  auto& out = roles_[static_cast<std::size_t>(&language - languages().data())];
  if (out) return *out;
  const auto* grammar = treesitter::grammar_of(language);
  out = std::make_unique<Roles>(ts_language_symbol_count(grammar), NodeRole::none);
  for (std::size_t number = 0; number < out->size(); ++number) {
    const auto symbol = static_cast<TSSymbol>(number);
    if (ts_language_symbol_type(grammar, symbol) != TSSymbolTypeRegular) continue;
    const std::string_view type = ts_language_symbol_name(grammar, symbol);
    if (has_word(name_nodes(language), type)) (*out)[symbol] = NodeRole::name;
    if (language.name == "bash" && type == "command_name") (*out)[symbol] = NodeRole::command_name;
    if (has_word(import_nodes(language), type)) (*out)[symbol] = NodeRole::import;
  }
  return *out;
}

FileFacts Extractor::facts_of(const treesitter::SourceTree& tree) {
  FileFacts out;
  std::vector<std::size_t> definitions;
  const auto text = tree.text();
  out.lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) +
              (text.empty() || text.ends_with('\n') ? 0 : 1);
  out.symbols = symbols_of(tree, definitions);
  Walk(tree, roles_of(tree.language()), definitions, out).run();
  return out;
}

}  // namespace muster::index
