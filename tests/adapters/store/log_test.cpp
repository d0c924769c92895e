// What keeps an awaited append quick: the log of the database, and when the segment is synced.
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "adapters/store/sqlite_store.hpp"
#include "runtime/core/fault_points.hpp"
#include "tests/adapters/store/store_fixture.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;
using test::append;
using test::event;
using test::TempFolder;

constexpr std::uintmax_t first_log = 1 << 20;
constexpr std::uintmax_t page = 4096;
constexpr std::chrono::hours never{1};

std::uintmax_t size_of(const TempFolder& folder, const char* ending) {
  return fs::file_size(fs::path(folder.path()) / (std::string("M") + ending));
}

/// Each a commit of its own, of two pages at least.
void append_many(SqliteStore& store, int count) {
  for (int i = 0; i < count; ++i)
    REQUIRE(append(store, "M", {{"event", "k", std::string(400, 'r'), ""}}).ok());
}

}  // namespace

TEST_CASE("the log has its size before it is needed, and grows ahead of what is in it") {
  TempFolder folder;
  auto store = std::move(*SqliteStore::open({.folder = folder.path(), .settle_after = never}));
  append_many(*store, 1);
  CHECK(size_of(folder, ".db-wal") >= first_log);
  auto before = size_of(folder, ".db-wal");
  append_many(*store, 300);  // more than a megabyte of pages
  CHECK(size_of(folder, ".db-wal") >= 2 * before);
}

TEST_CASE(
    "a log that is long enough is moved into the database and begins anew, also without quiet") {
  TempFolder folder;
  auto store = std::move(*SqliteStore::open(
      {.folder = folder.path(), .settle_after = never, .log = {.quiet = 20, .busy = 40}}));
  append_many(*store, 600);
  CHECK(size_of(folder, ".db-wal") < 2 * first_log);  // and not twelve of them
  CHECK(size_of(folder, ".db") > 600 * 400 - 40 * page);
  CHECK(store->load("M")->size() == 600);
}

TEST_CASE("in quiet the log is moved earlier") {
  TempFolder folder;
  auto store = std::move(*SqliteStore::open({.folder = folder.path(),
                                             .settle_after = std::chrono::milliseconds(1),
                                             .log = {.quiet = 20, .busy = 100000}}));
  append_many(*store, 100);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (size_of(folder, ".db") < 100 * 400 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(size_of(folder, ".db") > 100 * 400);
}

TEST_CASE(
    "a reader that looks at an old state keeps the log from beginning anew, not from growing") {
  TempFolder folder;
  auto store = std::move(*SqliteStore::open(
      {.folder = folder.path(), .settle_after = never, .log = {.quiet = 20, .busy = 40}}));
  append_many(*store, 10);
  auto reader = store::Database::open(folder.path() + "/M.db", false);
  REQUIRE(reader.ok());
  REQUIRE(reader->run("BEGIN; SELECT count(*) FROM records").ok());
  append_many(*store, 300);
  CHECK(size_of(folder, ".db-wal") > first_log);
  REQUIRE(reader->run("COMMIT").ok());
  auto before = size_of(folder, ".db-wal");
  append_many(*store, 600);  // at least 1,200 pages, but the next try comes after 250 and succeeds
  CHECK(size_of(folder, ".db-wal") < before + 400 * page);
  CHECK(store->load("M")->size() == 910);
}

TEST_CASE("an append without a body waits for one sync, not for that of the segment") {
#ifdef MUSTER_NO_FAULTS
  SKIP("this build has no fault points");
#else
  TempFolder folder;
  auto store = std::move(*SqliteStore::open({.folder = folder.path(), .settle_after = never}));
  REQUIRE(append(*store, "M", {{"session", "s", "{}", "a body"}}).ok());
  faults::arm("store.segment_sync", 1, faults::Action::error);
  for (int i = 0; i < 20; ++i) CHECK(append(*store, "M", {event("{}")}).ok());
  auto with_body = append(*store, "M", {{"session", "s", "{}", "another"}});
  faults::disarm_all();
  CHECK_FALSE(with_body.ok());
#endif
}

TEST_CASE(
    "D4 witnesses are synced though nobody ever pauses, before they fill a block of the disk") {
#ifdef MUSTER_NO_FAULTS
  SKIP("this build has no fault points");
#else
  TempFolder folder;
  auto store = std::move(*SqliteStore::open({.folder = folder.path(), .settle_after = never}));
  REQUIRE(append(*store, "M", {event("{}")}).ok());
  faults::arm("store.segment_sync", 1, faults::Action::error);
  int acknowledged = 0;
  while (acknowledged < 200 && append(*store, "M", {event("{}")}).ok()) ++acknowledged;
  faults::disarm_all();
  CHECK(acknowledged > 20);
  CHECK(acknowledged < 100);
#endif
}

}  // namespace muster
