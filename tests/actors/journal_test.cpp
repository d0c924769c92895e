// Order, bounds and failure of the journal, over a store that the test holds back or breaks.
#include "actors/journal.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/memory_store.hpp"
#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::MemoryStore;
using test::Pending;
using test::VirtualTime;

using Failures = std::shared_ptr<std::vector<JournalFailure>>;

class Listener {
 public:
  Listener(compat::Self<journal_listener>, Failures seen) : seen_(std::move(seen)) {}
  compat::Behavior<journal_listener> make_behavior() {
    return {
        [this](journal_failed_atom, const JournalFailure& failure) { seen_->push_back(failure); }};
  }

 private:
  Failures seen_;
};

JournalBatch batch(const std::string& mission, const std::string& row, std::size_t body = 0) {
  return {mission, {{"event", "", row, std::string(body, 'b')}}};
}

struct Stage {
  VirtualTime time;
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  journal_actor journal;

  explicit Stage(JournalConfig config = {}) {
    journal =
        time.track(spawn_journal(time.system(), store, std::make_shared<InlineBlocking>(), config));
  }
  Pending<std::uint64_t> append(const JournalBatch& wanted) {
    auto pending = time.begin<std::uint64_t>(journal, append_atom_v, wanted);
    time.run();
    return pending;
  }
  /// Appends lazily and lets the journal linger in vain.
  void lazy(const JournalBatch& wanted) {
    compat::post(journal, append_lazy_atom_v, wanted);
    time.advance(JournalConfig{}.linger);
  }
  Pending<Unit> flush(const std::string& mission) {
    auto pending = time.begin<Unit>(journal, flush_atom_v, mission);
    time.run();
    return pending;
  }
  Failures listen(const std::string& mission) {
    auto seen = std::make_shared<std::vector<JournalFailure>>();
    auto listener = time.spawn<Listener, journal_listener>(seen);
    CHECK(time.ask<Unit>(journal, subscribe_atom_v, JournalSubscription{mission, listener}).ok());
    time.run();
    return seen;
  }
  JournalStatus status() { return *time.ask<JournalStatus>(journal, status_atom_v); }
  std::string rows(const std::string& mission) {
    auto records = store->load(mission);
    if (!records.ok()) return "-";
    std::string out;
    for (const auto& record : *records) out += record.row;
    return out;
  }
};

}  // namespace

TEST_CASE("an append is answered with its sequence, and only when it is durable") {
  Stage stage;
  CHECK(*stage.append(batch("M", "a")).get() == 1);
  stage.store->hold();
  auto pending = stage.append({"M", {{"event", "", "b", ""}, {"event", "", "c", ""}}});
  CHECK_FALSE(pending.done());
  CHECK(stage.status().outstanding_batches == 1);
  stage.store->release();
  stage.time.run();
  CHECK(*pending.get() == 3);
  CHECK(stage.rows("M") == "abc");
  CHECK(stage.status().outstanding_bytes == 0);
}

TEST_CASE("many callers share one group, each gets its own sequence, and order is kept") {
  Stage stage;
  stage.store->hold();
  std::vector<Pending<std::uint64_t>> pending;
  std::string expected;
  for (int i = 0; i < 26; ++i) {
    std::string row(1, static_cast<char>('a' + i));
    expected += row;
    if (i % 5 == 3)
      stage.lazy(batch("M", row));
    else
      pending.push_back(stage.append(batch("M", row)));
  }
  CHECK(stage.store->waiting() == 26);  // nobody waited for the one before
  CHECK(stage.store->release() == 26);
  stage.time.run();
  for (const auto& one : pending) CHECK(one.ok());
  CHECK(*pending.back().get() == 26);
  CHECK(stage.rows("M") == expected);
}

TEST_CASE("above the bound an append is refused with unavailable and nothing of it is stored") {
  Stage stage({.max_outstanding_bytes = 1000});
  stage.store->hold();
  auto first = stage.append(batch("M", "a", 600));
  auto second = stage.append(batch("M", "b", 600));
  CHECK(second.get().error().code == ErrorCode::unavailable);
  stage.store->release();
  stage.time.run();
  CHECK(first.ok());
  auto third = stage.append(batch("M", "c", 600));
  stage.store->release();
  stage.time.run();
  CHECK(third.ok());
  CHECK(stage.rows("M") == "ac");
}

TEST_CASE("a batch that is bigger than the bound goes when nothing else waits") {
  Stage stage({.max_outstanding_bytes = 1000});
  CHECK(stage.append(batch("M", "a", 5000)).ok());
}

TEST_CASE("a lazy append that cannot be kept fails the mission's journal loudly") {
  Stage stage({.max_outstanding_bytes = 1000});
  auto told = stage.listen("M");
  auto other = stage.listen("N");
  stage.store->hold();
  stage.lazy(batch("M", "a", 1500));
  stage.lazy(batch("M", "b", 1500));
  REQUIRE(told->size() == 1);
  CHECK(told->at(0).error.code == ErrorCode::unavailable);
  CHECK(other->empty());
  CHECK(stage.append(batch("M", "c")).get().error().code == ErrorCode::unavailable);
  stage.store->release();
  stage.time.run();
  CHECK(stage.rows("M") == "a");
  CHECK(stage.status().failed == std::vector<std::string>{"M"});
  CHECK(stage.time.ask<Unit>(stage.journal, reopen_atom_v, std::string("M")).ok());
  stage.lazy(batch("M", "d"));
  stage.store->release();
  CHECK(stage.rows("M") == "ad");
}

TEST_CASE(
    "D2 a failing store fails its mission alone: callers, listeners and late comers are told") {
  Stage stage;
  auto told = stage.listen("M");
  stage.store->fail("M", Error{ErrorCode::no_space, "disk full", "/x"}, 1);
  CHECK(stage.append(batch("M", "a")).ok());
  CHECK(stage.append(batch("M", "b")).get().error() ==
        Error{ErrorCode::no_space, "disk full", "/x"});
  CHECK(stage.append(batch("M", "c")).get().error().code == ErrorCode::no_space);
  CHECK(stage.append(batch("N", "x")).ok());
  REQUIRE(told->size() == 1);  // once, not for every append
  CHECK(told->at(0).mission == "M");
  auto late = stage.listen("M");
  CHECK(late->size() == 1);
  CHECK(stage.flush("M").get().error().code == ErrorCode::no_space);

  stage.store->refuse_reopen = Error{ErrorCode::no_space, "still full", "/x"};
  auto reopen = [&] {
    return stage.time.ask<Unit>(stage.journal, reopen_atom_v, std::string("M"));
  };
  CHECK(reopen().error().message == "still full");
  CHECK(stage.append(batch("M", "d")).get().error().code == ErrorCode::no_space);
  stage.store->refuse_reopen.reset();
  CHECK(reopen().ok());
  CHECK(stage.append(batch("M", "e")).ok());
  CHECK(stage.rows("M") == "ae");
}

TEST_CASE("lazy appends that come together are handed on as one, in their order") {
  Stage stage;
  stage.store->hold();
  auto post = [&](const char* mission, const char* row) {
    compat::post(stage.journal, append_lazy_atom_v, batch(mission, row));
    stage.time.run();
  };
  post("M", "a");
  post("N", "x");
  post("M", "b");
  CHECK(stage.store->waiting() == 0);
  stage.time.advance(JournalConfig{}.linger);
  CHECK(stage.store->waiting() == 2);
  post("M", "c");
  auto awaited = stage.append(batch("M", "d"));  // takes along what came before, at once
  CHECK(stage.store->waiting() == 4);
  post("M", "e");
  auto flushed = stage.flush("M");
  CHECK(stage.store->waiting() == 5);
  stage.store->release();
  stage.time.run();
  CHECK(*awaited.get() == 4);
  CHECK(flushed.ok());
  CHECK(stage.rows("M") == "abcde");
  CHECK(stage.rows("N") == "x");
  CHECK(stage.status().outstanding_bytes == 0);
}

TEST_CASE("much that nobody waits for is handed on without lingering") {
  Stage stage({.linger_bytes = 1000});
  compat::post(stage.journal, append_lazy_atom_v, batch("M", "a", 600));
  compat::post(stage.journal, append_lazy_atom_v, batch("M", "b", 600));
  stage.time.run();
  CHECK(stage.rows("M") == "ab");
}

TEST_CASE("a lazy append's failure reaches the listener") {
  Stage stage;
  auto told = stage.listen("M");
  stage.store->fail("M", Error{ErrorCode::io_error, "broken", "/x"});
  stage.lazy(batch("M", "a"));
  CHECK(told->size() == 1);
}

TEST_CASE("flush answers when what was appended before is durable, and waits for nothing later") {
  Stage stage;
  CHECK(stage.flush("M").ok());  // nothing to do
  stage.store->hold();
  stage.lazy(batch("M", "a"));
  stage.lazy(batch("N", "x"));
  auto mine = stage.flush("M");
  auto all = stage.flush("");
  stage.lazy(batch("M", "b"));
  CHECK_FALSE(mine.done());
  stage.store->release(1);
  stage.time.run();
  CHECK(mine.ok());
  CHECK_FALSE(all.done());
  stage.store->release(1);
  stage.time.run();
  CHECK(all.ok());
}

TEST_CASE("an empty batch is refused, and a listener can leave") {
  Stage stage;
  CHECK(stage.append({"M", {}}).get().error().code == ErrorCode::invalid_argument);
  auto seen = std::make_shared<std::vector<JournalFailure>>();
  auto listener = stage.time.spawn<Listener, journal_listener>(seen);
  JournalSubscription subscription{"M", listener};
  CHECK(stage.time.ask<Unit>(stage.journal, subscribe_atom_v, subscription).ok());
  CHECK(stage.time.ask<Unit>(stage.journal, unsubscribe_atom_v, subscription).ok());
  stage.store->fail("M", Error{ErrorCode::io_error, "broken", "/x"});
  stage.lazy(batch("M", "a"));
  CHECK(seen->empty());
}

TEST_CASE("asked to stop, the journal ends when everything is durable, and takes nothing more") {
  Stage stage;
  stage.store->hold();
  auto pending = stage.append(batch("M", "a"));
  stage.lazy(batch("M", "b"));
  compat::stop(stage.journal);
  stage.time.run();
  CHECK_FALSE(stage.time.dead(stage.journal));
  CHECK(stage.append(batch("M", "c")).get().error().code == ErrorCode::unavailable);
  stage.store->release();
  stage.time.run();
  CHECK(pending.ok());
  CHECK(stage.time.dead(stage.journal));
  CHECK(stage.rows("M") == "ab");
}

TEST_CASE("who waits for a journal that dies is told") {
  Stage stage;
  stage.store->hold();
  auto pending = stage.append(batch("M", "a"));
  compat::kill(stage.journal);
  stage.time.run();
  CHECK(pending.get().error().code == ErrorCode::unavailable);
  stage.store->release();  // its call back finds nobody
  stage.time.run();
}

TEST_CASE(
    "D1 a restarted journal answers no flush before what its predecessor handed on is on disk") {
  JournalConfig config;
  config.backlog = std::make_shared<JournalBacklog>();
  Stage stage(config);
  stage.store->hold();
  stage.lazy(batch("M", "a"));
  auto second = stage.append(batch("M", "b"));
  compat::kill(stage.journal);
  stage.time.run();
  stage.journal = stage.time.track(
      spawn_journal(stage.time.system(), stage.store, std::make_shared<InlineBlocking>(), config));
  auto flushed = stage.flush("M");
  CHECK_FALSE(flushed.done());
  stage.store->release(1);
  stage.time.run();
  CHECK_FALSE(flushed.done());
  stage.store->release();
  stage.time.run();
  CHECK(flushed.ok());
  CHECK(stage.rows("M") == "ab");
  CHECK(stage.flush("M").ok());
}

}  // namespace muster
