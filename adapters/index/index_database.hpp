#pragma once
// The file that the index is kept in: contents, and the trees whose files have them.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/index/file_facts.hpp"
#include "adapters/store/database.hpp"

namespace muster::index {

/// A file of a tree, as it was when it was read.
struct KnownFile {
  std::string path;      ///< relative to the tree; any bytes
  std::string language;  ///< empty: none that is known
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::int64_t inode = 0;
  std::int64_t content = 0;  ///< 0: nothing is kept of it
  std::int64_t symbols = 0;  ///< how many
  std::string skipped;       ///< why nothing is kept, when that should be said
};

/// A content that is not kept yet.
struct NewContent {
  std::string key;  ///< see content_key
  std::uint64_t lines = 0;
  std::size_t symbols = 0;
  PackedFacts facts;

  [[nodiscard]] std::size_t bytes() const {
    return key.size() + facts.symbols.size() + facts.names.size() + facts.places.size() +
           facts.imports.size();
  }
};

/// A file that changed: `file` without content and symbols, which `key` tells; "" = none.
struct FileChange {
  KnownFile file;
  std::string key;
};

/// Digest and language: what a text is parsed to depends on both.
[[nodiscard]] std::string content_key(std::string_view text, std::string_view language);

/// What is thrown away, and when.
struct SweepRule {
  std::int64_t after = 500;  ///< contents that lost a file, until one looks
  std::int64_t least_age_s =
      60L * 60;  ///< of a content: a refresh under way may be about to use it
};

/// A connection to the index. Used by one thread at a time; any number of connections and processes
/// at once. Errors of all calls: corrupt (then rebuild()), no_space, io_error.
class IndexDatabase {
 public:
  /// Opens or makes it, with the folders above it. One that is damaged, or of another version, is
  /// made anew: all that is in it can be read from the files again.
  static Result<std::unique_ptr<IndexDatabase>> open(const std::string& path);

  /// Whether the path leads to another file by now: somebody made it anew.
  [[nodiscard]] bool replaced() const;
  /// Takes a damaged file away, unless somebody did so already. Open again afterwards.
  Status discard();

  /// The number of the tree at an absolute path.
  Result<std::int64_t> tree(const std::string& root);
  /// All files of a tree, by path.
  Result<std::vector<KnownFile>> files(std::int64_t tree);
  /// Changes when another connection wrote something.
  Result<std::int64_t> version();
  Result<bool> has_content(const std::string& key);
  Status add(const std::vector<NewContent>& contents);
  /// Writes what became of a tree, in one transaction. The changes are given their content and
  /// symbols. conflict: a content is gone; the tree is as it was.
  Status change(std::int64_t tree, const std::vector<std::string>& removed,
                std::vector<FileChange>& changes, const SweepRule& rule);
  /// Forgets trees whose folders are gone, and contents that nobody has.
  Status sweep(const SweepRule& rule);

  Result<store::Statement> prepare(const char* sql) { return database_.prepare(sql); }

 private:
  IndexDatabase(store::Database database, std::string path);
  static Result<std::unique_ptr<IndexDatabase>> open_once(const std::string& path);
  Status set_up();
  Status write_changes(std::int64_t tree, const std::vector<std::string>& removed,
                       std::vector<FileChange>& changes);
  Status remove_files(std::int64_t tree, const std::vector<std::string>& removed);
  Status find_contents(std::vector<FileChange>& changes);
  Status insert_contents(const std::vector<NewContent>& contents);
  Status forget_trees();
  template <class Work>
  Status transaction(Work work);
  Status log_in_bounds();

  store::Database database_;
  std::string path_;
  std::uint64_t inode_ = 0;
};

}  // namespace muster::index
