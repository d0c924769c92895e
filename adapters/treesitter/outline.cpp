#include "adapters/treesitter/outline.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "adapters/treesitter/nodes.hpp"
#include "runtime/core/text.hpp"

namespace muster::treesitter {
namespace {

constexpr std::size_t kSignatureBytes = 160;
constexpr int kMaxNesting = 160;  // of nodes in nodes

/// A kind of node that defines something.
struct Rule {
  std::string_view languages;      ///< blank separated
  std::string_view node;           ///< type of the node
  std::string_view kind;           ///< of the symbol
  std::string_view name = "name";  ///< the field that has its name
  bool open = false;               ///< what lies in it is looked at, too
};

constexpr std::string_view kScript = "javascript typescript tsx";
constexpr std::string_view kCpp = "c cpp";

constexpr std::array kRules = {
    Rule{"bash", "function_definition", "function"},
    Rule{kCpp, "function_definition", "function", "declarator"},
    Rule{kCpp, "declaration", "function", "declarator"},
    Rule{kCpp, "field_declaration", "method", "declarator"},
    Rule{kCpp, "class_specifier", "class", "name", true},
    Rule{kCpp, "struct_specifier", "struct", "name", true},
    Rule{kCpp, "union_specifier", "struct", "name", true},
    Rule{kCpp, "enum_specifier", "enum"},
    Rule{kCpp, "namespace_definition", "module", "name", true},
    Rule{kCpp, "type_definition", "type", "declarator"},
    Rule{kCpp, "alias_declaration", "type"},
    Rule{kCpp, "concept_definition", "type"},
    Rule{kCpp, "preproc_def", "macro"},
    Rule{kCpp, "preproc_function_def", "macro"},
    Rule{"csharp", "namespace_declaration", "module", "name", true},
    Rule{"csharp", "class_declaration", "class", "name", true},
    Rule{"csharp", "record_declaration", "class", "name", true},
    Rule{"csharp", "struct_declaration", "struct", "name", true},
    Rule{"csharp", "interface_declaration", "interface", "name", true},
    Rule{"csharp", "enum_declaration", "enum"},
    Rule{"csharp", "method_declaration", "method"},
    Rule{"csharp", "constructor_declaration", "method"},
    Rule{"csharp", "property_declaration", "method"},
    Rule{"go", "function_declaration", "function"},
    Rule{"go", "method_declaration", "method"},
    Rule{"go", "type_spec", "type"},
    Rule{"go", "const_spec", "constant"},
    Rule{"java", "class_declaration", "class", "name", true},
    Rule{"java", "record_declaration", "class", "name", true},
    Rule{"java", "interface_declaration", "interface", "name", true},
    Rule{"java", "enum_declaration", "enum", "name", true},
    Rule{"java", "annotation_type_declaration", "interface"},
    Rule{"java", "method_declaration", "method"},
    Rule{"java", "constructor_declaration", "method"},
    Rule{kScript, "function_declaration", "function"},
    Rule{kScript, "generator_function_declaration", "function"},
    Rule{kScript, "function_signature", "function"},
    Rule{kScript, "class_declaration", "class", "name", true},
    Rule{kScript, "abstract_class_declaration", "class", "name", true},
    Rule{kScript, "method_definition", "method"},
    Rule{kScript, "abstract_method_signature", "method"},
    Rule{kScript, "variable_declarator", "function"},
    Rule{kScript, "interface_declaration", "interface"},
    Rule{kScript, "type_alias_declaration", "type"},
    Rule{kScript, "enum_declaration", "enum"},
    Rule{kScript, "internal_module", "module", "name", true},
    Rule{kScript, "module", "module", "name", true},
    Rule{"markdown", "atx_heading", "heading", "heading_content"},
    Rule{"php", "namespace_definition", "module", "name", true},
    Rule{"php", "class_declaration", "class", "name", true},
    Rule{"php", "interface_declaration", "interface", "name", true},
    Rule{"php", "trait_declaration", "class", "name", true},
    Rule{"php", "enum_declaration", "enum", "name", true},
    Rule{"php", "function_definition", "function"},
    Rule{"php", "method_declaration", "method"},
    Rule{"python", "class_definition", "class", "name", true},
    Rule{"python", "function_definition", "function"},
    Rule{"ruby", "module", "module", "name", true},
    Rule{"ruby", "class", "class", "name", true},
    Rule{"ruby", "method", "method"},
    Rule{"ruby", "singleton_method", "method"},
    Rule{"rust", "function_item", "function"},
    Rule{"rust", "function_signature_item", "function"},
    Rule{"rust", "struct_item", "struct"},
    Rule{"rust", "enum_item", "enum"},
    Rule{"rust", "union_item", "struct"},
    Rule{"rust", "trait_item", "interface", "name", true},
    Rule{"rust", "impl_item", "", "type", true},
    Rule{"rust", "mod_item", "module", "name", true},
    Rule{"rust", "type_item", "type"},
    Rule{"rust", "const_item", "constant"},
    Rule{"rust", "static_item", "constant"},
    Rule{"rust", "macro_definition", "macro"},
};

TSNode field_of(TSNode node, std::string_view name) {
  return ts_node_child_by_field_name(node, name.data(), static_cast<std::uint32_t>(name.size()));
}

/// Rules of one language, found by the number that its grammar gives a type.
class RuleTable {
 public:
  explicit RuleTable(const Language& language) {
    const auto* grammar = grammar_of(language);
    by_symbol_.resize(ts_language_symbol_count(grammar));
    for (const auto& rule : kRules) {
      if (!has_word(rule.languages, language.name)) continue;
      const auto symbol = ts_language_symbol_for_name(
          grammar, rule.node.data(), static_cast<std::uint32_t>(rule.node.size()), true);
      if (symbol != 0) by_symbol_[symbol] = &rule;
    }
  }
  [[nodiscard]] const Rule* find(TSNode node) const {
    const auto symbol = ts_node_symbol(node);
    return symbol < by_symbol_.size() ? by_symbol_[symbol] : nullptr;
  }

  static const RuleTable& of(const Language& language) {
    static const auto tables = [] {
      std::vector<RuleTable> out;
      for (const auto& one : languages()) out.emplace_back(one);
      return out;
    }();
    return tables[static_cast<std::size_t>(&language - languages().data())];
  }

 private:
  std::vector<const Rule*> by_symbol_;
};

/// C and C++ wrap a name in what it is declared as: "*f(int)" is a pointer of a function of f.
TSNode declared_name(TSNode node, bool& is_function) {
  for (;;) {
    is_function = is_function || is(node, "function_declarator");
    const auto inner = field_of(node, "declarator");
    if (ts_node_is_null(inner)) break;
    node = inner;
  }
  // "(*f)", "&f": the grammar has no field there.
  const bool wrapped = is(node, "reference_declarator") || is(node, "parenthesized_declarator");
  if (!wrapped || ts_node_named_child_count(node) == 0) return node;
  return declared_name(ts_node_named_child(node, 0), is_function);
}

bool is_function_value(TSNode declarator) {
  const auto value = field_of(declarator, "value");
  if (ts_node_is_null(value)) return false;
  const auto type = type_of(value);
  return type == "arrow_function" || type == "function_expression" || type == "function" ||
         type == "generator_function" || type == "class";
}

class Outliner {
 public:
  Outliner(const SourceTree& tree, std::size_t max_symbols)
      : tree_(tree), rules_(RuleTable::of(tree.language())), max_symbols_(max_symbols) {}

  std::vector<Symbol> run() {
    below(tree_.root(), {}, 0);
    return std::move(out_);
  }

 private:
  /// The symbols around a place.
  struct Around {
    std::string path = {};
    int depth = 0;
    bool type = false;  ///< the innermost is a class or the like: its functions are methods
  };

  void below(TSNode parent, const Around& around, int nesting) {
    if (nesting > kMaxNesting) return;
    for (const TSNode child : children_of(parent)) {
      if (out_.size() >= max_symbols_) return;
      if (!ts_node_is_named(child)) continue;
      const auto* rule = rules_.find(child);
      if (!rule) {
        if (may_hold_symbols(child)) below(child, around, nesting + 1);
        continue;
      }
      std::size_t name_begin = 0;
      const auto name = name_of(*rule, child, name_begin);
      if (name.empty()) {
        below(child, around, nesting + 1);
        continue;
      }
      Around inner = around;
      inner.path += (inner.path.empty() ? "" : separator()) + name;
      if (!rule->kind.empty()) {
        add(*rule, child, name, inner.path, around);
        out_.back().name_begin = name_begin;
      }
      if (!rule->open) continue;
      inner.depth += rule->kind.empty() ? 0 : 1;
      inner.type = rule->kind != "module";
      const auto body = field_of(child, "body");
      below(ts_node_is_null(body) ? child : body, inner, nesting + 1);
    }
  }

  /// Statements and expressions define nothing that others see; what wraps definitions does.
  [[nodiscard]] static bool may_hold_symbols(TSNode node) {
    static constexpr std::array<std::string_view, 10> closed{"expression_statement",
                                                             "return_statement",
                                                             "comment",
                                                             "import_statement",
                                                             "string",
                                                             "call_expression",
                                                             "if_statement",
                                                             "compound_statement",
                                                             "statement_block",
                                                             "using_declaration"};
    if (ts_node_named_child_count(node) == 0) return false;
    return !is_one_of(node, closed) || is(ts_node_named_child(node, 0), "internal_module");
  }

  /// `begin`: where it stands.
  std::string name_of(const Rule& rule, TSNode node, std::size_t& begin) {
    auto name = field_of(node, rule.name);
    if (ts_node_is_null(name)) return {};
    if (rule.name == "declarator") {
      bool function = false;
      name = declared_name(name, function);
      const bool needs_function = is(node, "declaration") || is(node, "field_declaration");
      if (needs_function && !function) return {};
    }
    if (is(node, "variable_declarator") && !is_function_value(node)) return {};
    // "class A;" says that there is one, not what it is.
    if ((is(node, "class_specifier") || is(node, "struct_specifier") ||
         is(node, "union_specifier") || is(node, "enum_specifier")) &&
        ts_node_is_null(field_of(node, "body")))
      return {};
    begin = ts_node_start_byte(name);
    return one_line(tree_.slice(name), kSignatureBytes);
  }

  void add(const Rule& rule, TSNode node, const std::string& name, const std::string& path,
           const Around& around) {
    Symbol out;
    out.kind = rule.kind;
    if (out.kind == "function" && around.type) out.kind = "method";
    out.name = name;
    out.path = path;
    out.signature = signature_of(node);
    out.line = static_cast<int>(ts_node_start_point(node).row) + 1;
    out.begin = ts_node_start_byte(node);
    out.end = ts_node_end_byte(node);
    const auto last = ts_node_end_point(node);
    out.end_line = static_cast<int>(last.row) + (last.column > 0 || last.row == 0 ? 1 : 0);
    out.depth = around.depth;
    out_.push_back(std::move(out));
  }

  /// The text up to the body, or to the end of the first line.
  [[nodiscard]] std::string signature_of(TSNode node) const {
    auto text = tree_.slice(node);
    const auto body = field_of(node, "body");
    if (!ts_node_is_null(body))
      text = text.substr(0, ts_node_start_byte(body) - ts_node_start_byte(node));
    else
      text = text.substr(0, text.find('\n'));
    auto out = one_line(text, kSignatureBytes);
    while (out.ends_with('{') || out.ends_with(' ')) out.pop_back();
    return out;
  }

  [[nodiscard]] const char* separator() const {
    const auto language = tree_.language().name;
    return language == "cpp" || language == "rust" || language == "c" || language == "ruby" ? "::"
                                                                                            : ".";
  }

  const SourceTree& tree_;
  const RuleTable& rules_;
  std::size_t max_symbols_;
  std::vector<Symbol> out_;
};

}  // namespace

std::vector<Symbol> outline_of(const SourceTree& tree, std::size_t max_symbols) {
  return Outliner(tree, max_symbols).run();
}

IndexedSymbol indexed_symbol(std::string file, const Symbol& symbol) {
  return {std::move(file),  symbol.kind, symbol.name,    symbol.path,
          symbol.signature, symbol.line, symbol.end_line};
}

}  // namespace muster::treesitter
