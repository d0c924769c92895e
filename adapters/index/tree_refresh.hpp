#pragma once
// Bringing what is known of a tree up to date.

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/files/file_policy.hpp"
#include "adapters/files/ripgrep.hpp"
#include "adapters/index/index_database.hpp"
#include "adapters/treesitter/source_tree.hpp"
#include "runtime/ports/code_index.hpp"

namespace muster::index {

struct RefreshOptions {
  std::string ripgrep = "rg";
  files::PolicyPatterns patterns = files::default_patterns();  ///< what no agent sees is not there
  std::size_t threads = 0;                                     ///< 0 = one a processor
  std::size_t max_file_bytes = 2U << 20U;  ///< larger files are skipped: data, or made by a program
  std::chrono::milliseconds max_parse{5000};  ///< for one file
  std::size_t batch_bytes = 4U << 20U;        ///< of contents that wait to be written
  SweepRule sweep;
};

/// One tree in one database.
struct RefreshPlace {
  int root = -1;  ///< its folder, open
  std::int64_t tree = 0;
  IndexDatabase* database = nullptr;
  std::mutex* writing =
      nullptr;  ///< one writer in this process: waiting here is cheaper than there
};

/// Lists, looks, reads and parses what changed, on all cores. `known`: the files of the tree as the
/// database has them, by path; brought up to date. On failure neither it nor the tree's rows
/// changed. Errors: those of the database and of ripgrep; conflict: to be tried again. Blocks.
Result<IndexReport> refresh_tree(const RefreshOptions& options, const RefreshPlace& place,
                                 std::vector<KnownFile>& known);

}  // namespace muster::index
