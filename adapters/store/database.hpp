#pragma once
// SQLite without its C types: a connection and its statements. Used by one thread at a time.

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster::store {

/// errno as a muster error: out of space (ENOSPC, EDQUOT, EFBIG) is no_space, anything else
/// io_error. `context` is the path.
Error system_error(int number, const std::string& what, const std::string& path);

/// A prepared statement; finalised when it goes.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3_stmt* statement, std::string path);

  Statement& bind(int index, std::int64_t value);
  /// The bytes must live until the statement is reset.
  Statement& bind_blob(int index, std::string_view value);
  /// One step: true = a row is there, false = done.
  Result<bool> step();
  /// Runs a statement without rows and makes it ready for the next time.
  Status run();
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string bytes(int column) const { return std::string(view(column)); }
  /// The same, in place: until the next step, reset or another look at the column.
  [[nodiscard]] std::string_view view(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string path_;
};

/// A connection; closed when it goes.
class Database {
 public:
  /// Opens, creating the file if asked to. Every acknowledged commit survives a power loss (WAL,
  /// synchronous=FULL).
  static Result<Database> open(const std::string& path, bool create);

  /// What the log (WAL) held after the last commit of this connection. The owner moves it into the
  /// database: no commit does.
  [[nodiscard]] int log_pages() const { return *log_pages_; }
  /// Makes the log's file that big, durably, unless the disk is nearly full. Commits inside it then
  /// write in place.
  Status grow_log(std::int64_t bytes);
  /// Moves the log into the database, as far as no reader still needs it where it is. When all of
  /// it was moved, the next commit begins the log anew.
  Status checkpoint();

  Status run(const char* sql);
  Result<Statement> prepare(const char* sql);
  /// The failure of the last call.
  [[nodiscard]] Error error(const std::string& what) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  Status set_mode();
  Status extend_log(std::int64_t bytes);

  std::unique_ptr<int> log_pages_ = std::make_unique<int>(0);  // SQLite keeps its address
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

}  // namespace muster::store
