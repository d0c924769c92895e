// D6: 60 minutes idle give a mission's memory back; the next message brings it back whole.
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "tests/actors/mission_stage.hpp"

namespace muster {
namespace {

using nlohmann::json;
using test::by_the_team;
using test::calls;
using test::MissionStage;
using test::never;
using test::Reply;
using test::Turn;
using namespace std::chrono_literals;

void wait(MissionStage& stage, std::chrono::minutes time) {
  for (; time.count() > 0; time -= 1min) stage.base.time.advance(1min);
}

}  // namespace

TEST_CASE("D6 a paused mission is passivated after an hour, answers, and goes on to its seal") {
  MissionStage stage;
  bool held = true;
  stage.agent = [&held](const Turn& turn) {
    return held && turn.agent == "worker" ? never : by_the_team;
  };
  stage.start();
  stage.base.time.advance(1min);
  REQUIRE(stage.control("pause").ok());
  wait(stage, 59min);
  CHECK(stage.count("mission_passivated") == 0);
  wait(stage, 3min);
  CHECK(stage.count("mission_passivated") == 1);
  auto ticks = stage.count("tick");
  wait(stage, 10min);
  CHECK(stage.count("tick") == ticks);  // nothing of it runs
  auto status = stage.status();
  CHECK(status["phase"] == "paused");
  CHECK(status["tasks"].size() == 2);
  wait(stage, 62min);
  CHECK(stage.count("mission_passivated") == 2);
  held = false;
  REQUIRE(stage.control("resume").ok());
  stage.finish();
  stage.check_sealed();
}

TEST_CASE("D6 a mission that runs or waits for a human is never passivated") {
  MissionStage stage;
  bool asked = false;
  SECTION("its model takes hours") {
    stage.agent = [](const Turn& turn) { return turn.agent == "worker" ? never : by_the_team; };
    stage.base.limits.model_total = 10h;
  }
  SECTION("an agent asks") {
    stage.agent = [&asked](const Turn& turn) -> Reply {
      if (turn.agent != "worker" || turn.task != "M1.T1" || turn.number > 0) return by_the_team;
      asked = true;
      return calls("ask_user", {{"question", "which?"}});
    };
  }
  stage.start();
  wait(stage, 180min);
  CHECK(stage.count("mission_passivated") == 0);
  if (!asked) return;
  auto question = stage.status()["questions"][0]["id"];
  REQUIRE(stage.control("answer", {{"id", question}, {"text", "the first"}}).ok());
  stage.finish();
}

TEST_CASE("D6 one that has ended is passivated, and still tells how it ended") {
  MissionStage stage;
  stage.start();
  stage.finish();
  stage.check_sealed();
  wait(stage, 62min);
  CHECK(stage.count("mission_passivated") == 1);
  CHECK(stage.status()["phase"] == "sealed");
  CHECK(stage.status()["todo"]["done"] == 2);
  CHECK(stage.control("tell", {{"text", "too late"}}).error().code == ErrorCode::conflict);
  CHECK(stage.count("mission_ended") == 1);
}

}  // namespace muster
