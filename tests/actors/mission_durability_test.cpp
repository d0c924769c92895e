// What a mission keeps over a restart: snapshots, notices, a pause.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <nlohmann/json.hpp>

#include "runtime/core/state_json.hpp"
#include "tests/actors/mission_stage.hpp"

namespace muster {
namespace {

using nlohmann::json;
using test::by_the_team;
using test::MissionStage;
using test::never;
using test::Reply;
using test::Turn;
using namespace std::chrono_literals;

/// Workers that do not answer until they are let go.
void hold_workers(MissionStage& stage, const bool& held) {
  stage.agent = [&held](const Turn& turn) {
    return held && turn.agent == "worker" ? never : by_the_team;
  };
}

void restart(MissionStage& stage, bool end_pause) {
  compat::kill(stage.mission);
  stage.base.time.run();
  stage.end_pause = end_pause;
  stage.start(false);
}

std::string text_of(State state) {
  state.dirty.clear();
  return state_to_json(state).dump();
}

/// The ids with which notices of a type were told, in order.
std::vector<std::string> ids(const MissionStage& stage, const std::string& type) {
  std::vector<std::string> out;
  for (const auto& notice : stage.book->notices)
    if (notice.type == type) out.push_back(notice.id);
  return out;
}

}  // namespace

TEST_CASE("D1 a mission with snapshots is folded from the last one, to the same state and end") {
  MissionStage stage;
  stage.snapshots = {4, 1U << 20U};
  bool held = true;
  hold_workers(stage, held);
  stage.start();
  stage.base.time.advance(1min);
  REQUIRE(stage.base.records("snapshot").size() >= 1);
  auto replayed = replay_mission(*stage.base.store, "M");
  REQUIRE(replayed.ok());
  CHECK(replayed->warning.empty());
  CHECK(text_of(replayed->state) == text_of(stage.folded()));
  held = false;
  restart(stage, true);
  stage.finish();
  stage.check_sealed();
  for (const auto& task : stage.folded().tasks) CHECK(task.attempt == 1);
}

TEST_CASE("a snapshot waits until the events since the last one weigh as much as it did") {
  SnapshotMeter meter({3, 100});
  meter.event(10);
  meter.event(10);
  CHECK_FALSE(meter.due());
  meter.event(10);
  CHECK(meter.due());
  meter.snapshot(50);
  for (int i = 0; i < 4; ++i) meter.event(10);
  CHECK_FALSE(meter.due());
  meter.event(10);
  CHECK(meter.due());
  meter.snapshot(50);
  meter.event(100);
  CHECK(meter.due());
}

TEST_CASE("D4 a snapshot that cannot be read is said, and all events are read instead") {
  MissionStage stage;
  bool held = true;
  hold_workers(stage, held);
  stage.start();
  stage.base.time.advance(1min);
  compat::kill(stage.mission);
  stage.base.time.run();
  auto newer = state_to_json(stage.folded());
  newer["v"] = state_version + 1;
  auto body = GENERATE_COPY(std::string("no JSON at all"), std::string("{}"), newer.dump());
  stage.base.store->append("M", {{std::string(snapshot_kind), "state", R"({"v":1})", body}},
                           [](Result<std::uint64_t>) {});
  held = false;
  stage.start(false);
  CHECK(stage.count("journal_warning") == 1);
  CHECK(stage.last("journal_warning")["text"].get<std::string>().find("mission M: the snapshot") ==
        0);
  stage.finish();
  stage.check_sealed();
}

TEST_CASE("an event that a newer muster wrote stops the mission with its id and the version") {
  MissionStage stage;
  auto event = event_to_json(stage.started);
  event["v"] = event_version + 1;
  stage.base.store->append("M", {{"event", {}, event.dump(), {}}}, [](Result<std::uint64_t>) {});
  stage.start(false);
  auto reason = stage.last("mission_ended")["reason"].get<std::string>();
  CHECK(reason.find("mission M record 1") != std::string::npos);
  CHECK(reason.find("version 2") != std::string::npos);
  CHECK(stage.base.records("event").size() == 1);
}

TEST_CASE("D3 a pause survives a restart that nobody asked for, and ends with one that one did") {
  MissionStage stage;
  bool held = true;
  hold_workers(stage, held);
  stage.start();
  stage.base.time.advance(1min);
  REQUIRE(stage.control("pause").ok());
  stage.base.time.run();
  REQUIRE(stage.count("mission_paused") == 1);
  held = false;
  auto calls = stage.base.model.requests.size();
  restart(stage, false);
  stage.base.time.advance(10min);
  CHECK(stage.folded().paused);
  CHECK(stage.base.model.requests.size() == calls);
  auto told = ids(stage, "mission_paused");
  REQUIRE(told.size() == 2);  // the launcher of the second incarnation must know, too
  CHECK(told[0] == told[1]);  // and can tell that it is the same pause
  bool by_restart = GENERATE(true, false);
  if (by_restart)
    restart(stage, true);
  else
    REQUIRE(stage.control("resume").ok());
  stage.finish();
  stage.check_sealed();
}

TEST_CASE("T7 a notice that nobody took is told again, one that was taken is not") {
  MissionStage stage;
  (void)stage.base.time.ask<Unit>(stage.notifier, unsubscribe_atom_v, std::string("book"));
  stage.plan.pop_back();
  stage.agent = [](const Turn& turn) -> Reply {
    if (turn.agent != "worker" || turn.number > 0) return by_the_team;
    return std::optional<ModelOutcome>(test::calls("ask_user", {{"question", "Tabs?"}}));
  };
  stage.start();
  stage.base.time.advance(1min);
  REQUIRE(stage.folded().notices.contains("needs_user"));
  CHECK_FALSE(stage.folded().notices.at("needs_user").told);
  SinkSpec sink;
  sink.id = "book";
  sink.sink = stage.book;
  SECTION("a front end that comes late hears it, once") {
    (void)stage.base.time.ask<Unit>(stage.notifier, subscribe_atom_v, sink);
    stage.base.time.advance(1min);
    CHECK(stage.count("needs_user") == 1);
    CHECK(stage.folded().notices.at("needs_user").told);
  }
  SECTION("a passive one does not count as told") {
    sink.passive = true;
    (void)stage.base.time.ask<Unit>(stage.notifier, subscribe_atom_v, sink);
    stage.base.time.advance(1min);
    CHECK(stage.count("needs_user") > 1);
    CHECK_FALSE(stage.folded().notices.at("needs_user").told);
  }
  SECTION("after a crash it has the same id") {
    auto id = stage.folded().notices.at("needs_user").id;
    restart(stage, false);
    (void)stage.base.time.ask<Unit>(stage.notifier, subscribe_atom_v, sink);
    stage.base.time.advance(1min);
    CHECK(ids(stage, "needs_user") == std::vector<std::string>{id});
    CHECK(stage.folded().notices.at("needs_user").told);
  }
}

TEST_CASE("T7 the end has one id, however often the mission is started again") {
  MissionStage stage;
  stage.start();
  stage.finish();
  restart(stage, true);
  stage.base.time.run();
  auto told = ids(stage, "mission_ended");
  REQUIRE(told.size() == 2);
  CHECK(told[0] == told[1]);
  CHECK_FALSE(told[0].empty());
}

TEST_CASE("D2 any failing write pauses the mission with the reason; what is on disk goes on") {
  MissionStage stage;
  auto code = GENERATE(ErrorCode::no_space, ErrorCode::io_error);
  auto after = GENERATE(0U, 3U, 9U, 17U, 30U, 44U);
  CAPTURE(after);
  stage.base.store->fail("M", {code, "the disk says no"}, after);
  stage.start();
  stage.finish(5min);
  REQUIRE(stage.count("journal_failed") == 1);
  CHECK(stage.count("mission_ended") == 0);
  REQUIRE(stage.count("mission_paused") == 1);
  CHECK(stage.last("mission_paused")["reason"].get<std::string>().find("the disk says no") !=
        std::string::npos);
  CHECK(stage.last("mission_paused")["code"] == to_string(code));
  CHECK(stage.base.model.in_flight == 0);
  REQUIRE(stage.control("resume").ok());
  stage.finish();
  stage.check_sealed();
}

TEST_CASE("D1 an end that is not on disk is not told; once there is room it is") {
  MissionStage stage;
  stage.tree->on_apply = [&stage, first = true]() mutable {
    if (std::exchange(first, false))
      stage.base.store->fail("M", {ErrorCode::no_space, "disk full"});
  };
  stage.start();
  stage.finish(5min);
  REQUIRE(stage.tree->applied == 1);
  CHECK(stage.count("mission_ended") == 0);
  CHECK(stage.status()["phase"] == "paused");
  REQUIRE(stage.control("resume").ok());
  stage.finish();
  CHECK(stage.count("mission_ended") == 1);
  CHECK(stage.folded().phase == Phase::sealed);
}

TEST_CASE("D2 a stop that was lost with the disk ends nothing later") {
  MissionStage stage;
  bool held = true;
  hold_workers(stage, held);
  stage.start();
  stage.base.time.advance(1min);
  stage.base.store->fail("M", {ErrorCode::no_space, "disk full"});
  CHECK_FALSE(stage.control("stop").ok());
  stage.base.time.advance(1s);
  REQUIRE(stage.count("journal_failed") == 1);
  REQUIRE(stage.control("resume").ok());
  stage.base.time.advance(2min);
  CHECK(stage.count("mission_ended") == 0);
  held = false;
  CHECK(stage.control("stop").ok());
  stage.base.time.advance(1min);
  CHECK(stage.last("mission_ended")["outcome"] == "stopped");
}

TEST_CASE("D1 the branch moves only when the journal knows of the landing") {
  MissionStage stage;
  std::vector<bool> known;
  stage.tree->on_advance = [&] {
    bool open = false;
    for (const auto& [id, intent] : stage.folded().open)
      open = open || intent.kind == IntentKind::land;
    known.push_back(open);
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(known == std::vector<bool>{true, true});
}

TEST_CASE("a wall clock that jumps does not use up the mission's time") {
  MissionStage stage;
  stage.agent = [&](const Turn& turn) { return turn.agent == "worker" ? never : by_the_team; };
  stage.started.limits.max_time_ms = 600000;
  stage.start();
  stage.base.time.advance(1min);
  stage.base.wall += 7200000;
  stage.base.time.advance(1min);
  CHECK(stage.count("mission_ended") == 0);
  stage.base.time.advance(9min);
  CHECK(stage.last("mission_ended")["exit_code"] == 4);
}

TEST_CASE("D1 what a person said is on disk before it is acknowledged") {
  MissionStage stage;
  stage.agent = [](const Turn& turn) { return turn.agent == "worker" ? never : by_the_team; };
  stage.start();
  stage.base.time.advance(1min);
  stage.base.store->hold();
  auto told = stage.begin_control("tell", {{"text", "use tabs"}});
  CHECK_FALSE(told.done());
  while (stage.base.store->release() > 0) stage.base.time.run();
  CHECK(told.ok());
  CHECK(stage.folded().guidance == std::vector<std::string>{"use tabs"});
  stage.base.store->fail("M", {ErrorCode::no_space, "disk full"});
  auto lost = stage.begin_control("tell", {{"text", "use spaces"}});
  while (stage.base.store->release() > 0) stage.base.time.run();
  CHECK(lost.get().error().code == ErrorCode::no_space);
}

}  // namespace muster
