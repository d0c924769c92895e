#pragma once
// Structural rewrite: the matches of a search, written anew.

#include <string>
#include <string_view>
#include <vector>

#include "adapters/treesitter/code_search.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster::treesitter {

/// What stands in place of one match.
struct Replacement {
  std::size_t begin = 0;  ///< of the old text, in bytes
  std::size_t end = 0;
  std::string text;
};

/// A piece of code with the holes of a pattern in it, as in "bar($A, $$$REST)".
class RewriteTemplate {
 public:
  explicit RewriteTemplate(std::string_view text);

  /// The names of its holes, each once.
  [[nodiscard]] std::vector<std::string> holes() const;
  /// The replacements of a text's matches, in order; of matches within others the outermost counts.
  /// Lines after the first are indented as the match is, and what a hole took as its place is. A
  /// hole without a capture is empty.
  [[nodiscard]] std::vector<Replacement> replacements(std::string_view text,
                                                      const std::vector<CodeMatch>& matches) const;

 private:
  struct Piece {
    std::string text;  ///< literal text, or a hole's name
    bool hole = false;
    bool multiple = false;
    std::string indent;  ///< of the template's line that it stands on
  };
  [[nodiscard]] std::string fill(std::string_view text, const CodeMatch& match) const;

  std::vector<Piece> pieces_;
};

/// The white space that the line of an offset begins with, up to the offset.
[[nodiscard]] std::string_view indent_at(std::string_view text, std::size_t offset);

/// The text with the replacements made; they must be in order and not overlap.
[[nodiscard]] std::string replaced(std::string_view text,
                                   const std::vector<Replacement>& replacements);

/// The files of a search (that kept their texts) with every match written anew. Errors:
/// invalid_argument, a hole of the replacement that no pattern of the search has.
Result<std::vector<FileRewrite>> rewrites_of(const SearchOutcome& outcome, const SearchSpec& spec,
                                             const RewriteTemplate& to);

/// The change as a unified diff with three lines of context.
[[nodiscard]] std::string unified_diff(std::string_view path, std::string_view text,
                                       const std::vector<Replacement>& replacements);

}  // namespace muster::treesitter
