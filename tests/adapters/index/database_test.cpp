// The database: damage, other versions, several users at once, and what is thrown away.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <thread>

#include "adapters/index/index_database.hpp"
#include "tests/adapters/index/index_fixture.hpp"

namespace muster::index::test {
namespace {

void put_files(const Place& place, int count, const std::string& tree = "tree") {
  for (int i = 0; i < count; ++i) {
    const auto number = std::to_string(i);
    place.put("m" + number + ".py",
              "import m0\ndef f" + number + "(): return f" + std::to_string(i / 2) + "()\n", tree);
  }
}

std::int64_t count_of(IndexDatabase& database, const char* sql) {
  auto query = must(database.prepare(sql));
  return must(query.step()) ? query.integer(0) : 0;
}

std::unique_ptr<IndexDatabase> database_of(const Place& place) {
  return must(IndexDatabase::open(place.database()));
}

void run_sql(const Place& place, const char* sql) {
  must(must(store::Database::open(place.database(), true)).run(sql));
}

}  // namespace

TEST_CASE("a damaged database is made anew") {
  const Place place;
  put_files(place, 50);
  must(place.open()->refresh());
  const auto size = std::filesystem::file_size(place.database());
  SECTION("its beginning") {
    std::fstream(place.database(), std::ios::in | std::ios::out) << "this is no database at all";
  }
  SECTION("its middle") {
    std::fstream file(place.database(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::size_t at = 4096; at + 4096 <= size; at += 4096)
      file.seekp(static_cast<std::streamoff>(at)) << std::string(2000, '\x5a');
  }
  SECTION("its end is missing") { std::filesystem::resize_file(place.database(), size / 2); }
  SECTION("all of it is missing") { std::filesystem::resize_file(place.database(), 0); }
  SECTION("a later version") { run_sql(place, "PRAGMA user_version=99"); }
  SECTION("somebody else's") {
    std::filesystem::remove(place.database());
    run_sql(place, "CREATE TABLE x(y)");
  }
  SECTION("facts that are none") { run_sql(place, "UPDATE content SET symbols=x'ffffff'"); }
  const auto index = place.open();
  CHECK(symbols(*index).size() == 50);
  CHECK(references(*index, "f1").size() == 2);
}

TEST_CASE("damage under an open index is mended, too") {
  const Place place;
  put_files(place, 20);
  SqliteCodeIndex port(place.options());
  const auto one = must(port.open(place.tree()));
  const auto two = must(port.open(place.tree()));
  CHECK(symbols(*one).size() == 20);
  CHECK(symbols(*two).size() == 20);
  SECTION("bad facts") { run_sql(place, "UPDATE content SET symbols=x'ff'"); }
  SECTION("the file goes") {
    for (const auto* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove(place.database() + suffix);
  }
  CHECK(symbols(*one).size() == 20);
  CHECK(symbols(*two).size() == 20);
  place.put("new.py", "def newest(): pass\n");
  CHECK(symbols(*two, {"newest"}).size() == 1);
  CHECK(symbols(*one, {"newest"}).size() == 1);
}

TEST_CASE("threads refresh the same and other trees at once") {
  const Place place;
  put_files(place, 120);
  put_files(place, 100, "other");
  SqliteCodeIndex port(place.options());
  std::vector<std::shared_ptr<CodeIndex>> indexes{must(port.open(place.tree())),
                                                  must(port.open(place.tree("other"))),
                                                  must(port.open(place.tree()))};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        if (i == 0) place.put("changing.py", "def round" + std::to_string(round) + "(): pass\n");
        const auto found = indexes[i % 3]->symbols({"f7"});
        if (!found || found->size() != 1) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(symbols(*indexes[0], {"round4"}).size() == 1);
  CHECK(symbols(*indexes[1]).size() == 100);
}

TEST_CASE("processes refresh the same tree at once, from nothing on") {
  const Place place;
  put_files(place, 150);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      SqliteCodeIndex port(place.options());
      const auto index = port.open(place.tree());
      const auto found =
          index ? (*index)->symbols({}) : Result<std::vector<IndexedSymbol>>(index.error());
      ::_exit(found && found->size() == 150 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(must(place.open()->refresh()).parsed == 0);
}

TEST_CASE("contents that nobody has and trees that are gone are thrown away") {
  const Place place;
  put_files(place, 10);
  put_files(place, 12, "other");
  auto options = place.options();
  options.refresh.sweep = {5, 0};
  SqliteCodeIndex port(options);
  must(must(port.open(place.tree()))->refresh());
  must(must(port.open(place.tree("other")))->refresh());
  const auto database = database_of(place);
  CHECK(count_of(*database, "SELECT count(*) FROM content") == 12);
  CHECK(count_of(*database, "SELECT count(*) FROM tree") == 2);
  std::filesystem::remove_all(place.tree("other"));
  for (int i = 0; i < 6; ++i) place.remove("m" + std::to_string(i) + ".py");
  must(must(port.open(place.tree()))->refresh());
  CHECK(count_of(*database, "SELECT count(*) FROM tree") == 1);
  CHECK(count_of(*database, "SELECT count(*) FROM file") == 4);
  CHECK(count_of(*database, "SELECT count(*) FROM content") == 4);
}

TEST_CASE("young contents stay: a refresh elsewhere may be about to use them") {
  const Place place;
  put_files(place, 10);
  auto options = place.options();
  options.refresh.sweep = {1, 3600};
  const auto index = place.open_with(options);
  must(index->refresh());
  for (int i = 0; i < 6; ++i) place.remove("m" + std::to_string(i) + ".py");
  must(index->refresh());
  CHECK(count_of(*database_of(place), "SELECT count(*) FROM content") == 10);
}

TEST_CASE("a tree that another process forgot is read again") {
  const Place place;
  put_files(place, 10);
  const auto index = place.open();
  CHECK(symbols(*index).size() == 10);
  run_sql(place, "DELETE FROM file; DELETE FROM tree; DELETE FROM content");
  CHECK(symbols(*index).size() == 10);
}

}  // namespace muster::index::test
