// Who goes round in circles: seen, told, and taken up the ladder.
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
using namespace std::chrono_literals;

/// The rungs that were recorded, in order.
std::vector<std::string> rungs(const MissionStage& stage) {
  std::vector<std::string> out;
  for (const auto& notice : stage.book->notices)
    if (notice.type == "stuck_detected")
      out.push_back(json::parse(notice.json)["rung"].get<std::string>());
  return out;
}

json part(const std::string& id, const std::string& file) { return MissionStage::task(id, file); }

}  // namespace

TEST_CASE("an agent that reads the same file for ever is told, and goes on when it listens") {
  MissionStage stage;
  stage.agent = [](const Turn& turn) -> Reply {
    bool told = turn.request.last("user").find("gets nowhere") != std::string::npos;
    if (turn.agent != "worker" || turn.task != "M1.T1" || told || turn.number > 6)
      return by_the_team;
    return calls("read", {{"path", "src/a.cpp"}});
  };
  // What the team's worker does at its first turn, this one does when it was told.
  auto before = stage.agent;
  stage.agent = [before](const Turn& turn) -> Reply {
    bool told = turn.request.last("user").find("gets nowhere") != std::string::npos;
    bool wrote = turn.request.body.dump().find("\"write\"") != std::string::npos;
    if (turn.agent == "worker" && turn.task == "M1.T1" && told && !wrote)
      return calls("write", {{"path", "src/one.cpp"}, {"content", "at last"}});
    return before(turn);
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(rungs(stage) == std::vector<std::string>{"intervene"});
  CHECK(stage.folded().stuck.at("same_call") == 1);
}

TEST_CASE("one that does not listen has its task cut into parts, and those are done") {
  MissionStage stage;
  std::vector<json> parts{part("M1.T1.S1", "src/one.cpp"), part("M1.T1.S2", "src/three.cpp")};
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent == "planner" && turn.task == "M1.T1") {
      CHECK(turn.request.last("user").find("made the same call") != std::string::npos);
      stage.plan = parts;
      return calls("submit_plan", {{"summary", "in parts"}, {"tasks", parts}});
    }
    if (turn.agent == "worker" && turn.task == "M1.T1")
      return calls("read", {{"path", "src/a.cpp"}});
    return by_the_team;
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(rungs(stage) == std::vector<std::string>{"intervene", "decompose"});
  auto state = stage.folded();
  CHECK(state.task("M1.T1")->stage == Stage::dropped);
  CHECK(state.task("M1.T1.S1")->stage == Stage::done);
  CHECK(state.task("M1.T1.S2")->stage == Stage::done);
}

TEST_CASE("M6 three identical turns without a tool call end a session; its words are not tried") {
  MissionStage stage;
  int texts = 0;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent == "planner" && turn.task == "M1.T1")
      return calls("submit_plan",
                   {{"summary", "s"},
                    {"tasks", {part("M1.T1.S1", "src/one.cpp"), part("M1.T1.S2", "src/x.cpp")}}});
    if (turn.agent != "worker" || turn.task != "M1.T1") {
      if (turn.agent == "worker" && turn.task.size() > 5 && turn.number == 0)
        return calls("write", {{"path", turn.task == "M1.T1.S1" ? "src/one.cpp" : "src/x.cpp"},
                               {"content", "by " + turn.session}});
      return by_the_team;
    }
    ++texts;
    return test::says("All is done.");
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(texts == 3);
  CHECK(rungs(stage) == std::vector<std::string>{"decompose"});
}

TEST_CASE("T10 O1 a stalled stream and a stuck decoder are events, and the call is made again") {
  MissionStage stage;
  int failures = 0;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker" || failures >= 2) return by_the_team;
    auto code = ++failures == 1 ? ErrorCode::stalled : ErrorCode::degenerate;
    return std::optional<ModelOutcome>(ModelFailure{{code, "no byte, or always the same"}, 0, {}});
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(rungs(stage) == std::vector<std::string>{"retry", "retry"});
  CHECK(stage.folded().stuck.at("silent_stream") == 1);
  CHECK(stage.folded().stuck.at("stuck_decoder") == 1);
}

TEST_CASE("a session that was built anew after the word of the engine is not told it twice") {
  MissionStage stage;
  bool held = false;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker" || turn.task != "M1.T1") return by_the_team;
    bool told = turn.request.body.dump().find("gets nowhere") != std::string::npos;
    if (!told) return calls("read", {{"path", "src/a.cpp"}});
    if (!held) {
      held = true;
      return std::optional<std::optional<ModelOutcome>>(std::optional<ModelOutcome>());
    }
    auto all = turn.request.body.dump();
    CHECK(all.find("gets nowhere") == all.rfind("gets nowhere"));
    if (all.find("\"write\"") == std::string::npos)
      return calls("write", {{"path", "src/one.cpp"}, {"content", "x"}});
    return by_the_team;
  };
  stage.start();
  stage.base.time.advance(1min);
  REQUIRE(held);
  compat::kill(stage.mission);
  stage.base.time.run();
  stage.start(false);
  stage.finish();
  stage.check_sealed();
}

}  // namespace muster
