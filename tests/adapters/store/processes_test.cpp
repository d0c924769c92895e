// A journal that one process writes and another reads.

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "adapters/store/sqlite_store.hpp"
#include "tests/adapters/store/store_fixture.hpp"

namespace muster {
namespace {

using test::append;
using test::event;
using test::TempFolder;

constexpr int batches = 300;
constexpr int records_a_batch = 8;

/// An engine at work: short rows, long ones and bodies; some batches awaited, most not.
int write_journal(const std::string& folder) {
  auto store = SqliteStore::open({folder});
  if (!store.ok()) return 1;
  for (int i = 0; i < batches; ++i) {
    std::vector<NewRecord> records;
    for (int j = 0; j < records_a_batch; ++j) {
      const auto size = static_cast<std::size_t>(i * 37 + j * 911) % 6000;
      records.push_back({"session", "S1", "{}", std::string(size, 'b')});
    }
    records.back() = event("{\"x\":\"" + std::string(static_cast<std::size_t>(i) * 5, 'r') + "\"}");
    if (i % 16 == 15) {
      if (!append(**store, "M", std::move(records)).ok()) return 2;
    } else {
      (*store)->append("M", std::move(records), [](const Result<std::uint64_t>& done) {
        if (!done.ok()) ::_exit(3);
      });
    }
  }
  store->reset();
  return 0;
}

/// As `muster logs` reads it.
std::size_t read_journal(const std::string& folder) {
  auto store = SqliteStore::open({folder});
  REQUIRE(store.ok());
  auto records = (*store)->load("M");
  if (!records.ok()) {
    INFO(records.error().text());
    REQUIRE(records.error().code == ErrorCode::not_found);
    return 0;
  }
  for (std::size_t i = 0; i < records->size(); ++i) REQUIRE((*records)[i].seq == i + 1);
  return records->size();
}

}  // namespace

TEST_CASE("a journal can be read while another process writes it, from its first moment on") {
  for (int round = 0; round < 4; ++round) {
    TempFolder folder;
    const auto writer = ::fork();
    if (writer == 0) ::_exit(write_journal(folder.path()));
    REQUIRE(writer > 0);
    std::size_t seen = 0;
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(writer, &status, WNOHANG)) == 0) {
      const auto now = read_journal(folder.path());
      CHECK(now >= seen);
      seen = now;
    }
    REQUIRE(ended == writer);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    CHECK(read_journal(folder.path()) == batches * records_a_batch);
  }
}

}  // namespace muster
