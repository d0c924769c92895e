#pragma once
// Code patterns: a piece of code with holes, matched by structure. Syntax and meaning are
// ast-grep's (https://ast-grep.github.io/guide/pattern-syntax.html), its strictness "smart": every
// node of the pattern must be there, punctuation of the code that the pattern lacks is passed over.
//
//   $NAME     one named node; the same name twice means the same code
//   $$NAME    one node, punctuation too
//   $_NAME    one named node, which is not kept and need not be the same twice
//   $$$NAME   any number of nodes; $$$ without keeping them

#include <tree_sitter/api.h>

#include <string>
#include <string_view>
#include <vector>

#include "adapters/treesitter/source_tree.hpp"

namespace muster::treesitter {

/// What a hole of the pattern took, in the order of the pattern.
struct Capture {
  std::string name;
  std::vector<TSNode> nodes;
  bool multiple = false;  ///< of $$$NAME
};
using Captures = std::vector<Capture>;

/// A node of a pattern.
struct PatternNode {
  enum class Kind {
    hole,   ///< $NAME
    holes,  ///< $$$NAME
    leaf,
    inner,
  };
  Kind kind = Kind::leaf;
  std::string name;   ///< of a hole that keeps what it takes
  bool named = true;  ///< the node, or what a hole takes
  bool comment = false;
  TSSymbol symbol = 0;
  std::string text;  ///< of a leaf
  std::vector<PatternNode> children = {};

  /// Punctuation.
  [[nodiscard]] bool trivial() const { return kind == Kind::leaf && !named; }
};

/// A compiled pattern. Immutable; may be matched from several threads.
class AstPattern {
 public:
  /// `selector`: the kind of the node within the text that is the pattern, when the text around it
  /// is only there to make it parse; "" = the innermost node that spans the text. Errors:
  /// invalid_argument (empty, several statements, no node of that kind), not_found (no grammar).
  static Result<AstPattern> compile(const Language& language, std::string_view text,
                                    std::string_view selector = {});

  /// Whether a node of `tree` matches; its captures are appended to `captures`, which must agree
  /// with what is there already. On false `captures` is as it was.
  [[nodiscard]] bool matches(const SourceTree& tree, TSNode node, Captures& captures) const;
  /// Whether a text can hold a match at all: it has the words that the pattern has.
  [[nodiscard]] bool possible_in(std::string_view text) const;
  /// The pattern did not parse without errors: it may match nothing.
  [[nodiscard]] bool has_error() const { return has_error_; }
  [[nodiscard]] const Language& language() const { return *language_; }

 private:
  [[nodiscard]] bool has_keywords(std::string_view text) const;

  const Language* language_ = nullptr;
  PatternNode root_;
  std::vector<std::string> names_;     // and what else its named leaves are, the longest first
  std::vector<std::string> keywords_;  // likewise
  bool has_error_ = false;
};

}  // namespace muster::treesitter
