#include "adapters/index/index_database.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>

#include "adapters/io/unique_fd.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/sha256.hpp"

namespace muster::index {
namespace {

// Goes up with every change of the tables, of PackedFacts, of name_id, and of what is extracted.
constexpr std::int64_t kVersion = 1;
constexpr int kLogPages = 4000;

constexpr const char* kSchema =
    // Numbers of contents are never given again: a refresh may still hold an old one.
    "CREATE TABLE content(id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE,"
    " born INTEGER NOT NULL, lines INTEGER NOT NULL, symbol_count INTEGER NOT NULL,"
    " imports BLOB NOT NULL, names BLOB NOT NULL, symbols BLOB NOT NULL, places BLOB NOT NULL);"
    "CREATE TABLE tree(id INTEGER PRIMARY KEY, root BLOB NOT NULL UNIQUE);"
    "CREATE TABLE file(tree INTEGER NOT NULL, path BLOB NOT NULL, language BLOB NOT NULL,"
    " size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,"
    " inode INTEGER NOT NULL, content INTEGER NOT NULL, symbols INTEGER NOT NULL,"
    " skipped BLOB NOT NULL, PRIMARY KEY(tree, path)) WITHOUT ROWID;"
    "CREATE INDEX file_content ON file(content);"
    "CREATE TABLE loose(count INTEGER NOT NULL);"
    "INSERT INTO loose VALUES(0);"
    "PRAGMA user_version=1;";

std::uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

/// Held while the file is looked at and made anew: no two processes do so at once.
Result<UniqueFd> locked(const std::string& path) {
  const auto file = path + ".lock";
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return store::system_error(errno, "the lock of the code index", file);
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return store::system_error(errno, "the lock of the code index", file);
  return fd;
}

Status remove_database(const std::string& path) {
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    const auto file = path + suffix;
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
      return store::system_error(errno, "the damaged code index cannot be removed", file);
  }
  return ok_status();
}

Status make_folder(const std::string& path) {
  std::error_code error;
  const std::filesystem::path folder(std::string(parent_path(path)));
  if (folder.empty()) return ok_status();
  std::filesystem::create_directories(folder, error);
  if (error) return store::system_error(error.value(), "cannot make the folder", folder.string());
  return ok_status();
}

Result<std::int64_t> one_number(store::Database& database, const char* sql) {
  auto query = database.prepare(sql);
  if (!query) return query.error();
  auto row = query->step();
  if (!row) return row.error();
  return *row ? query->integer(0) : 0;
}

KnownFile read_file(const store::Statement& row) {
  return {row.bytes(0),   row.bytes(1),   row.integer(2), row.integer(3), row.integer(4),
          row.integer(5), row.integer(6), row.integer(7), row.bytes(8)};
}

}  // namespace

std::string content_key(std::string_view text, std::string_view language) {
  Sha256 digest;
  digest.update(text);
  const auto bytes = digest.digest();
  std::string out(bytes.begin(), bytes.end());
  return out.append(language);
}

IndexDatabase::IndexDatabase(store::Database database, std::string path)
    : database_(std::move(database)), path_(std::move(path)), inode_(inode_of(path_)) {}

Result<std::unique_ptr<IndexDatabase>> IndexDatabase::open(const std::string& path) {
  if (auto made = make_folder(path); !made) return made.error();
  auto lock = locked(path);
  if (!lock) return lock.error();
  auto out = open_once(path);
  if (out || out.error().code != ErrorCode::corrupt) return out;
  if (auto removed = remove_database(path); !removed) return removed.error();
  return open_once(path);
}

Result<std::unique_ptr<IndexDatabase>> IndexDatabase::open_once(const std::string& path) {
  auto database = store::Database::open(path, true);
  if (!database) return database.error();
  std::unique_ptr<IndexDatabase> out(new IndexDatabase(std::move(*database), path));
  if (auto ready = out->set_up(); !ready) return ready.error();
  return out;
}

Status IndexDatabase::set_up() {
  // What a power loss takes is read from the files again; damage is not possible with NORMAL.
  for (const auto* pragma : {"PRAGMA synchronous=NORMAL", "PRAGMA cache_size=-4000"})
    if (auto done = database_.run(pragma); !done) return done;
  auto version = one_number(database_, "PRAGMA user_version");
  if (!version) return version.error();
  auto tables = one_number(database_, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*version == kVersion && *tables > 0) return ok_status();
  if (*version != 0 || *tables != 0)
    return Error{ErrorCode::corrupt, "the code index is of another version", path_};
  return transaction([this] { return database_.run(kSchema); });
}

bool IndexDatabase::replaced() const { return inode_of(path_) != inode_; }

Status IndexDatabase::discard() {
  auto lock = locked(path_);
  if (!lock) return lock.error();
  return replaced() ? ok_status() : remove_database(path_);
}

template <class Work>
Status IndexDatabase::transaction(Work work) {
  if (auto begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = work();
  if (done) done = database_.run("COMMIT");
  if (!done) (void)database_.run("ROLLBACK").ok();  // what failed is the error that counts
  return done;
}

Status IndexDatabase::log_in_bounds() {
  return database_.log_pages() > kLogPages ? database_.checkpoint() : ok_status();
}

Result<std::int64_t> IndexDatabase::tree(const std::string& root) {
  for (const bool again : {false, true}) {
    auto find = database_.prepare("SELECT id FROM tree WHERE root=?1");
    if (!find) return find.error();
    auto row = find->bind_blob(1, root).step();
    if (!row) return row.error();
    if (*row) return find->integer(0);
    if (again) break;
    find->reset();
    auto insert = database_.prepare("INSERT OR IGNORE INTO tree(root) VALUES(?1)");
    if (!insert) return insert.error();
    if (auto done = insert->bind_blob(1, root).run(); !done) return done.error();
  }
  return Error{ErrorCode::conflict, "the tree was forgotten at once", root};
}

Result<std::vector<KnownFile>> IndexDatabase::files(std::int64_t tree) {
  auto query = database_.prepare(
      "SELECT path, language, size, mtime, ctime, inode, content, symbols, skipped FROM file"
      " WHERE tree=?1 ORDER BY path");
  if (!query) return query.error();
  query->bind(1, tree);
  std::vector<KnownFile> out;
  for (;;) {
    auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back(read_file(*query));
  }
}

Result<std::int64_t> IndexDatabase::version() {
  return one_number(database_, "PRAGMA data_version");
}

Result<bool> IndexDatabase::has_content(const std::string& key) {
  auto query = database_.prepare("SELECT 1 FROM content WHERE key=?1");
  if (!query) return query.error();
  return query->bind_blob(1, key).step();
}

Status IndexDatabase::add(const std::vector<NewContent>& contents) {
  if (contents.empty()) return ok_status();
  auto done = transaction([&] { return insert_contents(contents); });
  return done ? log_in_bounds() : done;
}

Status IndexDatabase::insert_contents(const std::vector<NewContent>& contents) {
  auto insert = database_.prepare(
      "INSERT OR IGNORE INTO content(key, born, lines, symbol_count, imports, names, symbols,"
      " places) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!insert) return insert.error();
  for (const auto& content : contents) {
    insert->bind_blob(1, content.key)
        .bind(2, static_cast<std::int64_t>(std::time(nullptr)))
        .bind(3, static_cast<std::int64_t>(content.lines))
        .bind(4, static_cast<std::int64_t>(content.symbols))
        .bind_blob(5, content.facts.imports)
        .bind_blob(6, content.facts.names)
        .bind_blob(7, content.facts.symbols)
        .bind_blob(8, content.facts.places);
    if (auto done = insert->run(); !done) return done;
  }
  return ok_status();
}

Status IndexDatabase::change(std::int64_t tree, const std::vector<std::string>& removed,
                             std::vector<FileChange>& changes, const SweepRule& rule) {
  auto done = transaction([&] { return write_changes(tree, removed, changes); });
  if (!done) return done;
  auto loose = one_number(database_, "SELECT count FROM loose");
  if (!loose) return loose.error();
  if (*loose >= rule.after)
    if (done = sweep(rule); !done) return done;
  return log_in_bounds();
}

Status IndexDatabase::write_changes(std::int64_t tree, const std::vector<std::string>& removed,
                                    std::vector<FileChange>& changes) {
  if (auto found = find_contents(changes); !found) return found;
  if (auto done = remove_files(tree, removed); !done) return done;
  auto write = database_.prepare(
      "INSERT OR REPLACE INTO file(tree, path, language, size, mtime, ctime, inode, content,"
      " symbols, skipped) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
  if (!write) return write.error();
  for (const auto& [file, key] : changes) {
    write->bind(1, tree).bind_blob(2, file.path).bind_blob(3, file.language);
    write->bind(4, file.size).bind(5, file.mtime_ns).bind(6, file.ctime_ns).bind(7, file.inode);
    write->bind(8, file.content).bind(9, file.symbols).bind_blob(10, file.skipped);
    if (auto done = write->run(); !done) return done;
  }
  auto count = database_.prepare("UPDATE loose SET count=count+?1");
  if (!count) return count.error();
  return count->bind(1, static_cast<std::int64_t>(removed.size() + changes.size())).run();
}

Status IndexDatabase::remove_files(std::int64_t tree, const std::vector<std::string>& removed) {
  auto remove = database_.prepare("DELETE FROM file WHERE tree=?1 AND path=?2");
  if (!remove) return remove.error();
  for (const auto& path : removed)
    if (auto done = remove->bind(1, tree).bind_blob(2, path).run(); !done) return done;
  return ok_status();
}

Status IndexDatabase::find_contents(std::vector<FileChange>& changes) {
  auto find = database_.prepare("SELECT id, symbol_count FROM content WHERE key=?1");
  if (!find) return find.error();
  for (auto& [file, key] : changes) {
    if (key.empty()) continue;
    auto row = find->bind_blob(1, key).step();
    if (!row) return row.error();
    if (!*row) return Error{ErrorCode::conflict, "a content was swept meanwhile", file.path};
    file.content = find->integer(0);
    file.symbols = find->integer(1);
    find->reset();
  }
  return ok_status();
}

Status IndexDatabase::forget_trees() {
  auto query = database_.prepare("SELECT id, root FROM tree");
  if (!query) return query.error();
  std::vector<std::int64_t> gone;
  for (;;) {
    auto row = query->step();
    if (!row) return row.error();
    if (!*row) break;
    struct stat info {};
    if (::stat(query->bytes(1).c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR))
      gone.push_back(query->integer(0));
  }
  for (const auto* sql : {"DELETE FROM file WHERE tree=?1", "DELETE FROM tree WHERE id=?1"}) {
    auto remove = database_.prepare(sql);
    if (!remove) return remove.error();
    for (const auto tree : gone)
      if (auto done = remove->bind(1, tree).run(); !done) return done;
  }
  return ok_status();
}

Status IndexDatabase::sweep(const SweepRule& rule) {
  return transaction([&]() -> Status {
    if (auto done = forget_trees(); !done) return done;
    auto remove = database_.prepare(
        "DELETE FROM content WHERE born<=?1 AND id NOT IN (SELECT content FROM file)");
    if (!remove) return remove.error();
    const auto born = static_cast<std::int64_t>(std::time(nullptr)) - rule.least_age_s;
    if (auto done = remove->bind(1, born).run(); !done) return done;
    return database_.run("UPDATE loose SET count=0");
  });
}

}  // namespace muster::index
