#pragma once
// Port to the index of a tree's code: what it defines, where its names are used, and a map of it.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/imports.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// A definition.
struct IndexedSymbol {
  std::string file;       ///< relative to the tree's root
  std::string kind;       ///< function | method | class | struct | enum | interface | type | module
                          ///< | constant | macro | heading
  std::string name;       ///< "run"
  std::string path;       ///< with what it lies in: "Engine::Parts::run"
  std::string signature;  ///< its first line, without the body
  int line = 0;           ///< from 1
  int end_line = 0;
};

/// A place where a name is used, by name alone: two things of one name are not told apart.
struct IndexedReference {
  std::string file;
  int line = 0;        ///< from 1
  int column = 0;      ///< from 1, in code points
  std::string text;    ///< the line, at most 200 bytes of it
  std::string within;  ///< path of the symbol that it lies in; empty at the top of the file
};

/// Which symbols are wanted. Empty parts do not narrow.
struct SymbolQuery {
  std::string name;  ///< a name, or a path ("Engine::run"): the end of it; '*' stands for any text
  std::string kind;
  std::string folder;  ///< only files below it, or one file
  std::size_t limit = 200;
};

/// A map of the repository: its files and symbols of most weight, within a budget.
struct MapRequest {
  std::int64_t token_budget = 2000;  ///< estimated tokens of the whole text
  std::string text;                  ///< the task in words: names and files in it weigh more
  std::vector<std::string> files;    ///< that the task is about
};

/// What bringing the index up to date came to.
struct IndexReport {
  std::size_t files = 0;    ///< in the tree, of languages that are known
  std::size_t parsed = 0;   ///< that had to be read and parsed
  std::size_t removed = 0;  ///< that are gone
  std::uint64_t lines = 0;  ///< of what was parsed
  std::size_t symbols = 0;  ///< in the index
  std::int64_t took_ms = 0;
  std::vector<std::string> skipped;  ///< "path: why"; at most 100
};

/// The index of one tree. Thread-safe; all calls block. Every answer is of the tree as it is at the
/// call: what changed since the last one is read first.
class CodeIndex {
 public:
  virtual ~CodeIndex() = default;
  virtual Result<IndexReport> refresh() = 0;
  virtual Result<std::vector<IndexedSymbol>> symbols(const SymbolQuery& query) = 0;
  /// Uses of a name, its definitions left out. `limit_hit`: there are more.
  virtual Result<std::vector<IndexedReference>> references(const std::string& name,
                                                           std::size_t limit, bool& limit_hit) = 0;
  virtual Result<std::string> map(const MapRequest& request) = 0;
  /// Files that may reach one of the given ones by their imports, the given ones left out.
  virtual Result<std::vector<std::string>> dependents(const std::vector<std::string>& files) = 0;
  /// Imports of the given files (none: of all) that certainly lead nowhere, ignored files seen.
  /// Unavailable where an index does not know them.
  virtual Result<std::vector<MissingImport>> missing_imports(
      const std::vector<std::string>& files) {
    (void)files;
    return Error{ErrorCode::unavailable, "this index knows no imports"};
  }
};

class CodeIndexPort {
 public:
  virtual ~CodeIndexPort() = default;
  /// The index of the tree at `root`; trees of one workspace share what they have in common.
  virtual Result<std::shared_ptr<CodeIndex>> open(const std::string& root) = 0;
};

}  // namespace muster
