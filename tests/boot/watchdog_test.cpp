// The watchdog's own thread, with real actors and short limits; waits for what it says.

#include "runtime/boot/watchdog.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/actor_stats.hpp"
#include "runtime/boot/compat.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Kind = WatchdogReport::Kind;

constexpr auto patience = 60s;  // only a broken program waits for it

using stuck_actor = caf::typed_actor<
    // Waits until somebody opens the gate.
    result<void>(stop_atom)>;

class Stuck {
 public:
  Stuck(compat::Self<stuck_actor>, std::shared_ptr<std::binary_semaphore> gate)
      : gate_(std::move(gate)) {}
  compat::Behavior<stuck_actor> make_behavior() {
    return {[this](stop_atom) { (void)gate_->try_acquire_for(patience); }};
  }
  static constexpr const char* name = "stuck";

 private:
  std::shared_ptr<std::binary_semaphore> gate_;
};

}  // namespace

TEST_CASE("the watchdog tells of a stuck actor while every worker is stuck") {
  compat::SystemConfig config{1};
  caf::actor_system system{config};
  std::counting_semaphore<> said{0};
  std::mutex mutex;
  std::vector<WatchdogReport> reports;
  WatchdogLimits limits;
  limits.late_ms = 30;
  limits.quiet_ms = 3'600'000;
  Watchdog watchdog(
      config.meter, [&] { return compat::meter_ns(system.clock()); }, limits,
      [&](const WatchdogReport& report) {
        if (report.name.actor.find("stuck#") != 0) return;
        std::lock_guard lock(mutex);
        reports.push_back(report);
        said.release();
      });
  auto gate = std::make_shared<std::binary_semaphore>(0);
  auto stuck = compat::spawn<Stuck, stuck_actor>(system, gate);
  compat::post(stuck, stop_atom_v);
  REQUIRE(said.try_acquire_for(patience));
  {
    std::lock_guard lock(mutex);
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].kind == Kind::late);
    CHECK(reports[0].name.actor == "stuck#" + std::to_string(stuck.id()));
    CHECK(reports[0].for_ms >= 30);
  }
  auto shown = actors_to_json(*config.meter, compat::meter_ns(system.clock()));
  CHECK(shown["running"][0]["actor"] == "stuck#" + std::to_string(stuck.id()));
  CHECK(shown["running"][0]["for_ms"] >= 30);
  gate->release();
  REQUIRE(said.try_acquire_for(patience));
  std::lock_guard lock(mutex);
  REQUIRE(reports.size() == 2);
  CHECK(reports[1].kind == Kind::recovered);
  compat::stop(stuck);
}

TEST_CASE("the watchdog ends at once, with and without limits") {
  WatchdogLimits none;
  none.late_ms.reset();
  none.mailbox.reset();
  auto meter = std::make_shared<ActorMeter>();
  auto report = [](const WatchdogReport&) {};
  Watchdog off(
      meter, [] { return 0; }, none, report);
  none.late_ms = 86'400'000;
  Watchdog slow(
      meter, [] { return 0; }, none, report);
}

TEST_CASE("what is said of a report: a line for the log, a notice for front ends") {
  WatchdogReport late{Kind::late, {"session#7", "m/S4 worker M1.T2\x1b[2J"}, 1500, 0};
  CHECK(text_of(late).find('\x1b') == std::string::npos);
  CHECK_THAT(text_of(late),
             ContainsSubstring("session#7 (m/S4 worker M1.T2") && ContainsSubstring("1.5 s"));
  auto notice = notice_of(late);
  CHECK(notice.type == "actor.late");
  CHECK(notice.mission.empty());
  CHECK(notice.id.empty());
  auto data = nlohmann::json::parse(notice.json);
  CHECK(data["actor"] == "session#7");
  CHECK(data["for_ms"] == 1500);
  WatchdogReport growing{Kind::growing, {"journal#3", ""}, 0, 1234};
  CHECK_THAT(text_of(growing), ContainsSubstring("journal#3") && ContainsSubstring("1234"));
  CHECK(nlohmann::json::parse(notice_of(growing).json)["waiting"] == 1234);
  CHECK(notice_of(growing).type == "mailbox.growing");
}

}  // namespace muster
