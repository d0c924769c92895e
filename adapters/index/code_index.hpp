#pragma once
// The code index on SQLite and tree-sitter.

#include <memory>
#include <mutex>
#include <string>

#include "adapters/index/tree_refresh.hpp"
#include "runtime/ports/code_index.hpp"

namespace muster::index {

struct CodeIndexOptions {
  std::string database;  ///< its file; folders above are made
  RefreshOptions refresh = {};
};

/// Where a workspace's index lies: in the folder of its state.
[[nodiscard]] std::string database_in(const std::string& state_folder);

/// Indexes of trees that share a database. Thread-safe. An index that it gives may outlive it.
class SqliteCodeIndex final : public CodeIndexPort {
 public:
  explicit SqliteCodeIndex(CodeIndexOptions options);
  ~SqliteCodeIndex() override;

  /// Errors: not_found (no such folder), permission_denied, and those of the database. A damaged
  /// one is made anew.
  Result<std::shared_ptr<CodeIndex>> open(const std::string& root) override;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace muster::index
