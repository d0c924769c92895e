#pragma once
// Answers out of the database about one tree as it is known.

#include <string>
#include <vector>

#include "adapters/index/index_database.hpp"
#include "runtime/core/repo_map.hpp"
#include "runtime/ports/code_index.hpp"

namespace muster::index {

/// What is asked of: all stay the caller's.
struct KnownTree {
  int root = -1;  ///< its folder, open
  std::int64_t tree = 0;
  IndexDatabase& database;
  const std::vector<KnownFile>& files;
};

/// Errors of all: corrupt and the database's others.
Result<std::vector<IndexedSymbol>> find_symbols(const KnownTree& tree, const SymbolQuery& query);
/// Looks into the files: a place that has changed since is left out.
Result<std::vector<IndexedReference>> find_references(const KnownTree& tree,
                                                      const std::string& name, std::size_t limit,
                                                      bool& limit_hit);
Result<std::vector<MapFile>> map_files(const KnownTree& tree);
Result<std::vector<std::string>> find_dependents(const KnownTree& tree,
                                                 const std::vector<std::string>& files);
Result<std::vector<MissingImport>> find_missing_imports(const KnownTree& tree,
                                                        const std::vector<std::string>& files);

}  // namespace muster::index
