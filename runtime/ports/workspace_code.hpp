#pragma once
// Port to the code of one working tree by its structure, as agents may see and change it.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/ports/code_index.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster {

/// What is looked for: code of a form. See docs/syntax-gate.md for patterns.
struct CodePattern {
  std::string pattern;   ///< code with $HOLES
  std::string language;  ///< name or alias; empty: every language that the pattern is valid in
  std::string inside;    ///< a pattern of code around the match; empty: any
  std::string has;       ///< a pattern of code within the match
  std::string without;   ///< a pattern that no code within the match has
  std::vector<std::pair<std::string, std::string>> where;  ///< hole and the RE2 its text must have
  std::string path = ".";                                  ///< a file, or a folder to search below
};

struct CodeHit {
  std::string file;
  int line = 0;      ///< from 1
  int column = 0;    ///< from 1, in code points
  std::string text;  ///< the first line of the match's lines
};

struct CodeHits {
  std::vector<CodeHit> hits;         ///< by file and place
  std::vector<std::string> skipped;  ///< "path: why", of files that could not be searched
  std::string warning;               ///< of the pattern; may be empty
  std::size_t searched = 0;          ///< files
};

/// Which part of a definition is replaced.
enum class SymbolPart { body, whole };

/// The code of one tree. Thread-safe; all calls block. What is not an agent's to see is not there.
class WorkspaceCode {
 public:
  virtual ~WorkspaceCode() = default;
  /// invalid_argument: the pattern, a language or a path is wrong.
  virtual Result<CodeHits> search(const CodePattern& pattern) = 0;
  /// The files with all matches written as `replacement`, which may use the pattern's holes.
  /// Nothing is written. invalid_argument as search(), or a hole that the pattern does not have.
  virtual Result<std::vector<FileRewrite>> rewrite(const CodePattern& pattern,
                                                   const std::string& replacement) = 0;
  /// What a file defines, in order.
  virtual Result<std::vector<IndexedSymbol>> outline(const std::string& path) = 0;
  /// The file with one definition's body, or all of it, replaced; indentation follows the place.
  /// Nothing is written. `symbol`: "run", "Engine::run"; not_found names what there is, conflict
  /// that there are several.
  virtual Result<FileRewrite> replace_symbol(const std::string& path, const std::string& symbol,
                                             SymbolPart part, const std::string& text) = 0;
  /// The index of the tree; an error when there can be none.
  virtual Result<std::shared_ptr<CodeIndex>> index() = 0;
};

/// Opens the code of the tree at `root`, of which agents may see `files`. Any thread.
using OpenCode = std::function<Result<std::shared_ptr<WorkspaceCode>>(
    const std::string& root, std::shared_ptr<WorkspaceFiles> files)>;

}  // namespace muster
