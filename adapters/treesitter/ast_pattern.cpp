#include "adapters/treesitter/ast_pattern.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "adapters/treesitter/c_code.hpp"
#include "adapters/treesitter/nodes.hpp"
#include "runtime/core/text.hpp"

namespace muster::treesitter {
namespace {

constexpr int kMaxDepth = 400;  // of a pattern

bool may_begin_name(char c) { return (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return may_begin_name(c) || (c >= '0' && c <= '9'); });
}

/// The pattern as its language can parse it: "$" of a hole becomes a letter where "$" is none.
std::string with_expando(std::string_view text, std::string_view expando) {
  if (expando.empty()) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto dollars = std::min(text.find_first_not_of('$', at), text.size()) - at;
    at += dollars;
    const bool hole = dollars == 3 || (at < text.size() && may_begin_name(text[at]));
    for (std::size_t i = 0; i < dollars; ++i) out += hole ? expando : std::string_view("$");
    if (at < text.size()) out += text[at++];
  }
  return out;
}

/// The hole that a text is, if it is one.
std::optional<PatternNode> hole_of(std::string_view text, std::string_view expando) {
  const std::string_view sign = expando.empty() ? std::string_view("$") : expando;
  std::size_t signs = 0;
  while (signs < 3 && text.starts_with(sign)) {
    text.remove_prefix(sign.size());
    ++signs;
  }
  if (signs == 0 || !is_name(text)) return std::nullopt;
  PatternNode out;
  out.kind = signs == 3 ? PatternNode::Kind::holes : PatternNode::Kind::hole;
  out.named = signs != 2;
  if (signs < 3 && (text.empty() || !may_begin_name(text.front()))) return std::nullopt;
  if (!text.empty() && text.front() != '_') out.name = text;
  return out;
}

/// Makes a PatternNode of a node of the pattern's tree.
class Compiler {
 public:
  explicit Compiler(const SourceTree& tree) : tree_(tree) {}

  std::optional<PatternNode> node(TSNode from, int depth = 0) {
    if (depth > kMaxDepth) return std::nullopt;
    const auto text = tree_.slice(from);
    if (auto hole = hole_of(text, tree_.language().expando)) return hole;
    PatternNode out;
    out.named = ts_node_is_named(from);
    out.symbol = ts_node_symbol(from);
    out.comment = type_of(from).find("comment") != std::string_view::npos;
    if (ts_node_child_count(from) == 0) {
      out.text = text;
      return out;
    }
    out.kind = PatternNode::Kind::inner;
    for (const TSNode child : children_of(from)) {
      if (ts_node_is_missing(child)) continue;
      auto made = node(child, depth + 1);
      if (!made) return std::nullopt;
      out.children.push_back(std::move(*made));
    }
    return out;
  }

 private:
  const SourceTree& tree_;
};

/// A node that has nothing beside its only child; some grammars put an empty token at the end.
bool is_shell(TSNode node) {
  const auto count = ts_node_child_count(node);
  if (count == 1) return true;
  if (count != 2) return false;
  const auto last = ts_node_child(node, 1);
  return ts_node_is_missing(last) || type_of(last).empty();
}

std::optional<TSNode> first_of_kind(TSNode node, std::string_view kind) {
  if (type_of(node) == kind) return node;
  for (const TSNode child : children_of(node))
    if (auto found = first_of_kind(child, kind)) return found;
  return std::nullopt;
}

/// The root of what the pattern says: without the beginning that the language wants.
std::optional<TSNode> pattern_root(const SourceTree& tree) {
  const TSNode root = tree.root();
  if (tree.language().code_begins.empty()) return root;
  if (ts_node_child_count(root) != 2) return std::nullopt;
  return ts_node_child(root, 1);
}

Result<TSNode> goal_of(const SourceTree& tree, std::string_view selector) {
  if (!selector.empty()) {
    const auto found = first_of_kind(tree.root(), selector);
    if (!found)
      return Error{ErrorCode::invalid_argument,
                   "the pattern has no node of kind '" + std::string(selector) + "'"};
    return *found;
  }
  if (ts_node_child_count(tree.root()) == 0)
    return Error{ErrorCode::invalid_argument, "the pattern is empty"};
  const auto root = pattern_root(tree);
  if (!root || (tree.language().code_begins.empty() && !is_shell(*root)))
    return Error{ErrorCode::invalid_argument,
                 "the pattern is more than one statement, or no code of this language"};
  TSNode node = *root;
  while (is_shell(node)) node = ts_node_child(node, 0);
  return node;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_keyword(const PatternNode& leaf) {
  return !leaf.named && leaf.text.size() > 1 &&
         std::all_of(leaf.text.begin(), leaf.text.end(), is_letter);
}

/// Whether `word` stands there as a token: not within a name, but behind a number it may ("1if").
bool has_keyword(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    if (end < text.size() && is_name_char(text[end])) continue;
    auto begin = at;
    while (begin > 0 && is_name_char(text[begin - 1])) --begin;
    if (begin == at || is_digit(text[begin])) return true;
  }
  return false;
}

/// The words without which no code matches.
class Words {
 public:
  explicit Words(bool keywords) : keywords_(keywords) {}

  void collect(const PatternNode& node) {
    if (node.kind == PatternNode::Kind::leaf && node.named) names.push_back(node.text);
    if (keywords_ && is_keyword(node)) keywords.push_back(node.text);
    bool behind_ellipsis = false;  // punctuation there is not looked for
    for (const auto& child : node.children) {
      behind_ellipsis =
          child.kind == PatternNode::Kind::holes || (behind_ellipsis && child.trivial());
      if (!behind_ellipsis) collect(child);
    }
  }

  std::vector<std::string> names;
  std::vector<std::string> keywords;

 private:
  bool keywords_;
};

/// Matches one pattern against nodes of one tree.
class Matcher {
 public:
  Matcher(const SourceTree& tree, Captures& captures) : tree_(tree), captures_(captures) {}

  bool matches(const PatternNode& goal, TSNode node) {
    const auto kept = captures_.size();
    if (one(goal, node) == Outcome::matched) return true;
    captures_.resize(kept);
    return false;
  }

 private:
  enum class Outcome { matched, passed_over, different };
  enum class Step { done, again, one_more, failed };

  /// The children of a pattern's node and of a candidate, and how far each was matched.
  struct Walk {
    const std::vector<PatternNode>& goals;
    std::vector<TSNode> nodes;
    std::size_t goal = 0;
    std::size_t node = 0;
    [[nodiscard]] bool goals_left() const { return goal < goals.size(); }
    [[nodiscard]] bool nodes_left() const { return node < nodes.size(); }
  };

  Outcome one(const PatternNode& goal, TSNode node) {
    if (is_match(goal, node)) return Outcome::matched;
    // Only words and punctuation of the pattern are looked for further on: "$A => $B" does not find
    // "async a => b", "function $F" finds "async function f".
    const bool look_on = goal.kind == PatternNode::Kind::leaf && !ts_node_is_named(node);
    return look_on ? Outcome::passed_over : Outcome::different;
  }

  bool is_match(const PatternNode& goal, TSNode node) {
    switch (goal.kind) {
      case PatternNode::Kind::hole:
        return take(goal, node);
      case PatternNode::Kind::holes:
        return keep(goal.name, {node}, true);
      // Punctuation is compared by its kind: some grammars give it a span that is not its text.
      case PatternNode::Kind::leaf:
        return same_kind(goal, node) && (!goal.named || goal.text == tree_.slice(node));
      case PatternNode::Kind::inner:
        return same_kind(goal, node) && children(goal.children, node);
    }
    return false;
  }

  static bool same_kind(const PatternNode& goal, TSNode node) {
    constexpr TSSymbol error = static_cast<TSSymbol>(-1);
    return goal.symbol == error || goal.symbol == ts_node_symbol(node);
  }

  bool children(const std::vector<PatternNode>& goals, TSNode parent) {
    Walk walk{goals, children_of(parent)};
    if (walk.nodes.empty()) return false;
    for (;;) {
      auto step = ellipsis(walk);
      if (step == Step::one_more) step = single(walk);
      if (step == Step::done) return true;
      if (step == Step::failed) return false;
      if (step == Step::again) continue;
      ++walk.goal;
      ++walk.node;
    }
  }

  /// $$$ takes as little as lets the next node of the pattern match; at the end it takes the rest.
  Step ellipsis(Walk& walk) {
    if (!walk.goals_left() || walk.goals[walk.goal].kind != PatternNode::Kind::holes)
      return Step::one_more;
    const auto& name = walk.goals[walk.goal++].name;
    std::vector<TSNode> taken;
    // Punctuation after it belongs to what it takes: it is given back below.
    std::size_t punctuation = 0;
    while (walk.goals_left() && walk.goals[walk.goal].trivial()) {
      ++walk.goal;
      ++punctuation;
    }
    if (!walk.goals_left()) {
      taken.assign(walk.nodes.begin() + static_cast<std::ptrdiff_t>(walk.node), walk.nodes.end());
      return keep_list(name, std::move(taken), punctuation) ? Step::done : Step::failed;
    }
    if (walk.goals[walk.goal].kind == PatternNode::Kind::holes) {
      if (!walk.nodes_left()) return Step::failed;
      taken.push_back(walk.nodes[walk.node++]);
      if (!walk.nodes_left()) return Step::failed;
      return keep_list(name, std::move(taken), punctuation) ? Step::again : Step::failed;
    }
    for (; walk.nodes_left(); ++walk.node) {
      const auto kept = captures_.size();
      const bool found = matches(walk.goals[walk.goal], walk.nodes[walk.node]);
      captures_.resize(kept);  // single() matches it once more
      if (found)
        return keep_list(name, std::move(taken), punctuation) ? Step::one_more : Step::failed;
      taken.push_back(walk.nodes[walk.node]);
    }
    return Step::failed;
  }

  Step single(Walk& walk) {
    for (;; ++walk.node) {
      // What the code has beyond the end of the pattern does not matter: "return $A" finds
      // "return a;", "if ($A) { $$$ }" one with an else.
      if (!walk.goals_left()) return Step::done;
      if (!walk.nodes_left()) return only_ellipses_left(walk) ? Step::done : Step::failed;
      if (is_comment(walk.nodes[walk.node]) && passes_comments(walk.goals[walk.goal])) continue;
      switch (one(walk.goals[walk.goal], walk.nodes[walk.node])) {
        case Outcome::matched:
          return Step::one_more;
        case Outcome::different:
          return Step::failed;
        case Outcome::passed_over:
          break;
      }
    }
  }

  static bool is_comment(TSNode node) {
    return type_of(node).find("comment") != std::string_view::npos;
  }

  /// Holes and leaves are looked for behind a comment; what has parts must come at once.
  static bool passes_comments(const PatternNode& goal) {
    return goal.kind != PatternNode::Kind::inner && !goal.comment;
  }

  static bool only_ellipses_left(const Walk& walk) {
    return std::all_of(
        walk.goals.begin() + static_cast<std::ptrdiff_t>(walk.goal), walk.goals.end(),
        [](const PatternNode& goal) { return goal.kind == PatternNode::Kind::holes; });
  }

  bool take(const PatternNode& goal, TSNode node) {
    if (goal.named && !ts_node_is_named(node)) return false;
    return keep(goal.name, {node}, false);
  }

  bool keep_list(const std::string& name, std::vector<TSNode> nodes, std::size_t punctuation) {
    nodes.resize(nodes.size() - std::min(punctuation, nodes.size()));
    return keep(name, std::move(nodes), true);
  }

  bool keep(const std::string& name, std::vector<TSNode> nodes, bool multiple) {
    if (name.empty()) return true;
    for (const auto& capture : captures_)
      if (capture.name == name && capture.multiple == multiple) return same(capture.nodes, nodes);
    captures_.push_back({name, std::move(nodes), multiple});
    return true;
  }

  [[nodiscard]] bool same(const std::vector<TSNode>& a, const std::vector<TSNode>& b) const {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(),
                      [this](TSNode x, TSNode y) { return same_code(x, y); });
  }

  [[nodiscard]] bool same_code(TSNode a, TSNode b) const {
    if (a.id == b.id) return true;
    if (ts_node_named_child_count(a) == 0 || ts_node_named_child_count(b) == 0)
      return tree_.slice(a) == tree_.slice(b);
    return ts_node_symbol(a) == ts_node_symbol(b) && same(children_of(a), children_of(b));
  }

  const SourceTree& tree_;
  Captures& captures_;
};

}  // namespace

Result<AstPattern> AstPattern::compile(const Language& language, std::string_view text,
                                       std::string_view selector) {
  SourceParser parser;
  auto tree = parser.parse(
      language, std::string(language.code_begins) + with_expando(text, language.expando));
  if (!tree) return tree.error();
  auto goal = goal_of(*tree, selector);
  if (!goal) return goal.error();
  if (auto hole = hole_of(tree->slice(*goal), language.expando);
      hole && hole->kind == PatternNode::Kind::holes)
    return Error{ErrorCode::invalid_argument, "the pattern matches everything"};
  auto root = Compiler(*tree).node(*goal);
  if (!root) return Error{ErrorCode::limit_reached, "the pattern is nested too deeply"};
  AstPattern out;
  out.language_ = &language;
  out.has_error_ = ts_node_has_error(*goal);
  out.root_ = std::move(*root);
  Words words(!language.keywords_in_any_case);
  words.collect(out.root_);
  const auto longer = [](const auto& a, const auto& b) { return a.size() > b.size(); };
  std::sort(words.names.begin(), words.names.end(), longer);
  std::sort(words.keywords.begin(), words.keywords.end(), longer);
  out.names_ = std::move(words.names);
  out.keywords_ = std::move(words.keywords);
  return out;
}

bool AstPattern::matches(const SourceTree& tree, TSNode node, Captures& captures) const {
  return Matcher(tree, captures).matches(root_, node);
}

/// Words of a comment are no keywords, and headers have long ones.
bool AstPattern::has_keywords(std::string_view text) const {
  const auto all_in = [this](std::string_view code) {
    return std::all_of(keywords_.begin(), keywords_.end(),
                       [&](const std::string& word) { return has_keyword(code, word); });
  };
  if (keywords_.empty()) return true;
  if (!all_in(text)) return false;
  if (language_->name != "c" && language_->name != "cpp") return true;
  const auto code = c_code_of(text);
  return !code || all_in(*code);
}

bool AstPattern::possible_in(std::string_view text) const {
  const auto has_name = [&](const std::string& name) {
    return text.find(name) != std::string_view::npos;
  };
  return std::all_of(names_.begin(), names_.end(), has_name) && has_keywords(text);
}

}  // namespace muster::treesitter
