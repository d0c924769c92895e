#include "adapters/index/extract_imports.hpp"

#include <algorithm>
#include <array>

#include "adapters/treesitter/nodes.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::index {
namespace {

using treesitter::children_of;
using treesitter::is;
using treesitter::SourceTree;
using treesitter::type_of;

constexpr std::size_t kMaxTarget = 1000;  // bytes; longer ones are data: URLs
constexpr int kMaxNesting = 50;

TSNode field(TSNode node, std::string_view name) {
  return ts_node_child_by_field_name(node, name.data(), static_cast<std::uint32_t>(name.size()));
}

std::string_view unquoted(std::string_view text) {
  if (text.size() < 2) return text;
  const bool quoted = text.front() == '"' || text.front() == '\'' || text.front() == '`';
  return quoted || text.front() == '<' ? text.substr(1, text.size() - 2) : text;
}

bool within(TSNode node, std::string_view types) {
  for (auto up = ts_node_parent(node); !ts_node_is_null(up); up = ts_node_parent(up))
    if (has_word(types, type_of(up))) return true;
  return false;
}

/// A text without parts that only a running program knows.
bool is_literal(TSNode node) {
  return !has_word(
             "interpolation template_substitution expansion simple_expansion "
             "command_substitution",
             type_of(node)) &&
         treesitter::each_node(node, [](TSNode part) {
           const bool moving = has_word(
               "interpolation template_substitution expansion simple_expansion "
               "command_substitution variable_name arithmetic_expansion",
               type_of(part));
           return moving ? treesitter::Descent::stop : treesitter::Descent::into;
         });
}

/// Collects for one node.
class Imports {
 public:
  Imports(const SourceTree& tree, TSNode node, std::vector<Import>& out)
      : tree_(tree), node_(node), out_(out) {}

  void c() {
    const auto path = field(node_, "path");
    if (is(path, "string_literal")) add(ImportForm::c_quoted, text(path));
    if (is(path, "system_lib_string")) add(ImportForm::c_system, text(path));
  }

  void script() {
    if (is(node_, "call_expression")) {
      const auto function = field(node_, "function");
      if (!is(function, "import") && (!is(function, "identifier") || slice(function) != "require"))
        return;
      script_source(first_argument());
      return;
    }
    script_source(field(node_, "source"));
  }

  void python() {
    if (is(node_, "import_from_statement")) return python_from();
    for (const auto child : children_of(node_)) {
      const auto name = is(child, "aliased_import") ? field(child, "name") : child;
      if (is(name, "dotted_name")) add(ImportForm::python, slice(name), python_guarded());
    }
  }

  void go() { add(ImportForm::go, text(field(node_, "path"))); }

  void rust() {
    if (is(node_, "use_declaration")) return rust_use(field(node_, "argument"), "", 0);
    if (!ts_node_is_null(field(node_, "body"))) return;
    std::string path(slice(field(node_, "name")));
    for (auto up = ts_node_parent(node_); !ts_node_is_null(up); up = ts_node_parent(up))
      if (is(up, "mod_item")) path = std::string(slice(field(up, "name"))) + "::" + path;
    // #[path = "..."], #[cfg(...)]: elsewhere, or not at all. An inline module may have one, too.
    const bool attributed = is_attributed(node_) || within(node_, "mod_item");
    add(ImportForm::rust_mod, path, attributed);
  }

  void java() {
    auto name = trim(slice(node_).substr(6));  // "import"
    if (name.starts_with("static ")) name = trim(name.substr(7));
    add(ImportForm::java, trim(name.substr(0, name.find(';'))));
  }

  void csharp() {
    for (const auto child : children_of(node_))
      if (is(child, "qualified_name") || is(child, "identifier")) name_of_using_ = child;
    if (!ts_node_is_null(name_of_using_)) add(ImportForm::csharp, slice(name_of_using_));
  }

  void ruby() {
    if (!ts_node_is_null(field(node_, "receiver"))) return;
    const auto method = slice(field(node_, "method"));
    const bool relative = method == "require_relative";
    if (!relative && method != "require") return;
    const auto argument = first_argument();
    if (ts_node_is_null(argument) || !is(argument, "string") || !is_literal(argument)) return;
    add(relative ? ImportForm::ruby_relative : ImportForm::ruby_require, text(argument),
        within(node_, "begin rescue if unless if_modifier unless_modifier rescue_modifier"));
  }

  void php() {
    if (is(node_, "namespace_use_declaration")) return php_use();
    const auto guarded = within(node_, "if_statement try_statement conditional_expression");
    auto what = ts_node_named_child(node_, 0);
    if (is(what, "parenthesized_expression")) what = ts_node_named_child(what, 0);
    if (is(what, "binary_expression") && slice(field(what, "left")) == "__DIR__") {
      auto path = php_text(field(what, "right"));
      if (path.starts_with('/')) add(ImportForm::php_beside, path.substr(1), guarded);
    } else {
      add(ImportForm::php_include, php_text(what), guarded);
    }
  }

  void bash() {
    const auto name = slice(field(node_, "name"));
    if (name != "source" && name != ".") return;
    const auto argument = field(node_, "argument");
    if (ts_node_is_null(argument)) return;
    const auto guarded = within(node_, "if_statement list while_statement");
    if (is_literal(argument)) return add(ImportForm::bash_source, text(argument), guarded);
    // "$(dirname "$0")/lib.sh": what stands behind the last thing that moves is a path, most often
    // from the script's own folder.
    std::uint32_t end = 0;
    for (const auto part : children_of(argument))
      if (!is_literal(part)) end = ts_node_end_byte(part);
    auto rest = slice(argument).substr(end - std::min(end, ts_node_start_byte(argument)));
    if (end == 0 || !rest.starts_with('/')) return;
    add(ImportForm::bash_beside, rest.substr(1, rest.size() - 1 - (rest.ends_with('"') ? 1 : 0)),
        true);
  }

  void css() {
    auto what = ts_node_named_child(node_, 0);
    if (!ts_node_is_null(what) && is(what, "call_expression")) {
      const auto arguments = ts_node_named_child(what, 1);
      if (ts_node_is_null(arguments)) return;
      what = ts_node_named_child(arguments, 0);
    }
    if (!ts_node_is_null(what) && (is(what, "string_value") || is(what, "plain_value")))
      add(ImportForm::css, text(what));
  }

  void html() {
    const auto children = children_of(node_);
    const auto tag = std::find_if(children.begin(), children.end(),
                                  [](TSNode child) { return is(child, "tag_name"); });
    if (tag == children.end()) return;
    const auto wanted = iequals(slice(*tag), "script") ? "src"
                        : iequals(slice(*tag), "link") ? "href"
                                                       : "";
    for (const auto child : children) {
      if (!is(child, "attribute") || ts_node_named_child_count(child) < 2) continue;
      if (iequals(slice(ts_node_named_child(child, 0)), wanted))
        add(ImportForm::html, text(ts_node_named_child(child, 1)));
    }
  }

 private:
  [[nodiscard]] std::string_view slice(TSNode node) const {
    return ts_node_is_null(node) ? std::string_view{} : tree_.slice(node);
  }
  [[nodiscard]] std::string_view text(TSNode node) const { return unquoted(slice(node)); }

  [[nodiscard]] TSNode first_argument() const {
    const auto arguments = field(node_, "arguments");
    return ts_node_is_null(arguments) ? arguments : ts_node_named_child(arguments, 0);
  }

  void add(ImportForm form, std::string_view target, bool guarded = false,
           std::vector<std::string> names = {}) {
    const bool elsewhere = target.find("://") != std::string_view::npos ||
                           target.starts_with("data:") || target.starts_with("//");
    if (target.empty() || target.size() > kMaxTarget || elsewhere) return;
    out_.push_back({form, std::string(target), std::move(names),
                    static_cast<int>(ts_node_start_point(node_).row) + 1, guarded});
  }

  void script_source(TSNode source) {
    // TypeScript's "import x = require(y)" has it one level down.
    if (ts_node_is_null(source) && is(node_, "import_statement"))
      for (const auto child : children_of(node_))
        if (is(child, "import_require_clause")) source = field(child, "source");
    const bool text_like =
        !ts_node_is_null(source) && (is(source, "string") || is(source, "template_string"));
    if (!text_like || !is_literal(source)) return;
    const bool called = is(node_, "call_expression");
    add(ImportForm::script, text(source),
        called && within(node_,
                         "try_statement if_statement ternary_expression "
                         "binary_expression"));
  }

  [[nodiscard]] bool python_guarded() const {
    return within(node_, "try_statement if_statement with_statement");
  }

  void python_from() {
    const auto module = field(node_, "module_name");
    std::vector<std::string> names;
    for (const auto child : children_of(node_)) {
      if (ts_node_eq(child, module)) continue;
      const auto name = is(child, "aliased_import") ? field(child, "name") : child;
      if (is(name, "dotted_name")) names.emplace_back(slice(name));
    }
    add(ImportForm::python, slice(module), python_guarded(), std::move(names));
  }

  /// "a::{b, c::{D, E}}" is a::b, a::c::D and a::c::E.
  void rust_use(TSNode what, const std::string& prefix, int nesting) {
    if (ts_node_is_null(what) || nesting > kMaxNesting) return;
    const auto joined = [&](std::string_view path) {
      return prefix.empty() ? std::string(path) : prefix + "::" + std::string(path);
    };
    if (is(what, "use_as_clause")) return rust_use(field(what, "path"), prefix, nesting + 1);
    if (is(what, "scoped_use_list")) {
      const auto path = field(what, "path");
      return rust_use(field(what, "list"), ts_node_is_null(path) ? prefix : joined(slice(path)),
                      nesting + 1);
    }
    if (is(what, "use_list")) {
      for (const auto child : children_of(what))
        if (ts_node_is_named(child)) rust_use(child, prefix, nesting + 1);
      return;
    }
    auto path = slice(what);
    if (path.ends_with("::*")) path.remove_suffix(3);
    const bool whole = path == "self" || path == "*";
    add(ImportForm::rust_use, whole && !prefix.empty() ? prefix : joined(path));
  }

  static bool is_attributed(TSNode node) {
    const auto before = ts_node_prev_named_sibling(node);
    return !ts_node_is_null(before) && is(before, "attribute_item");
  }

  void php_use() {
    std::string prefix;
    std::vector<TSNode> clauses;
    for (const auto child : children_of(node_)) {
      if (is(child, "namespace_name")) prefix = std::string(slice(child)) + '\\';
      if (is(child, "namespace_use_clause")) clauses.push_back(child);
      if (!is(child, "namespace_use_group")) continue;
      for (const auto clause : children_of(child))
        if (is(clause, "namespace_use_clause")) clauses.push_back(clause);
    }
    for (const auto clause : clauses) {
      for (const auto child : children_of(clause)) {
        if (!is(child, "qualified_name") && !is(child, "name")) continue;
        auto name = slice(child);
        if (name.starts_with('\\')) name.remove_prefix(1);
        add(ImportForm::php_use, prefix + std::string(name));
        break;
      }
    }
  }

  [[nodiscard]] std::string_view php_text(TSNode node) const {
    if (ts_node_is_null(node) || !(is(node, "string") || is(node, "encapsed_string"))) return {};
    return is_literal(node) ? text(node) : std::string_view{};
  }

  const SourceTree& tree_;
  TSNode node_;
  std::vector<Import>& out_;
  TSNode name_of_using_{};
};

/// Which nodes of a language import, and who reads them.
struct Rule {
  std::string_view languages;
  std::string_view nodes;
  void (Imports::*read)();
};

constexpr std::array kRules = {
    Rule{"c cpp", "preproc_include", &Imports::c},
    Rule{"javascript typescript tsx", "import_statement export_statement call_expression",
         &Imports::script},
    Rule{"python", "import_statement import_from_statement", &Imports::python},
    Rule{"go", "import_spec", &Imports::go},
    Rule{"rust", "mod_item use_declaration", &Imports::rust},
    Rule{"java", "import_declaration", &Imports::java},
    Rule{"csharp", "using_directive", &Imports::csharp},
    Rule{"ruby", "call", &Imports::ruby},
    Rule{"php",
         "namespace_use_declaration require_expression require_once_expression "
         "include_expression include_once_expression",
         &Imports::php},
    Rule{"bash", "command", &Imports::bash},
    Rule{"css", "import_statement", &Imports::css},
    Rule{"html", "start_tag self_closing_tag", &Imports::html},
};

const Rule* rule_of(const Language& language) {
  for (const auto& rule : kRules)
    if (has_word(rule.languages, language.name)) return &rule;
  return nullptr;
}

}  // namespace

std::string_view import_nodes(const Language& language) {
  const auto* rule = rule_of(language);
  return rule ? rule->nodes : std::string_view{};
}

void imports_of(const SourceTree& tree, TSNode node, std::vector<Import>& out) {
  const auto* rule = rule_of(tree.language());
  Imports imports(tree, node, out);
  if (rule) (imports.*rule->read)();
}

}  // namespace muster::index
