// What who leads the mission asks of it, and the task that it adds.
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "tests/actors/mission_stage.hpp"

namespace muster {
namespace {

using nlohmann::json;
using test::by_the_team;
using test::calls;
using test::MissionStage;
using test::Reply;
using test::Turn;

Reply say(ModelOutcome outcome) { return std::optional<ModelOutcome>(std::move(outcome)); }

bool at_the_end(const Turn& turn) {
  return turn.agent == "commander" &&
         turn.request.last("user").find("Call request_seal") != std::string::npos;
}

}  // namespace

TEST_CASE("what the commander adds at the end is worked on, and the mission is sealed with it") {
  MissionStage stage;
  const json more{{"title", "One more"},
                  {"description", "More."},
                  {"files", {"c.txt"}},
                  {"verification", {{{"command", "make test"}}}}};
  bool added = false;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent == "worker" && turn.task == "M1.T3" && turn.number == 0)
      return say(calls("write", {{"path", "c.txt"}, {"content", "more"}}));
    if (!at_the_end(turn) || std::exchange(added, true)) return by_the_team;
    return say(calls("add_task", more));
  };
  stage.start();
  stage.finish();
  const auto state = stage.folded();
  CHECK(state.phase == Phase::sealed);
  REQUIRE(state.task("M1.T3"));
  CHECK(state.task("M1.T3")->spec.title == "One more");
  CHECK(state.task("M1.T3")->stage == Stage::done);
}

TEST_CASE("a task that nothing verifies is refused with its reason") {
  MissionStage stage;
  std::string heard;
  bool added = false;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (!at_the_end(turn)) return by_the_team;
    if (!std::exchange(added, true))
      return say(calls("add_task", {{"title", "x"},
                                    {"description", "x"},
                                    {"files", {"c.txt"}},
                                    {"verification", json::array()}}));
    if (heard.empty()) heard = turn.request.last("tool");
    return by_the_team;
  };
  stage.start();
  stage.finish();
  CHECK(heard.find("error (invalid_argument)") != std::string::npos);
  CHECK(stage.folded().tasks.size() == 2);
}

TEST_CASE("who leads may cancel a task that is not done, and the reason is on record") {
  MissionStage stage;
  const json more{{"title", "One more"},
                  {"description", "more"},
                  {"files", {"c.txt"}},
                  {"verification", {{{"command", "make test"}}}}};
  std::vector<std::string> heard;
  int asked = 0;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent == "worker" && turn.task == "M1.T3")
      return say(calls("shell", {{"command", "sleep"}}));
    if (!at_the_end(turn)) return by_the_team;
    if (asked > 0 && heard.size() < 5) heard.push_back(turn.request.last("tool"));
    switch (asked++) {
      case 0:
        return say(calls("add_task", more));
      case 1:
        return say(calls("cancel", {{"task", "M1.T1"}, {"reason", "no"}}));
      case 2:
        return say(calls("cancel", {{"task", "M9"}, {"reason", "no"}}));
      case 3:
        return say(calls("cancel", {{"task", nullptr}, {"reason", nullptr}}));
      case 4:
        return say(calls("cancel", {{"task", "M1.T3"}, {"reason", "not needed after all"}}));
      default:
        return by_the_team;
    }
  };
  stage.start();
  stage.finish();
  REQUIRE(heard.size() == 5);
  CHECK(heard[1].find("M1.T1 is done") != std::string::npos);
  CHECK(heard[2].find("no task 'M9'") != std::string::npos);
  CHECK(heard[3].find("'task' is missing") != std::string::npos);
  CHECK(heard[4] == "M1.T3 is cancelled");
  const auto state = stage.folded();
  CHECK(state.phase == Phase::sealed);
  REQUIRE(state.task("M1.T3"));
  CHECK(state.task("M1.T3")->stage == Stage::dropped);
  CHECK(state.task("M1.T3")->reason == "dropped by the commander: not needed after all");
}

TEST_CASE("who leads may end the mission") {
  MissionStage stage;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (!at_the_end(turn)) return by_the_team;
    return say(calls("cancel", {{"task", "mission"}, {"reason", "it cannot be done"}}));
  };
  stage.start();
  stage.finish();
  const auto state = stage.folded();
  CHECK(state.phase == Phase::stopped);
  CHECK(state.outcome_reason.find("stopped by the commander: it cannot be done") !=
        std::string::npos);
}

TEST_CASE("tasks, result and metrics say how it stands") {
  MissionStage stage;
  std::vector<std::string> heard;
  int asked = 0;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (!at_the_end(turn)) return by_the_team;
    if (asked > 0 && heard.size() < 3) heard.push_back(turn.request.last("tool"));
    switch (asked++) {
      case 0:
        return say(calls("tasks"));
      case 1:
        return say(calls("result", {{"task", "M1.T1"}}));
      case 2:
        return say(calls("metrics"));
      default:
        return by_the_team;
    }
  };
  stage.start();
  stage.finish();
  REQUIRE(heard.size() == 3);
  CHECK(json::parse(heard[0])[0]["stage"] == "done");
  const auto result = json::parse(heard[1]);
  CHECK(result["checks"][0]["exit_code"] == 0);
  CHECK_FALSE(result["commit"].get<std::string>().empty());
  CHECK(json::parse(heard[2])["tasks"]["done"] == 2);
}

}  // namespace muster
