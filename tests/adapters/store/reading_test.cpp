// Reading a part of a journal: from the last snapshot on, or one key's records.
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "adapters/store/database.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "tests/adapters/store/store_fixture.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;
using test::append;
using test::event;
using test::TempFolder;

NewRecord message(const std::string& session, const std::string& text) {
  return {"session", session, R"({"t":"message"})", text};
}
NewRecord snapshot(const std::string& state) {
  return {std::string(snapshot_kind), "state", R"({"v":1})", state};
}

std::unique_ptr<SqliteStore> open_store(const TempFolder& folder) {
  auto store = SqliteStore::open({.folder = folder.path()});
  REQUIRE(store.ok());
  return std::move(*store);
}

/// Sequences that a query hands over; empty and `failed` set when it fails.
std::vector<std::uint64_t> sequences(Store& store, const JournalQuery& query, Error& failed) {
  std::vector<std::uint64_t> out;
  auto status = store.read("M", query, [&](StoredRecord&& record) { out.push_back(record.seq); });
  if (status.ok()) return out;
  failed = status.error();
  return {};
}

/// 1..10 events and messages, 11 a snapshot, 12..15 more, 16 a snapshot, 17..20 more.
void prepare_mission(const TempFolder& folder) {
  auto store = open_store(folder);
  auto some = [&](int count) {
    for (int i = 0; i < count; ++i)
      REQUIRE(append(*store, "M",
                     {i % 2 == 0 ? event("{}") : message("s" + std::to_string(i % 4), "body")})
                  .ok());
  };
  some(10);
  REQUIRE(append(*store, "M", {snapshot("first")}).ok());
  some(4);
  REQUIRE(append(*store, "M", {snapshot("second")}).ok());
  some(4);
}

void sql(const TempFolder& folder, const char* text) {
  auto database = store::Database::open(folder.path() + "/M.db", false);
  REQUIRE(database.ok());
  REQUIRE(database->run(text).ok());
}

}  // namespace

TEST_CASE("a journal is read from its last snapshot on, the wanted kinds alone") {
  TempFolder folder;
  prepare_mission(folder);
  auto store = open_store(folder);
  Error failed;
  std::string kind(snapshot_kind);
  CHECK(sequences(*store, {kind, {}}, failed) == std::vector<std::uint64_t>{16, 17, 18, 19, 20});
  CHECK(sequences(*store, {kind, {kind, "event"}}, failed) ==
        std::vector<std::uint64_t>{16, 17, 19});
  CHECK(sequences(*store, {{}, {"event"}}, failed).size() == 9);
  CHECK(sequences(*store, {"nothing like it", {}}, failed).size() == 20);
  StoredRecord first;
  REQUIRE(
      store->read("M", {kind, {kind}}, [&](StoredRecord&& record) { first = std::move(record); })
          .ok());
  CHECK(first.body == "second");
  CHECK(first.row == R"({"v":1})");
  CHECK(failed.message.empty());
  CHECK(*append(*store, "M", {event("{}")}) == 21);
  CHECK(sequences(*store, {kind, {"event"}}, failed) == std::vector<std::uint64_t>{17, 19, 21});
}

TEST_CASE("the records of one key are found, in order, with their bodies") {
  TempFolder folder;
  auto store = open_store(folder);
  REQUIRE(append(*store, "M", {message("s1", "one")}).ok());
  for (int i = 0; i < 50; ++i)
    REQUIRE(append(*store, "M", {event("{}"), message("s" + std::to_string(i + 2), "x")}).ok());
  REQUIRE(append(*store, "M", {message("s1", std::string(5000, 'b')), {"effect", "s1", "{}", ""}})
              .ok());
  auto check = [&] {
    auto records = store->load_keyed("M", "session", "s1");
    REQUIRE(records.ok());
    REQUIRE(records->size() == 2);
    CHECK(records->at(0).seq == 1);
    CHECK(records->at(0).body == "one");
    CHECK(records->at(1).body == std::string(5000, 'b'));
    CHECK(store->load_keyed("M", "session", "nobody")->empty());
    CHECK(store->load_keyed("M", "event", "")->size() == 50);
    CHECK(store->load_keyed("N", "session", "s1").error().code == ErrorCode::not_found);
  };
  check();  // while the writer has it open
  store.reset();
  store = open_store(folder);
  check();
}

TEST_CASE("D4 damage behind the last snapshot is noticed, before it by the whole reading") {
  TempFolder folder;
  prepare_mission(folder);
  std::string kind(snapshot_kind);
  Error failed;
  Error whole;
  bool in_tail = true;
  SECTION("a row after it is changed") {
    sql(folder, "UPDATE records SET at_ms = at_ms + 1 WHERE seq = 18");
  }
  SECTION("the snapshot's row is changed") {
    sql(folder, "UPDATE records SET row = '{}' WHERE seq = 16");
  }
  SECTION("the tail is lost") { sql(folder, "DELETE FROM records WHERE seq > 18"); }
  SECTION("the tail and the snapshot are lost") {
    sql(folder, "DELETE FROM records WHERE seq > 14");
  }
  SECTION("the record before the snapshot is lost") {
    sql(folder, "DELETE FROM records WHERE seq = 15");
  }
  SECTION("a row before it is changed") {
    sql(folder, "UPDATE records SET at_ms = at_ms + 1 WHERE seq = 3");
    in_tail = false;
  }
  SECTION("the snapshot's body is changed") {
    // Found by its text: the last bytes of the file are witnesses and later bodies.
    std::ifstream in(folder.path() + "/M.seg", std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    auto at = bytes.find("second");
    REQUIRE(at != std::string::npos);
    test::flip_byte(folder.path() + "/M.seg", at);
  }
  auto store = open_store(folder);
  auto tail = sequences(*store, {kind, {kind, "event"}}, failed);
  CHECK(tail.empty() == in_tail);
  sequences(*store, {}, whole);
  CHECK(whole.code == ErrorCode::corrupt);
  CHECK(whole.context == "mission M");
  if (in_tail) {
    CHECK(failed.code == ErrorCode::corrupt);
    CHECK(failed.context == "mission M");
  }
}

TEST_CASE("D4 one changed byte behind the last snapshot's beginning is noticed by its reader") {
  TempFolder folder;
  prepare_mission(folder);
  auto file = folder.path() + "/M.seg";
  std::ifstream in(file, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  auto begin = bytes.find("second");
  REQUIRE(begin != std::string::npos);
  for (auto at = begin; at < bytes.size(); ++at) {
    test::flip_byte(file, at);
    Error failed;
    sequences(*open_store(folder), {std::string(snapshot_kind), {}}, failed);
    INFO("byte " << at << " of " << bytes.size());
    REQUIRE(failed.code == ErrorCode::corrupt);
    test::flip_byte(file, at);
  }
}

TEST_CASE("D4 a changed record of a key is noticed when that key is read") {
  TempFolder folder;
  prepare_mission(folder);
  sql(folder, "UPDATE records SET row = '{\"t\":\"other\"}' WHERE seq = 2");
  auto store = open_store(folder);
  auto changed = store->load_keyed("M", "session", "s1");
  REQUIRE_FALSE(changed.ok());
  CHECK(changed.error().code == ErrorCode::corrupt);
  CHECK(store->load_keyed("M", "session", "s3").ok());
}

// ---- schema versions
// --------------------------------------------------------------------------------

namespace {

/// A journal that the first schema's program wrote.
void copy_version_1(const TempFolder& folder) {
  fs::path data = fs::path(MUSTER_SOURCE_DIR) / "tests/adapters/store/data";
  for (const auto* name : {"version-1.db", "version-1.seg"})
    fs::copy_file(data / name, fs::path(folder.path()) / name);
}

}  // namespace

TEST_CASE("a journal of schema 1 is read, goes on, and keeps its schema") {
  TempFolder folder;
  copy_version_1(folder);
  auto store = open_store(folder);
  auto records = store->load("version-1");
  REQUIRE(records.ok());
  REQUIRE(records->size() == 8);
  CHECK(records->at(0).row.find("an old mission") != std::string::npos);
  CHECK(records->at(6).row.size() > 600);
  auto messages = store->load_keyed("version-1", "session", "s2");
  REQUIRE(messages.ok());
  REQUIRE(messages->size() == 2);
  CHECK(messages->at(1).body == R"({"role":"assistant","content":"hi"})");
  CHECK(*append(*store, "version-1", {snapshot("now"), event("{}")}) == 10);
  CHECK(store->load("version-1")->size() == 10);
  store.reset();
  auto database = store::Database::open(folder.path() + "/version-1.db", false);
  auto version = database->prepare("SELECT schema_version FROM meta");
  REQUIRE(*version->step());
  CHECK(version->integer(0) == 1);
}

TEST_CASE("a journal of a newer schema is refused by name and version, and left as it is") {
  TempFolder folder;
  prepare_mission(folder);
  sql(folder, "UPDATE meta SET schema_version = 9");
  auto store = open_store(folder);
  auto records = store->load("M");
  REQUIRE_FALSE(records.ok());
  CHECK(records.error().text() ==
        "mission M: its journal has schema 9; this muster reads 1 to 2: a newer muster wrote it");
  CHECK(append(*store, "M", {event("{}")}).error() == records.error());
  CHECK(store->load_keyed("M", "session", "s1").error() == records.error());
  sql(folder, "UPDATE meta SET schema_version = 2");
  CHECK(open_store(folder)->load("M")->size() == 20);
}

}  // namespace muster
