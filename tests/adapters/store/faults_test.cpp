// D2 calls of the system that fail in the middle of a round, one after the other.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <string>

#include "adapters/store/sqlite_store.hpp"
#include "runtime/core/fault_points.hpp"
#include "tests/adapters/store/store_fixture.hpp"

namespace muster {
namespace {

using test::append;
using test::event;
using test::TempFolder;

}  // namespace

TEST_CASE(
    "D2 a write or a sync that fails is a clear error; nothing that was acknowledged is lost") {
#ifdef MUSTER_NO_FAULTS
  SKIP("this build has no fault points");
#else
  const auto* point = GENERATE("store.segment_write", "store.segment_sync", "store.commit",
                               "store.torn_segment_write");
  auto visit = GENERATE(1U, 2U, 3U, 6U);
  CAPTURE(point, visit);
  TempFolder folder;
  auto store = std::move(*SqliteStore::open({.folder = folder.path()}));
  REQUIRE(append(*store, "M", {event("{}"), {"session", "s", "{}", "first"}}).ok());
  std::uint64_t acknowledged = 2;
  faults::arm(point, visit, faults::Action::error);
  std::optional<Error> failure;
  for (int i = 0; i < 20 && !failure; ++i) {
    auto seq = append(*store, "M", {{"session", "s", "{}", std::string(3000, 'b')}});
    if (seq.ok())
      acknowledged = *seq;
    else
      failure = seq.error();
  }
  faults::disarm_all();
  REQUIRE(failure.has_value());
  CHECK((failure->code == ErrorCode::io_error || failure->code == ErrorCode::no_space));
  CHECK_FALSE(failure->context.empty());
  CHECK(append(*store, "M", {event("{}")}).error() == *failure);  // until somebody looked
  CHECK(store->load("M")->size() >= acknowledged);
  bool restarted = GENERATE(true, false);
  if (restarted) {
    store.reset();
    store = std::move(*SqliteStore::open({.folder = folder.path()}));
    auto kept = store->load("M");
    REQUIRE(kept.ok());
    CHECK(kept->size() >= acknowledged);
    acknowledged = kept->size();
  } else {
    REQUIRE(store->reopen("M").ok());
    CHECK(store->load("M")->size() == acknowledged);
  }
  CHECK(*append(*store, "M", {{"session", "s", "{}", "after"}}) == acknowledged + 1);
  auto all = store->load("M");
  REQUIRE(all.ok());
  CHECK(all->back().body == "after");
#endif
}

}  // namespace muster
