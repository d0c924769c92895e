#include "runtime/core/watchdog.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace muster {
namespace {

using Kind = WatchdogReport::Kind;

constexpr std::int64_t ms = 1'000'000;

/// Looks, one after the other, at an actor "session#7".
struct Looks {
  explicit Looks(WatchdogLimits limits = {}) : policy(limits) {}

  /// It has been in run `number` for so long.
  std::vector<WatchdogReport> running(std::int64_t at_ms, std::uint64_t number,
                                      std::int64_t for_ms) {
    return policy.look({at_ms * ms, {{7, name, number, for_ms * ms}}, {}});
  }
  std::vector<WatchdogReport> idle(std::int64_t at_ms) { return policy.look({at_ms * ms, {}, {}}); }
  std::vector<WatchdogReport> waiting(std::int64_t at_ms, std::uint64_t messages) {
    if (messages < policy.least_waiting()) return idle(at_ms);
    return policy.look({at_ms * ms, {}, {{7, name, messages}}});
  }

  ActorName name{"session#7", "m/S4"};
  WatchdogPolicy policy;
};

}  // namespace

TEST_CASE("a handler is late from the limit on, and that is told once") {
  Looks looks;
  CHECK(looks.running(1000, 1, 999).empty());
  auto told = looks.running(1001, 1, 1000);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == Kind::late);
  CHECK(told[0].name == looks.name);
  CHECK(told[0].for_ms == 1000);
  CHECK(looks.running(1500, 1, 1499).empty());
  CHECK(looks.running(60000, 1, 59999).empty());
}

TEST_CASE("that a late handler has returned is told once, with the time that it took") {
  Looks looks;
  REQUIRE(looks.running(2000, 1, 1500).size() == 1);
  auto told = looks.idle(2500);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == Kind::recovered);
  CHECK(told[0].name == looks.name);
  CHECK(told[0].for_ms == 2000);
  CHECK(looks.idle(3000).empty());
}

TEST_CASE("another run of the same actor is another handler") {
  Looks looks;
  REQUIRE(looks.running(2000, 1, 1500).size() == 1);
  auto told = looks.running(2500, 3, 100);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == Kind::recovered);
}

TEST_CASE(
    "an actor whose handlers are always late is told about every ten seconds, not each time") {
  Looks looks;
  std::size_t late = 0;
  std::size_t recovered = 0;
  // Handlers of 1.2 s for a minute, looked at every half second.
  for (std::int64_t at = 500; at <= 60000; at += 500) {
    const auto run = static_cast<std::uint64_t>(at / 1200);
    for (const auto& told : looks.running(at, 2 * run + 1, at - 1200 * (at / 1200)))
      ++(told.kind == Kind::late ? late : recovered);
  }
  CHECK(late >= 4);
  CHECK(late <= 6);
  CHECK(recovered >= late - 1);
  CHECK(recovered <= late);
}

TEST_CASE("two actors are two episodes") {
  WatchdogPolicy policy;
  ActorLook seen{3000 * ms, {{1, {"a#1", ""}, 1, 2000 * ms}, {2, {"b#2", ""}, 1, 1100 * ms}}, {}};
  CHECK(policy.look(seen).size() == 2);
  seen.at_ns += 500 * ms;
  seen.running.erase(seen.running.begin());
  auto told = policy.look(seen);
  REQUIRE(told.size() == 1);
  CHECK(told[0].name.actor == "a#1");
}

TEST_CASE("a mailbox grows when it holds more than the bound and more than before") {
  Looks looks;
  CHECK(looks.waiting(500, 600).empty());
  auto told = looks.waiting(1000, 1000);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == Kind::growing);
  CHECK(told[0].waiting == 1000);
  CHECK(told[0].name == looks.name);
  CHECK(looks.waiting(1500, 5000).empty());
  CHECK(looks.waiting(2000, 500).empty());  // not below half of it yet
  told = looks.waiting(2500, 499);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == Kind::drained);
  CHECK(looks.waiting(3000, 10).empty());
  // The next one is an episode of its own.
  CHECK(looks.waiting(3500, 2000).empty());
  CHECK(looks.waiting(4000, 2001).size() == 1);
}

TEST_CASE("a burst that is worked off is not told, however large") {
  Looks looks;
  CHECK(looks.waiting(500, 100000).empty());
  CHECK(looks.waiting(1000, 60000).empty());
  CHECK(looks.waiting(1500, 60000).empty());
  CHECK(looks.waiting(2000, 0).empty());
}

TEST_CASE("without limits nothing is watched, and there is no time between looks") {
  WatchdogLimits none;
  none.late_ms.reset();
  none.mailbox.reset();
  Looks looks(none);
  CHECK_FALSE(looks.policy.period_ms());
  CHECK(looks.running(100000, 1, 99999).empty());
  CHECK(looks.policy.look({1, {}, {{7, looks.name, 1}}}).empty());
  CHECK(looks.policy.look({2, {}, {{7, looks.name, 1U << 30U}}}).empty());
}

TEST_CASE("looks are as near as the limit wants, and never nearer than needed") {
  auto period = [](std::optional<std::int64_t> late) {
    WatchdogLimits limits;
    limits.late_ms = late;
    return WatchdogPolicy(limits).period_ms();
  };
  CHECK(period(1000) == 500);
  CHECK(period(100) == 50);
  CHECK(period(60000) == 500);
  CHECK(period(1) == 10);
  CHECK(period(std::nullopt) == 500);
}

}  // namespace muster
