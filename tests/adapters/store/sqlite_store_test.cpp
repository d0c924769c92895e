// The journal on a real disk: what it keeps, and what it notices.
#include "adapters/store/sqlite_store.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/adapters/store/store_fixture.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;
using test::append;
using test::event;
using test::TempFolder;

std::unique_ptr<SqliteStore> open_store(const TempFolder& folder) {
  auto store = SqliteStore::open({folder.path()});
  REQUIRE(store.ok());
  return std::move(*store);
}

}  // namespace

TEST_CASE("what was appended is read back, with sequences, times, bodies and long rows") {
  TempFolder folder;
  std::string long_row = "{\"x\":\"" + std::string(5000, 'r') + "\"}";
  std::string body("any\0bytes", 9);
  {
    auto store = open_store(folder);
    CHECK(*append(*store, "M", {event("{\"a\":1}"), {"session", "s1", "{}", body}}) == 2);
    CHECK(*append(*store, "M", {{"event", "", long_row, "body"}, {"event", "k", long_row, ""}}) ==
          4);
    CHECK(*append(*store, "N", {event("{}")}) == 1);
    CHECK(store->load("M")->size() == 4);  // while the writer has it open
  }
  auto store = open_store(folder);
  auto records = store->load("M");
  REQUIRE(records.ok());
  REQUIRE(records->size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK((*records)[i].seq == i + 1);
  CHECK((*records)[0].row == "{\"a\":1}");
  CHECK((*records)[1].kind == "session");
  CHECK((*records)[1].key == "s1");
  CHECK((*records)[1].body == body);
  CHECK((*records)[2].row == long_row);
  CHECK((*records)[2].body == "body");
  CHECK((*records)[3].row == long_row);
  CHECK((*records)[3].body.empty());
  CHECK((*records)[0].at_ms > 1'600'000'000'000);
  // The rows of the database stay small.
  CHECK(fs::file_size(folder.path() + "/M.seg") > 10'000);
  CHECK(*append(*store, "M", {event("{}")}) == 5);
}

TEST_CASE("missions are listed newest first; an unknown one is not found; a bad id is refused") {
  TempFolder folder;
  auto store = open_store(folder);
  REQUIRE(append(*store, "old", {event("{}")}).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // the clock is the subject
  REQUIRE(append(*store, "new", {event("{}"), event("{}")}).ok());
  auto missions = store->missions();
  REQUIRE(missions.ok());
  REQUIRE(missions->size() == 2);
  CHECK((*missions)[0].mission == "new");
  CHECK((*missions)[0].last_seq == 2);
  CHECK((*missions)[1].mission == "old");
  CHECK(store->load("nobody").error().code == ErrorCode::not_found);
  for (const auto* id : {"../up", "", ".hidden", "a/b", "a b"})
    CHECK(append(*store, id, {event("{}")}).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a record that cannot be kept costs its batch alone") {
  TempFolder folder;
  auto store = open_store(folder);
  CHECK(append(*store, "M", {{"", "", "{}", ""}}).error().code == ErrorCode::invalid_argument);
  CHECK(*append(*store, "M", {event("{}")}) == 1);
}

TEST_CASE("many threads append: every batch is whole, in its sender's order, acknowledged once") {
  TempFolder folder;
  constexpr int threads = 8;
  constexpr int batches = 200;
  std::atomic<int> acknowledged{0};
  {
    auto store = open_store(folder);
    std::vector<std::thread> senders;
    for (int t = 0; t < threads; ++t)
      senders.emplace_back([&, t] {
        for (int i = 0; i < batches; ++i) {
          auto key = std::to_string(t);
          auto row = std::to_string(i);
          store->append(
              i % 2 == 0 ? "even" : "odd", {{"event", key, row, "a"}, {"event", key, row, "b"}},
              [&](Result<std::uint64_t> done) { acknowledged += done.ok() ? 1 : 1000000; });
        }
      });
    for (auto& sender : senders) sender.join();
  }
  CHECK(acknowledged == threads * batches);
  auto store = open_store(folder);
  for (const auto* mission : {"even", "odd"}) {
    auto records = store->load(mission);
    REQUIRE(records.ok());
    REQUIRE(records->size() == threads * batches);
    std::map<std::string, int> last;
    for (std::size_t i = 0; i < records->size(); i += 2) {
      const auto& first = (*records)[i];
      const auto& second = (*records)[i + 1];
      CHECK((first.key == second.key && first.row == second.row));
      CHECK((first.body == "a" && second.body == "b"));
      auto number = std::stoi(first.row);
      auto [known, is_new] = last.try_emplace(first.key, number);
      CHECK((is_new || known->second < number));
      known->second = number;
    }
  }
}

TEST_CASE("more missions than may stay open are all kept") {
  TempFolder folder;
  auto store = SqliteStore::open({.folder = folder.path(), .max_open = 3});
  REQUIRE(store.ok());
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 10; ++i)
      REQUIRE(*append(**store, "m" + std::to_string(i), {event("{}")}) ==
              static_cast<std::uint64_t>(round + 1));
  for (int i = 0; i < 10; ++i) CHECK((*store)->load("m" + std::to_string(i))->size() == 3);
}

// ---- crashes
// ----------------------------------------------------------------------------------------

namespace {

/// Appends for ever and writes each acknowledged sequence to `out`; runs in a child process.
[[noreturn]] void append_until_killed(const std::string& folder, int out, unsigned seed) {
  SqliteStoreConfig config{.folder = folder};
  if (seed % 2 == 1) config.log = {.quiet = 4, .busy = 8};  // so that it is moved all the time
  auto store = SqliteStore::open(std::move(config));
  if (!store.ok()) ::_exit(1);
  std::mt19937 random(seed);
  for (int i = 0;; ++i) {
    std::vector<NewRecord> records;
    for (unsigned k = random() % 4 + 1; k > 0; --k)
      records.push_back({"event", "k", "{\"i\":" + std::to_string(i) + "}",
                         std::string(random() % 3 == 0 ? random() % 60000 : 0, 'b')});
    auto report = [out](Result<std::uint64_t> done) {
      if (!done.ok()) ::_exit(2);
      if (::write(out, &*done, sizeof *done) != sizeof *done) ::_exit(3);
    };
    (*store)->append("M", std::move(records), report);
    if (i % 16 == 15) (void)append(**store, "M", {event("{}")});  // keeps the queue short
  }
}

}  // namespace

TEST_CASE("D1 kill -9 at random points: a prefix is there that holds every acknowledged record") {
  TempFolder folder;
  std::mt19937 random(42);
  std::uint64_t acknowledged = 0;
  for (int crash = 0; crash < 25; ++crash) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    auto child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      append_until_killed(folder.path(), pipe[1], static_cast<unsigned>(crash));
    }
    ::close(pipe[1]);
    // Killed after so many acknowledgements and some microseconds more: anywhere in the middle of a
    // round.
    auto wanted = random() % 60 + 1;
    std::uint64_t seq = 0;
    for (unsigned i = 0; i < wanted && ::read(pipe[0], &seq, sizeof seq) == sizeof seq; ++i)
      acknowledged = std::max(acknowledged, seq);
    ::usleep(random() % 3000);
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &seq, sizeof seq) == sizeof seq)
      acknowledged = std::max(acknowledged, seq);
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));

    auto store = open_store(folder);
    auto records = store->load("M");
    INFO("crash " << crash << ": " << (records.ok() ? "" : records.error().text()));
    REQUIRE(records.ok());
    REQUIRE(records->size() >= acknowledged);
    acknowledged = records->size();
    // A second crash right after, in the recovery, is the next turn of the loop.
    if (crash % 3 == 0) REQUIRE(*append(*store, "M", {event("{}")}) == ++acknowledged);
  }
}

TEST_CASE("D4 an unfinished write at the end is cut, and said") {
  TempFolder folder;
  {
    auto store = open_store(folder);
    REQUIRE(append(*store, "M", {{"event", "", "{}", "body"}}).ok());
  }
  std::string tail;
  SECTION("the beginning of a frame") { tail = "MSB1\x10"; }
  SECTION("blocks that never got their data") { tail = std::string(100, '\0'); }
  std::ofstream(folder.path() + "/M.seg", std::ios::app | std::ios::binary) << tail;
  std::string said;
  auto store = SqliteStore::open(
      {.folder = folder.path(), .say = [&](const std::string& text) { said = text; }});
  CHECK((*store)->load("M")->size() == 1);
  CHECK(*append(**store, "M", {{"event", "", "{}", "more"}}) == 2);
  CHECK(said == "mission M: cut " + std::to_string(tail.size()) +
                    " bytes of unacknowledged work after record 1");
  auto records = (*store)->load("M");
  REQUIRE(records.ok());
  CHECK(records->at(1).body == "more");
}

// ---- damage
// -----------------------------------------------------------------------------------------

namespace {

void prepare_mission(const TempFolder& folder) {
  auto store = open_store(folder);
  for (int i = 0; i < 40; ++i)
    REQUIRE(append(*store, "M",
                   {{"event", "key", "{\"number\":" + std::to_string(i) + "}",
                     i % 4 == 0 ? std::string(300, static_cast<char>('a' + i % 26)) : ""}})
                .ok());
}

}  // namespace

TEST_CASE("D4 one changed byte anywhere in the segment is corrupt, with mission and record") {
  TempFolder folder;
  prepare_mission(folder);
  auto file = folder.path() + "/M.seg";
  auto size = fs::file_size(file);
  for (std::uintmax_t at = 0; at < size; at += at < 400 || at + 200 > size ? 1 : 13) {
    test::flip_byte(file, at);
    auto store = open_store(folder);
    auto records = store->load("M");
    INFO("byte " << at << " of " << size);
    REQUIRE_FALSE(records.ok());
    REQUIRE(records.error().code == ErrorCode::corrupt);
    REQUIRE(records.error().context == "mission M");
    store.reset();
    test::flip_byte(file, at);
  }
  CHECK(open_store(folder)->load("M")->size() == 40);
}

TEST_CASE("D4 one changed byte in the database is corrupt, or was no part of the journal") {
  TempFolder folder;
  prepare_mission(folder);
  auto good = open_store(folder)->load("M");
  REQUIRE(good.ok());
  auto file = folder.path() + "/M.db";
  TempFolder copy;
  std::size_t detected = 0;
  auto size = fs::file_size(file);
  for (std::uintmax_t at = 0; at < size; at += 17) {
    fs::copy(folder.path(), copy.path(),
             fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    test::flip_byte(copy.path() + "/M.db", at);
    auto records = open_store(copy)->load("M");
    INFO("byte " << at << " of " << size);
    if (records.ok()) {
      REQUIRE(records->size() == good->size());
      for (std::size_t i = 0; i < good->size(); ++i) {
        REQUIRE((*records)[i].row == (*good)[i].row);
        REQUIRE((*records)[i].body == (*good)[i].body);
        REQUIRE((*records)[i].at_ms == (*good)[i].at_ms);
      }
    } else {
      ++detected;
      INFO(records.error().text());
      REQUIRE((records.error().code == ErrorCode::corrupt ||
               records.error().code == ErrorCode::invalid_argument ||
               records.error().code == ErrorCode::io_error));
    }
    for (const auto* rest : {"/M.db", "/M.db-wal", "/M.db-shm"}) fs::remove(copy.path() + rest);
  }
  CHECK(detected > 100);
}

TEST_CASE("D4 rows that were changed or taken away through SQL are noticed") {
  TempFolder folder;
  prepare_mission(folder);
  std::string sql;
  std::string expected;
  SECTION("a row is changed") {
    sql = "UPDATE records SET row = '{\"number\":99}' WHERE seq = 7";
    expected = "at record 7: its hash does not follow";
  }
  SECTION("a row is taken from the middle") {
    sql = "DELETE FROM records WHERE seq = 7";
    expected = "at record 7: the next record is 8";
  }
  SECTION("the tail is lost") {
    sql = "DELETE FROM records WHERE seq > 30";
    expected = "at record 31: its tail is lost: 40 records were acknowledged, 30 are there";
  }
  SECTION("everything is lost") {
    sql = "DROP TABLE meta; DROP TABLE records";
    expected = "at record 1: the database was lost";
  }
  {
    auto database = store::Database::open(folder.path() + "/M.db", false);
    REQUIRE(database->run(sql.c_str()).ok());
  }
  auto store = open_store(folder);
  auto records = store->load("M");
  REQUIRE_FALSE(records.ok());
  CHECK(records.error().message.find(expected) != std::string::npos);
  // Nobody writes behind it either.
  CHECK(append(*store, "M", {event("{}")}).error().code == ErrorCode::corrupt);
}

TEST_CASE("D4 a file that is missing is noticed") {
  TempFolder folder;
  prepare_mission(folder);
  SECTION("the segment") { fs::remove(folder.path() + "/M.seg"); }
  SECTION("the database") { fs::remove(folder.path() + "/M.db"); }
  auto store = open_store(folder);
  CHECK(store->load("M").error().code == ErrorCode::corrupt);
  CHECK(append(*store, "M", {event("{}")}).error().code == ErrorCode::corrupt);
}

// ---- full disk
// --------------------------------------------------------------------------------------

namespace {

/// Runs `body` in a child process, whose limits and mounts are its own. Returns its exit code.
template <class Body>
int in_child(Body body) {
  auto child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Fills the disk, or what counts as it, and goes on when there is room again.
int fill_and_recover(const std::string& folder, const std::function<void()>& make_room) {
  auto store = SqliteStore::open({folder});
  if (!store.ok()) return 10;
  std::uint64_t acknowledged = 0;
  Result<std::uint64_t> last = std::uint64_t{0};
  for (int i = 0; i < 10000 && last.ok(); ++i) {
    last = append(**store, "M", {{"event", "", "{}", std::string(20000, 'b')}});
    if (last.ok()) acknowledged = *last;
  }
  if (last.ok()) return 11;  // it never got full
  if (last.error().code != ErrorCode::no_space || last.error().context.empty()) return 12;
  auto refused = append(**store, "M", {event("{}")});
  if (refused.ok() || refused.error().code != ErrorCode::no_space) return 13;
  auto records = (*store)->load("M");
  if (!records.ok() || records->size() != acknowledged) return 14;
  make_room();
  if (!(*store)->reopen("M").ok()) return 15;
  auto again = append(**store, "M", {{"event", "", "{}", "after"}});
  if (!again.ok() || *again != acknowledged + 1) return 16;
  records = (*store)->load("M");
  if (!records.ok() || records->back().body != "after") return 17;
  return 0;
}

}  // namespace

TEST_CASE(
    "D2 a full disk is a clear error, the mission is refused until reopened, nothing is lost") {
  TempFolder folder;
  SECTION("a file size limit") {
    CHECK(in_child([&] {
            std::signal(SIGXFSZ, SIG_IGN);
            rlimit limit{};
            ::getrlimit(RLIMIT_FSIZE, &limit);
            auto before = limit;
            limit.rlim_cur = 600'000;
            ::setrlimit(RLIMIT_FSIZE, &limit);
            return fill_and_recover(folder.path(), [&] { ::setrlimit(RLIMIT_FSIZE, &before); });
          }) == 0);
  }
  SECTION("a small file system, where mounting is permitted") {
    auto ballast = folder.path() + "/ballast";
    auto code = in_child([&] {
      if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=2m") != 0) return 77;
      std::ofstream(ballast) << std::string(500'000, 'x');
      auto result = fill_and_recover(folder.path() + "/store", [&] { fs::remove(ballast); });
      ::umount2(folder.path().c_str(), MNT_DETACH);
      return result;
    });
    if (code == 77) SKIP("mounting is not permitted here");
    CHECK(code == 0);
  }
}

}  // namespace muster
