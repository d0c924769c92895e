// D6 finished missions in one compressed file: read, listed, brought back; never lost on the way.
#include "adapters/store/archive.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "adapters/store/database.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "tests/adapters/store/store_fixture.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;
using test::append;
using test::event;
using test::TempFolder;

std::unique_ptr<SqliteStore> open_store(const TempFolder& folder) {
  auto store = SqliteStore::open({.folder = folder.path()});
  REQUIRE(store.ok());
  return std::move(*store);
}

void fill(Store& store, const std::string& mission) {
  for (int i = 0; i < 200; ++i)
    REQUIRE(append(store, mission,
                   {event("{\"number\":" + std::to_string(i) + "}"),
                    {"session", "s" + std::to_string(i % 3), "{}", std::string(2000, 'b')}})
                .ok());
}

std::string archive_of(const TempFolder& folder, const std::string& mission) {
  return folder.path() + "/archive/" + mission + ".muz";
}

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("D6 an archived mission is small, listed, and read as before") {
  TempFolder folder;
  auto store = open_store(folder);
  fill(*store, "M");
  REQUIRE(append(*store, "N", {event("{}")}).ok());
  auto before = store->load("M");
  auto size = fs::file_size(folder.path() + "/M.db") + fs::file_size(folder.path() + "/M.seg");
  REQUIRE(store->archive("M").ok());
  CHECK_FALSE(fs::exists(folder.path() + "/M.db"));
  CHECK_FALSE(fs::exists(folder.path() + "/M.db-wal"));
  CHECK_FALSE(fs::exists(folder.path() + "/M.seg"));
  CHECK(fs::file_size(archive_of(folder, "M")) < size / 5);
  bool reopened = false;
  for (int i = 0; i < 2; ++i) {
    auto after = store->load("M");
    REQUIRE(after.ok());
    REQUIRE(after->size() == before->size());
    for (std::size_t k = 0; k < before->size(); ++k) {
      REQUIRE((*after)[k].row == (*before)[k].row);
      REQUIRE((*after)[k].body == (*before)[k].body);
    }
    CHECK(store->load_keyed("M", "session", "s1")->size() == 67);
    auto missions = store->missions();
    REQUIRE(missions->size() == 2);
    for (const auto& mission : *missions) {
      CHECK(mission.archived == (mission.mission == "M"));
      CHECK(mission.last_seq == (mission.mission == "M" ? 400 : 1));
    }
    store.reset();
    store = open_store(folder);
    reopened = true;
  }
  CHECK(reopened);
  CHECK(files_in(folder.path() + "/archive") == 1);  // what was unpacked to be read is gone
}

TEST_CASE("D6 work on an archived mission brings it back") {
  TempFolder folder;
  auto store = open_store(folder);
  fill(*store, "M");
  REQUIRE(store->archive("M").ok());
  CHECK(*append(*store, "M", {event("{}")}) == 401);
  CHECK(store->load("M")->size() == 401);
  CHECK_FALSE(fs::exists(archive_of(folder, "M")));
  CHECK_FALSE(store->missions()->front().archived);
}

TEST_CASE("D4 a damaged journal is not archived, and stays where it is") {
  TempFolder folder;
  auto store = open_store(folder);
  fill(*store, "M");
  store.reset();
  {
    auto database = store::Database::open(folder.path() + "/M.db", false);
    REQUIRE(database->run("UPDATE records SET at_ms = 1 WHERE seq = 7").ok());
  }
  store = open_store(folder);
  auto status = store->archive("M");
  CHECK(status.error().code == ErrorCode::corrupt);
  CHECK(status.error().context == "mission M");
  CHECK(fs::exists(folder.path() + "/M.db"));
  CHECK_FALSE(fs::exists(archive_of(folder, "M")));
}

TEST_CASE("D4 one changed byte anywhere in an archive is corrupt, with the mission's name") {
  TempFolder folder;
  auto store = open_store(folder);
  for (int i = 0; i < 5; ++i) REQUIRE(append(*store, "M", {event("{}")}).ok());
  REQUIRE(store->archive("M").ok());
  auto file = archive_of(folder, "M");
  auto size = fs::file_size(file);
  for (std::uintmax_t at = 0; at < size; ++at) {
    test::flip_byte(file, at);
    auto records = store->load("M");
    INFO("byte " << at << " of " << size);
    // Sizes and times in the head are for lists; what is read is covered by digests and chain.
    if (records.ok()) CHECK(records->size() == 5);
    if (!records.ok()) {
      REQUIRE(records.error().code == ErrorCode::corrupt);
      REQUIRE(records.error().context == "mission M");
    }
    test::flip_byte(file, at);
  }
  fs::resize_file(file, size - 1);
  CHECK(store->load("M").error().code == ErrorCode::corrupt);
  CHECK(store->missions()->size() == 1);
}

TEST_CASE("D2 a crash in the middle of archiving leaves the mission whole") {
  TempFolder folder;
  auto store = open_store(folder);
  fill(*store, "M");
  store.reset();
  fs::create_directories(folder.path() + "/archive");
  SECTION("while the archive was written") {
    std::ofstream(archive_of(folder, "M") + ".new") << "half";
  }
  SECTION("after the archive was there, before the originals went") {
    TempFolder copy;
    fs::copy(folder.path(), copy.path(), fs::copy_options::recursive);
    REQUIRE(open_store(copy)->archive("M").ok());
    fs::copy(archive_of(copy, "M"), archive_of(folder, "M"));
  }
  SECTION("after one of the originals went") {
    TempFolder copy;
    fs::copy(folder.path(), copy.path(), fs::copy_options::recursive);
    REQUIRE(open_store(copy)->archive("M").ok());
    fs::copy(archive_of(copy, "M"), archive_of(folder, "M"));
    fs::remove(folder.path() + "/M.db");
  }
  store = open_store(folder);
  CHECK(store->missions()->size() == 1);
  CHECK(store->load("M")->size() == 400);
  bool originals = fs::exists(folder.path() + "/M.db");
  if (originals) CHECK(store->archive("M").ok());
  CHECK(store->load("M")->size() == 400);
}

}  // namespace muster
