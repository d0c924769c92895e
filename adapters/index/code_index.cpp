#include "adapters/index/code_index.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "adapters/index/tree_reader.hpp"
#include "adapters/io/unique_fd.hpp"

namespace muster::index {

std::string database_in(const std::string& state_folder) { return state_folder + "/index.db"; }

/// What the indexes of a database have in common.
struct SqliteCodeIndex::Shared {
  CodeIndexOptions options;
  std::mutex writing;
};

namespace {

constexpr int kTries = 4;

/// One tree. One call at a time: who comes second finds the work of the first done.
template <class Shared>
class TreeIndex final : public CodeIndex {
 public:
  TreeIndex(std::shared_ptr<Shared> shared, UniqueFd folder, std::string root)
      : shared_(std::move(shared)), folder_(std::move(folder)), root_(std::move(root)) {}

  Result<IndexReport> refresh() override {
    return fresh<IndexReport>([](const KnownTree&, IndexReport& report) -> Result<IndexReport> {
      return std::move(report);
    });
  }

  Result<std::vector<IndexedSymbol>> symbols(const SymbolQuery& query) override {
    return fresh<std::vector<IndexedSymbol>>(
        [&](const KnownTree& tree, IndexReport&) { return find_symbols(tree, query); });
  }

  Result<std::vector<IndexedReference>> references(const std::string& name, std::size_t limit,
                                                   bool& limit_hit) override {
    return fresh<std::vector<IndexedReference>>([&](const KnownTree& tree, IndexReport&) {
      return find_references(tree, name, limit, limit_hit);
    });
  }

  Result<std::string> map(const MapRequest& request) override {
    auto files = fresh<std::vector<MapFile>>(
        [](const KnownTree& tree, IndexReport&) { return map_files(tree); });
    if (!files) return files.error();
    return repo_map(*files, {request.token_budget, request.text, request.files});
  }

  Result<std::vector<std::string>> dependents(const std::vector<std::string>& files) override {
    return fresh<std::vector<std::string>>(
        [&](const KnownTree& tree, IndexReport&) { return find_dependents(tree, files); });
  }

  Result<std::vector<MissingImport>> missing_imports(
      const std::vector<std::string>& files) override {
    return fresh<std::vector<MissingImport>>(
        [&](const KnownTree& tree, IndexReport&) { return find_missing_imports(tree, files); });
  }

 private:
  /// The answer of `ask` on the tree as it is now. A damaged database is made anew, and a content
  /// that another process swept is parsed again.
  template <class T, class Ask>
  Result<T> fresh(Ask ask) {
    const std::lock_guard lock(mutex_);
    for (int tries = 1;; ++tries) {
      auto report = bring_up_to_date();
      Result<T> out = report ? answer<T>(*report, ask) : Result<T>(report.error());
      if (out) return out;
      const auto code = out.error().code;
      const bool may_mend = code == ErrorCode::corrupt || code == ErrorCode::conflict;
      if (!may_mend || tries == kTries) return about_index(out.error());
      if (auto dropped = start_again(code == ErrorCode::corrupt); !dropped) return dropped.error();
    }
  }

  template <class T, class Ask>
  Result<T> answer(IndexReport& report, Ask& ask) {
    const KnownTree tree{folder_.get(), tree_, *database_, known_};
    return ask(tree, report);
  }

  /// The store's words are about its journal.
  [[nodiscard]] Error about_index(Error error) const {
    if (error.message.starts_with("journal: ")) error.message.replace(0, 7, "the code index");
    return error;
  }

  /// A work tree may be taken away and made again at the same place.
  Status follow_folder() {
    struct stat now {};
    struct stat held {};
    if (::stat(root_.c_str(), &now) != 0)
      return Error{ErrorCode::not_found, "the folder is gone", root_};
    const bool same = ::fstat(folder_.get(), &held) == 0 && now.st_ino == held.st_ino &&
                      now.st_dev == held.st_dev;
    if (same) return ok_status();
    UniqueFd folder(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return Error{ErrorCode::not_found, "the folder cannot be opened", root_};
    folder_ = std::move(folder);
    return ok_status();
  }

  Result<IndexReport> bring_up_to_date() {
    if (auto followed = follow_folder(); !followed) return followed.error();
    if (auto ready = connect(); !ready) return ready.error();
    auto version = database_->version();
    if (!version) return version.error();
    // Somebody else may have refreshed this tree, too, or forgotten it.
    if (*version != version_) {
      auto tree = database_->tree(root_);
      if (!tree) return tree.error();
      auto known = database_->files(*tree);
      if (!known) return known.error();
      tree_ = *tree;
      known_ = std::move(*known);
      version_ = *version;
    }
    return refresh_tree(shared_->options.refresh,
                        {folder_.get(), tree_, database_.get(), &shared_->writing}, known_);
  }

  Status connect() {
    if (database_ && !database_->replaced()) return ok_status();
    if (auto dropped = start_again(false); !dropped) return dropped;
    auto database = IndexDatabase::open(shared_->options.database);
    if (!database) return database.error();
    database_ = std::move(*database);
    return ok_status();
  }

  Status start_again(bool discard) {
    auto done = discard && database_ ? database_->discard() : ok_status();
    database_.reset();
    known_.clear();
    version_ = -1;
    return done;
  }

  std::shared_ptr<Shared> shared_;
  UniqueFd folder_;
  std::string root_;
  std::mutex mutex_;
  std::unique_ptr<IndexDatabase> database_;  // guarded by mutex_, as all below
  std::int64_t tree_ = 0;
  std::int64_t version_ = -1;  // of the database, when known_ was read
  std::vector<KnownFile> known_;
};

}  // namespace

SqliteCodeIndex::SqliteCodeIndex(CodeIndexOptions options) : shared_(std::make_shared<Shared>()) {
  shared_->options = std::move(options);
}

SqliteCodeIndex::~SqliteCodeIndex() = default;

Result<std::shared_ptr<CodeIndex>> SqliteCodeIndex::open(const std::string& root) {
  std::error_code error;
  const auto canonical = std::filesystem::canonical(root, error);
  if (error) return Error{ErrorCode::not_found, "there is no such folder", root};
  UniqueFd folder(::open(canonical.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder)
    return Error{errno == ENOTDIR ? ErrorCode::not_found : ErrorCode::permission_denied,
                 std::string("the folder cannot be opened: ") + std::strerror(errno), root};
  return std::shared_ptr<CodeIndex>(
      std::make_shared<TreeIndex<Shared>>(shared_, std::move(folder), canonical.string()));
}

}  // namespace muster::index
