#pragma once
// Structural search: where code of a form stands in the files of a folder.

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "adapters/treesitter/ast_pattern.hpp"

namespace re2 {
class RE2;
}

namespace muster::treesitter {

/// A place in a text.
struct CodePlace {
  std::size_t offset = 0;  ///< in bytes
  int line = 0;            ///< from 0
  int column = 0;          ///< from 0, in code points
  int column_utf16 = 0;    ///< from 0, in UTF-16 code units, as editors and language servers count
};

struct CodeRange {
  CodePlace begin;
  CodePlace end;
};

struct CodeCapture {
  std::string name;
  bool multiple = false;
  std::string text;                ///< from the first to the last node that it took
  CodeRange range;                 ///< of that text
  std::vector<std::string> parts;  ///< the nodes, of a multiple one
};

struct CodeMatch {
  CodeRange range;
  std::string text;
  std::string lines;  ///< the whole lines that it stands on
  std::vector<CodeCapture> captures;
};

struct FileMatches {
  std::string path;  ///< as it was given
  const Language* language = nullptr;
  std::vector<CodeMatch> matches;  ///< in order of their begin; matches may lie in others
  std::string text;                ///< of the file, when it was to be kept
};

/// What is looked for: a pattern or a tree-sitter query, and what else must hold. The other
/// patterns share the holes of the first: the same name means the same code.
struct SearchSpec {
  std::string pattern;
  std::string selector;  ///< see AstPattern::compile
  std::string query;     ///< tree-sitter's query language, in place of a pattern
  std::string inside;    ///< a pattern that a node around the match has
  std::string has;       ///< a pattern that a node within the match has
  std::string without;   ///< a pattern that no node within the match, nor itself, has
  struct Regex {
    std::string hole;
    std::string regex;  ///< RE2, found anywhere in the hole's text
  };
  std::vector<Regex> where;
};

/// What is kept of the matches in one file.
struct FindLimits {
  std::size_t max_bytes = 1U << 30U;                                     ///< of texts and places
  std::size_t max_line_bytes = std::numeric_limits<std::size_t>::max();  ///< of CodeMatch::lines
};

/// A search in one language. Immutable; may be used from several threads.
class CodeSearch {
 public:
  /// Errors: invalid_argument with the part that is wrong and where.
  static Result<std::shared_ptr<const CodeSearch>> make(const Language& language,
                                                        const SearchSpec& spec);
  ~CodeSearch();
  CodeSearch(const CodeSearch&) = delete;
  CodeSearch& operator=(const CodeSearch&) = delete;

  /// The matches in one text. limit_reached when it cannot be parsed in time, or has too many.
  Result<std::vector<CodeMatch>> find(SourceParser& parser, std::string text,
                                      const FindLimits& limits = {}) const;
  /// What the user should know: a pattern that did not parse without errors.
  [[nodiscard]] const std::string& warning() const { return warning_; }

 private:
  class Query;
  CodeSearch();
  Status add(const Language& language, const SearchSpec& spec);
  [[nodiscard]] bool possible_in(std::string_view text) const;
  [[nodiscard]] bool holds(const SourceTree& tree, TSNode node, Captures& captures) const;

  const Language* language_ = nullptr;
  std::unique_ptr<AstPattern> pattern_, inside_, has_, without_;
  std::unique_ptr<Query> query_;
  struct Where {
    std::string hole;
    std::unique_ptr<re2::RE2> regex;
  };
  std::vector<Where> where_;
  std::string warning_;
};

/// Searches for one thing, one a language.
struct Searches {
  std::vector<std::pair<const Language*, std::shared_ptr<const CodeSearch>>> list;
  std::string warning;  ///< what the user should know of a named language's pattern
};

/// In the named language (name or alias), or, with an empty name, in every one that the pattern is
/// valid in without errors. Errors: invalid_argument.
Result<Searches> searches_for(const std::string& language, const SearchSpec& spec);

/// What a search over many files came to.
struct SearchOutcome {
  std::vector<FileMatches> files;    ///< that have matches, in the order of the paths
  std::vector<std::string> skipped;  ///< "path: why", of files that could not be read or parsed
  std::size_t searched = 0;          ///< files of the language
};

struct SearchOptions {
  std::size_t max_file_bytes = 4U << 20U;
  bool keep_text = false;  ///< of files that have matches
  FindLimits find;
};

/// Searches the files of the searches' languages on all cores. Files are read from below `folder`.
/// Blocks.
SearchOutcome search_files(const std::string& folder, const std::vector<std::string>& paths,
                           const Searches& searches, SearchOptions options = {});

}  // namespace muster::treesitter
