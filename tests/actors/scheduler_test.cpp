// Slots, admission, pauses and breakers as sessions meet them, under virtual time.
#include "actors/scheduler.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::Pending;
using test::VirtualTime;

struct Stage {
  VirtualTime time;
  std::shared_ptr<std::vector<Notice>> notices = std::make_shared<std::vector<Notice>>();
  scheduler_actor scheduler;
  std::map<std::string, VirtualTime::Client> sessions;

  explicit Stage(SchedulerConfig config = {}) {
    config.notify = [seen = notices](const Notice& notice) { seen->push_back(notice); };
    scheduler = time.track(spawn_scheduler(time.system(), config));
  }
  /// The session that uses this ticket.
  const VirtualTime::Client& session(const std::string& ticket) {
    auto found = sessions.find(ticket);
    if (found == sessions.end()) found = sessions.emplace(ticket, time.client()).first;
    return found->second;
  }
  void die(const std::string& ticket) {
    compat::kill(session(ticket).handle);
    sessions.erase(ticket);
    time.run();
  }
  Pending<Unit> acquire(const std::string& ticket, const std::string& lane = "p/m",
                        const std::string& mission = "M",
                        std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    auto pending = time.begin_as<Unit>(
        session(ticket), scheduler, acquire_atom_v,
        SlotRequest{ticket, mission, lane, lane.substr(0, lane.find('/')), "worker", timeout});
    time.run();
    return pending;
  }
  Result<Unit> release(const std::string& ticket) {
    return time.ask<Unit>(scheduler, release_atom_v, ticket);
  }
  Result<Unit> cancel(const std::string& ticket) {
    return time.ask<Unit>(scheduler, cancel_atom_v, ticket);
  }
  Pending<Unit> admit(const std::string& ticket, const std::string& lane = "p/m") {
    auto pending =
        time.begin_as<Unit>(session(ticket), scheduler, admit_atom_v, AdmitRequest{lane, ticket});
    time.run();
    return pending;
  }
  Result<Unit> report(const std::string& ticket, std::optional<ErrorCode> failure = {},
                      std::optional<std::chrono::milliseconds> retry_after = {},
                      const std::string& lane = "p/m") {
    return time.ask<Unit>(scheduler, report_atom_v,
                          CallReport{lane, ticket, failure, retry_after, 10ms});
  }
  SchedulerStatus status() { return *time.ask<SchedulerStatus>(scheduler, status_atom_v); }
  LaneView lane(const std::string& name = "p/m") {
    for (const auto& view : status().lanes)
      if (view.lane == name) return view;
    return {};
  }
  std::size_t told(const std::string& type) const {
    return static_cast<std::size_t>(std::count_if(
        notices->begin(), notices->end(), [&](const auto& notice) { return notice.type == type; }));
  }
};

SchedulerConfig limited(std::int64_t global) {
  SchedulerConfig config;
  config.limits.global = global;
  return config;
}

}  // namespace

TEST_CASE("S1 never more than the limit run, all finish, and slots are 0 after every kind of end") {
  constexpr int sessions = 300;
  constexpr std::size_t limit = 7;
  Stage stage(limited(limit));
  std::mt19937 random(20240607);
  std::map<int, Pending<Unit>> waiting;
  std::set<int> running;
  int finished = 0;
  auto ticket = [](int i) { return "s" + std::to_string(i); };
  for (int i = 0; i < sessions; ++i)
    waiting.emplace(i, stage.acquire(ticket(i), "p/m", "M" + std::to_string(i % 3), 1h));
  while (finished < sessions) {
    for (auto it = waiting.begin(); it != waiting.end();) {
      if (it->second.ok()) running.insert(it->first);
      it = it->second.done() ? waiting.erase(it) : std::next(it);
    }
    REQUIRE(running.size() <= limit);
    REQUIRE(stage.status().in_use == running.size());
    REQUIRE(!running.empty());
    auto chosen = std::next(running.begin(), random() % running.size());
    // A success gives it back, a cancel takes it away: either way once.
    auto end = random() % 2 == 0 ? stage.release(ticket(*chosen)) : stage.cancel(ticket(*chosen));
    REQUIRE(end.ok());
    running.erase(chosen);
    ++finished;
  }
  CHECK(stage.status().in_use == 0);
  CHECK(stage.status().waiting == 0);
}

TEST_CASE("S1 a holder or waiter that dies gives everything back") {
  Stage stage(limited(1));
  REQUIRE(stage.acquire("a").ok());
  auto doomed = stage.acquire("b");
  auto next = stage.acquire("c");
  stage.die("b");
  CHECK(stage.status().waiting == 1);
  CHECK_FALSE(next.done());
  stage.die("a");
  CHECK(next.ok());
  stage.die("c");
  CHECK(stage.status().in_use == 0);
}

TEST_CASE("S2 a queued waiter times out with a clear error and frees nothing") {
  Stage stage(limited(1));
  REQUIRE(stage.acquire("a").ok());
  auto blocked = stage.acquire("b", "p/m", "M", 500ms);
  auto patient = stage.acquire("c", "p/m", "M", 10s);
  stage.time.advance(499ms);
  CHECK_FALSE(blocked.done());
  stage.time.advance(1ms);
  REQUIRE(blocked.done());
  CHECK(blocked.get().error().code == ErrorCode::timeout);
  CHECK(blocked.get().error().message == "no slot in time: 1 of unlimited in use on p/m, 1 in all");
  CHECK(stage.release("b").error().code == ErrorCode::not_found);
  CHECK(stage.status().in_use == 1);
  CHECK_FALSE(patient.done());
  CHECK(stage.release("a").ok());
  CHECK(patient.ok());
}

TEST_CASE("S2 a cancelled waiter is told, and never frees a slot that it did not own") {
  Stage stage(limited(1));
  REQUIRE(stage.acquire("a").ok());
  auto blocked = stage.acquire("b");
  CHECK(stage.cancel("b").ok());
  CHECK(blocked.get().error().code == ErrorCode::cancelled);
  CHECK(stage.cancel("b").error().code == ErrorCode::not_found);
  CHECK(stage.release("b").error().code == ErrorCode::not_found);
  CHECK(stage.status().in_use == 1);
  CHECK(stage.acquire("a").get().error().code == ErrorCode::already_exists);
}

TEST_CASE("S3 all limits hold at once, and names are case-insensitive") {
  auto config = limited(5);
  config.limits.lanes["p/m"] = 2;
  config.limits.providers["q"] = 1;
  Stage stage(config);
  CHECK(stage.acquire("a1", "P/M").ok());
  CHECK(stage.acquire("a2", "p/m").ok());
  auto third = stage.acquire("a3", "p/M");
  CHECK_FALSE(third.done());
  CHECK(stage.acquire("b1", "q/x").ok());
  CHECK_FALSE(stage.acquire("b2", "Q/y").done());
  CHECK(stage.lane().in_use == 2);
  CHECK(stage.lane().limit == 2);
  CHECK(stage.release("a1").ok());
  CHECK(third.ok());
}

TEST_CASE("S3 a limit of 0 refuses at once rather than wait for ever") {
  auto config = limited(5);
  config.limits.lanes["p/m"] = 0;
  Stage stage(config);
  CHECK(stage.acquire("a").get().error().code == ErrorCode::limit_reached);
  CHECK(stage.status().waiting == 0);
}

TEST_CASE(
    "S4 five failures open the breaker, one probe passes after 30 s, two successes close it") {
  SchedulerConfig config;
  config.lane.backoff = BackoffPolicy{.base_ms = 1, .min_ms = 1, .max_ms = 1};
  Stage stage(config);
  for (int i = 0; i < 5; ++i) {
    auto call = stage.admit("s");
    stage.time.advance(10ms);  // the call's own backoff
    REQUIRE(call.ok());
    REQUIRE(stage.report("s", ErrorCode::network).ok());
  }
  CHECK(stage.lane().breaker == "open");
  CHECK(stage.told("lane.breaker") == 1);

  std::vector<Pending<Unit>> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(stage.admit("w" + std::to_string(i)));
  auto gone = [&] {
    return std::count_if(calls.begin(), calls.end(), [](const auto& call) { return call.done(); });
  };
  stage.time.advance(29'900ms);
  CHECK(gone() == 0);
  stage.time.advance(200ms);
  CHECK(gone() == 1);  // exactly one probe
  stage.time.advance(60s);
  CHECK(gone() == 1);

  SECTION("one failure reopens it") {
    CHECK(stage.report("w0", ErrorCode::network).ok());
    CHECK(stage.lane().breaker == "open");
    stage.time.advance(29s);
    CHECK(gone() == 1);
    stage.time.advance(2s);
    CHECK(gone() == 2);
  }
  SECTION("two successes close it for all") {
    CHECK(stage.report("w0").ok());
    CHECK(gone() == 2);
    CHECK(stage.report("w1").ok());
    CHECK(gone() == 10);
    CHECK(stage.lane().breaker == "closed");
  }
  SECTION("a probe whose session dies makes room for another") {
    stage.die("w0");
    CHECK(gone() == 2);
  }
}

TEST_CASE("S5 a 429 with Retry-After pauses every waiter of that lane and no other lane") {
  Stage stage;
  for (const auto* ticket : {"a", "b", "c"}) REQUIRE(stage.acquire(ticket).ok());
  REQUIRE(stage.admit("a").ok());
  REQUIRE(stage.report("a", ErrorCode::rate_limited, 20s).ok());
  auto first = stage.admit("a");
  auto second = stage.admit("b");
  CHECK(stage.admit("x", "p/other").ok());
  CHECK(stage.lane().paused_for == 20s);
  CHECK(stage.lane().held_back == 2);
  stage.time.advance(19'999ms);
  CHECK_FALSE(first.done());
  CHECK_FALSE(second.done());
  stage.time.advance(1ms);
  CHECK(first.ok());
  CHECK(second.ok());

  REQUIRE(stage.notices->size() == 2);
  CHECK(stage.notices->at(0).type == "lane.paused");
  auto told = nlohmann::json::parse(stage.notices->at(0).json);
  CHECK(told == nlohmann::json{{"lane", "p/m"}, {"for_ms", 20'000}});
  CHECK(stage.notices->at(1).type == "lane.resumed");
}

TEST_CASE("S5 a paused lane gives no slots meanwhile, so that other lanes can have them") {
  Stage stage(limited(2));
  REQUIRE(stage.admit("a").ok());
  REQUIRE(stage.report("a", ErrorCode::rate_limited, 5s).ok());
  auto paused = stage.acquire("b");
  CHECK_FALSE(paused.done());
  CHECK(stage.acquire("c", "p/other").ok());
  CHECK(stage.acquire("d", "p/other").ok());
  CHECK(stage.release("c").ok());
  stage.time.advance(5s);
  CHECK(paused.ok());
}

TEST_CASE("S5 a 429 without Retry-After backs off, with jitter and growing") {
  std::set<std::int64_t> delays;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SchedulerConfig config;
    config.seed = seed;
    Stage stage(config);
    REQUIRE(stage.admit("a").ok());
    REQUIRE(stage.report("a", ErrorCode::rate_limited).ok());
    REQUIRE(stage.lane().paused_for);
    auto delay = stage.lane().paused_for->count();
    CHECK((delay >= 100 && delay <= 1000));
    delays.insert(delay);
  }
  CHECK(delays.size() > 10);
}

TEST_CASE("S5 a network failure delays that session's next call alone") {
  Stage stage;
  REQUIRE(stage.admit("a").ok());
  REQUIRE(stage.report("a", ErrorCode::network).ok());
  auto again = stage.admit("a");
  CHECK_FALSE(again.done());
  CHECK(stage.admit("b").ok());
  stage.time.advance(1s);
  CHECK(again.ok());
}

TEST_CASE("S5 auth errors are not waited out: whoever waits or comes is told") {
  Stage stage;
  REQUIRE(stage.admit("a").ok());
  REQUIRE(stage.admit("b").ok());
  REQUIRE(stage.report("a", ErrorCode::unauthenticated).ok());
  REQUIRE(stage.report("b", ErrorCode::unauthenticated).ok());
  CHECK(stage.admit("c").get().error().code == ErrorCode::unauthenticated);
  CHECK(stage.acquire("d").ok());
}

TEST_CASE("S5 an abort says nothing about the lane") {
  Stage stage;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(stage.admit("a").ok());
    REQUIRE(stage.report("a", ErrorCode::cancelled).ok());
  }
  CHECK(stage.lane().breaker == "closed");
  CHECK(stage.notices->empty());
  CHECK(stage.report("a").error().code == ErrorCode::not_found);
}

TEST_CASE("S5 cancel ends a held back call and frees its place") {
  Stage stage;
  REQUIRE(stage.acquire("a").ok());
  REQUIRE(stage.admit("a").ok());
  REQUIRE(stage.report("a", ErrorCode::rate_limited, 1h).ok());
  auto held = stage.admit("a");
  CHECK(stage.cancel("a").ok());
  CHECK(held.get().error().code == ErrorCode::cancelled);
  CHECK(stage.lane().held_back == 0);
  CHECK(stage.status().in_use == 0);
}

TEST_CASE("S6 a mission with a thousand waiting tasks does not starve one with a single one") {
  Stage stage(limited(2));
  REQUIRE(stage.acquire("big0", "p/m", "big").ok());
  REQUIRE(stage.acquire("big1", "p/m", "big").ok());
  for (int i = 2; i < 1000; ++i) stage.acquire("big" + std::to_string(i), "p/m", "big");
  auto small = stage.acquire("small", "p/m", "small");
  CHECK_FALSE(small.done());
  CHECK(stage.release("big0").ok());
  CHECK(small.ok());
}

// ---- what survives a restart
// --------------------------------------------------------------------------------

namespace {

/// What an engine writes and the next one reads; its wall clock goes on while no engine runs.
struct Memory {
  std::shared_ptr<std::map<std::string, std::string>> lanes =
      std::make_shared<std::map<std::string, std::string>>();
  std::shared_ptr<std::int64_t> wall = std::make_shared<std::int64_t>(1'700'000'000'000);

  SchedulerConfig config() {
    SchedulerConfig out;
    out.remember = [lanes = lanes](const std::string& lane, const std::string& health) {
      if (health.empty())
        lanes->erase(lane);
      else
        (*lanes)[lane] = health;
    };
    out.recall = [lanes = lanes] { return *lanes; };
    out.wall_ms = [wall = wall] { return *wall; };
    return out;
  }
};

}  // namespace

TEST_CASE("D3 a lane's pause survives a restart: the rest of it, by the wall clock") {
  Memory memory;
  {
    Stage first(memory.config());
    REQUIRE(first.admit("a").ok());
    REQUIRE(first.report("a", ErrorCode::rate_limited, 60s).ok());
    REQUIRE(memory.lanes->size() == 1);
  }
  *memory.wall += 20'000;  // nobody was there
  Stage second(memory.config());
  REQUIRE(second.lane().paused_for.has_value());
  CHECK(second.told("lane.paused") == 1);
  CHECK(*second.lane().paused_for == 40s);
  auto waits = second.admit("b");
  second.time.advance(39s);
  CHECK_FALSE(waits.ok());
  second.time.advance(2s);
  CHECK(waits.ok());
  CHECK(memory.lanes->empty());
}

TEST_CASE(
    "D3 an open breaker survives a restart, and still lets one probe through after its time") {
  Memory memory;
  {
    Stage first(memory.config());
    for (int i = 0; i < 5; ++i) {
      auto ticket = "t" + std::to_string(i);
      auto call = first.admit(ticket);
      first.time.advance(5min);
      REQUIRE(call.ok());
      REQUIRE(first.report(ticket, ErrorCode::network).ok());
    }
    CHECK(first.lane().breaker == "open");
  }
  *memory.wall += 10'000;
  Stage second(memory.config());
  CHECK(second.lane().breaker == "open");
  auto one = second.admit("a");
  auto two = second.admit("b");
  second.time.advance(19s);
  CHECK_FALSE(one.ok());
  second.time.advance(2s);
  CHECK(one.ok());
  CHECK_FALSE(two.ok());
  REQUIRE(second.report("a").ok());
  second.time.advance(2s);
  CHECK(two.ok());
  REQUIRE(second.report("b").ok());
  CHECK(second.lane().breaker == "closed");
  CHECK(memory.lanes->empty());
}

}  // namespace muster
