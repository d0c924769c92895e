#include "adapters/store/database.hpp"

#include <sys/statvfs.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace muster::store {
namespace {

constexpr std::chrono::milliseconds busy_patience{5000};
constexpr std::int64_t nearly_full = 64 << 20;  ///< bytes left on a disk
constexpr std::int64_t piece = 64 << 10;

int count_log(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

bool has_room(const std::string& path) {
  struct statvfs disk {};
  return ::statvfs(path.c_str(), &disk) == 0 &&
         static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize) > nearly_full;
}

Error error_of(sqlite3* handle, const std::string& what, const std::string& path) {
  auto code = sqlite3_errcode(handle) & 0xff;
  auto number = sqlite3_system_errno(handle);
  auto text = what + ": " + sqlite3_errmsg(handle);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_FORMAT)
    return {ErrorCode::corrupt, text, path};
  if (code == SQLITE_FULL) return {ErrorCode::no_space, text, path};
  if (code == SQLITE_IOERR && number != 0) return system_error(number, text, path);
  return {ErrorCode::io_error, text, path};
}

}  // namespace

Error system_error(int number, const std::string& what, const std::string& path) {
  bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return {full ? ErrorCode::no_space : ErrorCode::io_error, what + ": " + std::strerror(number),
          path};
}

Statement::Statement(sqlite3_stmt* statement, std::string path)
    : statement_(statement), path_(std::move(path)) {}

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view value) {
  // A null pointer would bind NULL.
  const auto* data = value.empty() ? "" : value.data();
  sqlite3_bind_blob(statement_.get(), index, data, static_cast<int>(value.size()), SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::step() {
  auto code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(sqlite3_db_handle(statement_.get()), "journal", path_);
}

Status Statement::run() {
  auto row = step();
  reset();
  if (!row.ok()) return row.error();
  return ok_status();
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::view(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string_view{} : std::string_view(data, size);
}

Result<Database> Database::open(const std::string& path, bool create) {
  sqlite3* raw = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  auto code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database(raw, path);
  if (code != SQLITE_OK) return database.error("cannot open the journal");
  sqlite3_busy_timeout(raw, static_cast<int>(busy_patience.count()));
  // Readers leave the mode alone: changing it takes the file from everybody else for a moment.
  if (create) {
    if (auto status = database.set_mode(); !status.ok()) return status.error();
    sqlite3_wal_hook(raw, count_log, database.log_pages_.get());  // instead of SQLite's own
  }
  for (const auto* pragma :
       {"PRAGMA synchronous=FULL", "PRAGMA cell_size_check=ON", "PRAGMA trusted_schema=OFF"})
    if (auto status = database.run(pragma); !status.ok()) return status.error();
  return database;
}

/// SQLite does not wait by itself for a reader of another process to look away from a new file.
Status Database::set_mode() {
  const auto give_up = std::chrono::steady_clock::now() + busy_patience;
  while (true) {
    auto status = run("PRAGMA journal_mode=WAL");
    const bool busy = !status.ok() && (sqlite3_errcode(handle_.get()) & 0xff) == SQLITE_BUSY;
    if (!busy || std::chrono::steady_clock::now() > give_up) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Status Database::checkpoint() {
  auto code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                        nullptr);
  if (code == SQLITE_OK || code == SQLITE_BUSY) return ok_status();
  return error("cannot move the log into the journal");
}

Status Database::grow_log(std::int64_t bytes) {
  if (!has_room(path_)) return ok_status();
  // As a writer: nobody else makes the log longer meanwhile.
  if (auto status = run("BEGIN IMMEDIATE"); !status.ok()) return status;
  auto extended = extend_log(bytes);
  auto ended = run("COMMIT");
  return extended.ok() ? ended : extended;
}

/// With zeros and not with a hole: blocks that are there already are what makes a sync quick.
/// SQLite takes the log to end where a frame does not belong to it.
Status Database::extend_log(std::int64_t bytes) {
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log == nullptr || log->pMethods == nullptr) return ok_status();  // nothing was written yet
  sqlite3_int64 at = 0;
  const std::string zeros(piece, '\0');
  auto code = log->pMethods->xFileSize(log, &at);
  if (code == SQLITE_OK && at >= bytes) return ok_status();
  for (; code == SQLITE_OK && at < bytes; at += piece)
    code = log->pMethods->xWrite(log, zeros.data(), static_cast<int>(piece), at);
  if (code == SQLITE_OK) code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return ok_status();
  return Error{ErrorCode::io_error, "cannot make the journal's log bigger", path_};
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return ok_status();
  return error("journal");
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK)
    return error("journal");
  return Statement(statement, path_);
}

Error Database::error(const std::string& what) const {
  return error_of(handle_.get(), what, path_);
}

}  // namespace muster::store
