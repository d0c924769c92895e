// What the meter says of real actors. Blocked handlers run on real threads and are released by the
// test; looks are taken by hand, with the time that the test wants it to be.

#include <algorithm>
#include <caf/detail/test_actor_clock.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/core/watchdog.hpp"
#include "tests/support/virtual_time.hpp"

namespace muster::test {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 60s;  // only a broken program waits for it
constexpr std::int64_t ms = 1'000'000;

using gate_actor = caf::typed_actor<
    // Waits until somebody opens the gate.
    result<void>(stop_atom),
    // Adds nothing to nothing.
    result<std::uint64_t>(check_atom, std::uint64_t),
    // Dies.
    result<void>(kill_atom),
    // Lets virtual time pass in its handler, and looks.
    result<void>(tell_atom, std::uint64_t)>;

struct Gate {
  std::binary_semaphore entered{0};
  std::binary_semaphore open{0};
};

class Keeper {
 public:
  Keeper(compat::Self<gate_actor> self, std::shared_ptr<Gate> gate, std::string label)
      : self_(self), gate_(std::move(gate)), label_(std::move(label)) {}
  compat::Behavior<gate_actor> make_behavior() {
    return {
        [this](stop_atom) {
          gate_->entered.release();
          (void)gate_->open.try_acquire_for(patience);
        },
        [](check_atom, std::uint64_t number) { return number; },
        [](kill_atom) { throw std::runtime_error("told to"); },
        [this](tell_atom, std::uint64_t for_ms) {
          auto& clock = dynamic_cast<caf::detail::test_actor_clock&>(self_->clock());
          clock.advance_time(std::chrono::milliseconds(for_ms));
          if (on_tell) on_tell();
        },
    };
  }
  [[nodiscard]] std::string label() const { return label_; }

  static constexpr const char* name = "keeper";
  static inline std::function<void()> on_tell;

 private:
  compat::Self<gate_actor> self_;
  std::shared_ptr<Gate> gate_;
  std::string label_;
};

ActorClassStats stats_of(const std::vector<ActorClassStats>& all, const std::string& name) {
  auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& stats) { return stats.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

/// No machine is so slow that something else is late by then; and each actor is told once.
WatchdogLimits late_after_10_min() {
  WatchdogLimits out;
  out.late_ms = 600000;
  out.quiet_ms = 86400000;
  return out;
}

/// A system with real threads, a watchdog that looks when it is told to, and a gate keeper.
struct Real {
  explicit Real(WatchdogLimits limits = late_after_10_min()) : policy(limits) {}
  ~Real() {
    gate->open.release();
    compat::stop(keeper);
  }
  /// At `later` from now.
  std::vector<WatchdogReport> look(std::chrono::nanoseconds later = 0s) {
    auto at = compat::meter_ns(system.clock()) + later.count();
    return policy.look(config.meter->look(at, policy.least_waiting()));
  }
  void block() {
    compat::post(keeper, stop_atom_v);
    REQUIRE(gate->entered.try_acquire_for(patience));
  }
  /// Looks until there is something to tell: an actor answers a moment before its run is over.
  std::vector<WatchdogReport> await_report(std::chrono::nanoseconds later) {
    for (auto until = std::chrono::steady_clock::now() + patience;
         std::chrono::steady_clock::now() < until; std::this_thread::yield())
      if (auto told = look(later); !told.empty()) return told;
    FAIL("nothing is told");
    return {};
  }
  /// Everything that was sent before has been handled.
  void await_handled() {
    auto answer =
        compat::ask<std::uint64_t>(system, keeper, 60000ms, check_atom_v, std::uint64_t{1});
    REQUIRE(answer.ok());
  }
  ActorClassStats stats() { return stats_of(config.meter->classes(), "keeper"); }

  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  compat::SystemConfig config{2};
  caf::actor_system system{config};
  gate_actor keeper = compat::spawn<Keeper, gate_actor>(system, gate, "of the gate");
  std::string name = "keeper#" + std::to_string(keeper.id());
  WatchdogPolicy policy;
};

}  // namespace

TEST_CASE(
    "a handler that does not return is reported with its actor's name, and again when it has") {
  Real real;
  real.block();
  CHECK(real.look().empty());
  auto told = real.look(20min);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == WatchdogReport::Kind::late);
  CHECK(told[0].name == ActorName{real.name, "of the gate"});
  CHECK(told[0].for_ms >= 1200000);
  CHECK(told[0].for_ms < 1300000);
  CHECK(real.look(21min).empty());
  real.gate->open.release();
  told = real.await_report(22min);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == WatchdogReport::Kind::recovered);
  CHECK(told[0].name.actor == real.name);
}

TEST_CASE("a mailbox that fills behind a stuck handler is reported, and when it is empty again") {
  auto limits = late_after_10_min();
  limits.mailbox = 200;
  Real real(limits);
  real.block();
  for (int i = 0; i < 150; ++i) compat::post(real.keeper, check_atom_v, std::uint64_t{1});
  CHECK(real.look().empty());
  for (int i = 0; i < 150; ++i) compat::post(real.keeper, check_atom_v, std::uint64_t{1});
  auto told = real.look();
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == WatchdogReport::Kind::growing);
  CHECK(told[0].name == ActorName{real.name, "of the gate"});
  CHECK(told[0].waiting == 301);  // the one at hand is among them
  CHECK(real.stats().waiting == 301);
  real.gate->open.release();
  told = real.await_report(0s);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == WatchdogReport::Kind::drained);
}

TEST_CASE("an actor that ends while it is watched is out of the looks") {
  Real real;
  real.block();
  REQUIRE(real.look(20min).size() == 1);
  compat::stop(real.keeper);
  real.gate->open.release();
  auto told = real.await_report(21min);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == WatchdogReport::Kind::recovered);
  CHECK(real.stats().alive == 0);
}

TEST_CASE("many senders and many messages: none is lost from the count") {
  Real real;
  std::vector<std::thread> senders;
  constexpr int each = 20000;
  for (int sender = 0; sender < 4; ++sender)
    senders.emplace_back([&] {
      for (int i = 0; i < each; ++i) compat::post(real.keeper, check_atom_v, std::uint64_t{1});
    });
  for (auto& sender : senders) sender.join();
  real.await_handled();
  while (real.stats().waiting != 0) std::this_thread::yield();
  auto stats = real.stats();
  CHECK(stats.messages == 4 * each + 1);
  CHECK(stats.runs > 0);
  CHECK(stats.runs <= stats.messages + 1);
  CHECK(stats.busy_ns > 0);
}

TEST_CASE("under virtual time the same actors give the same numbers") {
  auto once = [] {
    VirtualTime time;
    std::vector<ActorClassStats> out;
    auto gate = std::make_shared<Gate>();
    auto one = time.spawn<Keeper, gate_actor>(gate, "one");
    auto two = time.spawn<Keeper, gate_actor>(gate, "two");
    time.run();
    std::vector<ActorRun> running;
    Keeper::on_tell = [&] {
      auto now = compat::meter_ns(time.system().clock());
      running = time.meter().look(now, 1000).running;
    };
    CHECK(time.ask<Unit>(one, tell_atom_v, std::uint64_t{30}).ok());
    Keeper::on_tell = {};
    REQUIRE(running.size() == 1);
    CHECK(running[0].name.label == "one");
    CHECK(running[0].for_ns == 30 * ms);
    CHECK_FALSE(time.ask<Unit>(two, kill_atom_v).ok());
    for (std::uint64_t i = 0; i < 10; ++i) compat::post(one, check_atom_v, i);
    CHECK(stats_of(time.meter().classes(), "keeper").waiting == 10);
    time.run();
    return stats_of(time.meter().classes(), "keeper");
  };
  auto stats = once();
  CHECK(stats.alive == 1);
  CHECK(stats.spawned == 2);
  CHECK(stats.crashed == 1);
  CHECK(stats.messages == 12);
  CHECK(stats.waiting == 0);
  CHECK(stats.busy_ns == 30 * ms);
  CHECK(stats.longest_ns == 30 * ms);
  auto again = once();
  CHECK(again.runs == stats.runs);
  CHECK(again.times.counts == stats.times.counts);
}

}  // namespace muster::test
