#pragma once
// A source file and its syntax tree. Internal to this adapter, its commands and its tests.

#include <tree_sitter/api.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/languages.hpp"
#include "runtime/core/result.hpp"

namespace muster::treesitter {

struct ParserDeleter {
  void operator()(TSParser* parser) const { ts_parser_delete(parser); }
};
struct TreeDeleter {
  void operator()(TSTree* tree) const { ts_tree_delete(tree); }
};
using TreeHandle = std::unique_ptr<TSTree, TreeDeleter>;

/// Parses with the parser's language; null when that takes longer than `limit`. `old`: the edited
/// tree of an earlier version, or null.
[[nodiscard]] TreeHandle parse_in_time(TSParser* parser, std::string_view text,
                                       std::chrono::milliseconds limit,
                                       const TSTree* old = nullptr);

/// The compiled-in grammar of a language; null when there is none of that name.
[[nodiscard]] const TSLanguage* grammar_of(const Language& language) noexcept;

/// A text and the tree over it. Immutable; may be read from several threads.
class SourceTree {
 public:
  SourceTree(const Language& language, std::shared_ptr<const std::string> text, TreeHandle tree)
      : language_(&language), text_(std::move(text)), tree_(std::move(tree)) {}

  [[nodiscard]] const Language& language() const { return *language_; }
  [[nodiscard]] std::string_view text() const { return *text_; }
  [[nodiscard]] TSNode root() const { return ts_tree_root_node(tree_.get()); }
  [[nodiscard]] const TSTree* tree() const { return tree_.get(); }
  /// The text of a node of this tree.
  [[nodiscard]] std::string_view slice(TSNode node) const {
    const auto begin = ts_node_start_byte(node);
    return text().substr(begin, ts_node_end_byte(node) - begin);
  }

 private:
  const Language* language_;
  std::shared_ptr<const std::string> text_;
  TreeHandle tree_;
};

/// Bounds of what is parsed.
struct SourceLimits {
  std::size_t max_bytes = 16U << 20U;
  std::chrono::milliseconds max_time{10'000};
};

/// Makes trees. Not thread-safe: one per thread.
class SourceParser {
 public:
  explicit SourceParser(SourceLimits limits = {}) : limits_(limits), parser_(ts_parser_new()) {}
  /// With `before`, the tree of an earlier version, only what differs is parsed anew. Errors:
  /// not_found (no grammar), limit_reached (too long, too slow).
  Result<SourceTree> parse(const Language& language, std::string text,
                           const SourceTree* before = nullptr);

 private:
  SourceLimits limits_;
  std::unique_ptr<TSParser, ParserDeleter> parser_;
};

}  // namespace muster::treesitter
