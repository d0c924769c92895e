// Whole missions under virtual time: to the seal, stopped, paused, restarted, and with things that
// break.
#include "actors/mission.hpp"

#include <catch2/generators/catch_generators.hpp>

#include "runtime/core/fault_points.hpp"
#include "tests/actors/mission_stage.hpp"

namespace muster {
namespace {

using namespace test;

std::string big(std::size_t bytes) { return std::string(bytes, 'x'); }

}  // namespace

TEST_CASE("T7 a mission goes from its objective to the seal, and its end is told exactly once") {
  MissionStage stage;
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(stage.tree->all_released == 1);
  CHECK(stage.tree->at_tip().contains("src/one.cpp"));
  CHECK(stage.tree->at_tip().contains("src/two.cpp"));
  std::vector<std::string> phases;
  for (const auto& notice : stage.book->notices)
    if (notice.type == "phase") phases.push_back(json::parse(notice.json)["to"]);
  CHECK(phases == std::vector<std::string>{"planning", "executing", "barrier", "master_review",
                                           "sealing", "sealed"});
  auto end = stage.last("mission_ended");
  CHECK((end["todo"]["done"] == 2 && end["todo"]["total"] == 2 && end["applied"] == true));
  CHECK(end["summary"] == "two files");
  CHECK(end["input_tokens"] == 10 * stage.base.model.requests.size());
  CHECK(stage.workspace["todo.md"].find("- [x] M1.T2") != std::string::npos);
  auto requests = stage.base.model.requests.size();
  stage.base.time.advance(1h);
  CHECK(stage.count("mission_ended") == 1);
  CHECK(stage.base.model.requests.size() == requests);
  CHECK(stage.status()["phase"] == "sealed");
  CHECK(stage.control("pause").error().code == ErrorCode::conflict);
}

TEST_CASE("the planner starts from a map of the code, and nobody else is sent one") {
  MissionStage stage;
  std::map<std::string, bool> mapped;
  stage.agent = [&](const Turn& turn) -> Reply {
    const auto map = "## Map of the code, what matters to the objective first\nmap of 2000 about " +
                     stage.started.objective;
    for (const auto& message : turn.request.messages())
      if (message["role"] == "user" &&
          message["content"].get<std::string>().find(map) != std::string::npos)
        mapped[turn.agent] = true;
    return by_the_team;
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(mapped == std::map<std::string, bool>{{"planner", true}});
}

TEST_CASE("status names slots, lanes with what holds them up, and the jobs that run") {
  MissionStage stage;
  stage.base.processes->on_start = [&stage](const std::string& name) {
    if (name != "make watch") stage.base.processes->inner.exit(name, 0);
  };
  bool limited = false;
  stage.agent = [&limited](const Turn& turn) -> Reply {
    if (turn.agent != "worker") return by_the_team;
    if (turn.number == 0 && turn.task == "M1.T1")
      return calls("run_background", command("make watch"));
    if (turn.number == 0) return by_the_team;
    if (std::exchange(limited, true)) return never;
    return fails(ErrorCode::rate_limited, 60s);
  };
  stage.start();
  stage.base.time.advance(1s);
  auto status = stage.status();
  CHECK(status["slots"] == json{{"in_use", 2}, {"limit", 50}, {"waiting", 0}});
  REQUIRE(status["lanes"].size() == 1);
  const auto& lane = status["lanes"][0];
  CHECK((lane["name"] == "p/m" && lane["in_use"] == 2 && lane["breaker"] == "closed"));
  CHECK(lane["held_back"] == 2);
  auto left = lane["paused_until_ms"].get<std::int64_t>() - stage.base.wall;
  CHECK((left > 50000 && left <= 60000));
  REQUIRE(status["jobs"].size() == 1);
  const auto& job = status["jobs"][0];
  CHECK((job["command"] == "make watch" && job["kind"] == "background"));
  CHECK((job["task"] == "M1.T1" && job["state"] == "running"));

  compat::kill(stage.base.scheduler);  // whose part is then left out
  stage.base.time.run();
  auto partly = stage.status();
  CHECK(partly["lanes"].empty());
  CHECK(partly["tasks"].size() == 2);
}

TEST_CASE("F1 a refused command is an event: one line, bounded, journalled, told") {
  MissionStage stage;
  stage.agent = [](const Turn& turn) -> Reply {
    if (turn.agent != "worker" || turn.task != "M1.T1" || turn.number > 0) return by_the_team;
    return calls(
        std::vector{tool_call("shell", command("rm -rf /\n\x1b[31m" + big(5000))),
                    tool_call("write", {{"path", "src/one.cpp"}, {"content", "by the worker"}})});
  };
  stage.plan.resize(1);
  stage.start();
  stage.finish();
  CHECK(stage.count("command_refused") == 1);
  auto told = stage.last("command_refused");
  CHECK((told["role"] == "worker" && told["task"] == "M1.T1"));
  CHECK(told["reason"] == "refused (delete): no");
  auto shown = told["command"].get<std::string>();
  CHECK(shown.starts_with("rm -rf / xxx"));
  CHECK(shown.size() <= 300);
  int journalled = 0;
  for (const auto& record : stage.base.records("event"))
    journalled += json::parse(record.row)["type"] == "command_refused" ? 1 : 0;
  CHECK(journalled == 1);
  CHECK(stage.folded().phase == Phase::sealed);
}

TEST_CASE("the end is told only when it is on disk") {
  MissionStage stage;
  stage.base.store->hold();
  stage.start();
  for (int i = 0; i < 200 && stage.tree->applied == 0; ++i) {
    stage.base.store->release();
    stage.base.time.advance(1s);
  }
  REQUIRE(stage.tree->applied == 1);
  stage.base.time.advance(10s);
  CHECK(stage.count("sealed") == 1);
  CHECK(stage.count("mission_ended") == 0);
  stage.base.store->release();
  stage.base.time.run();
  stage.check_sealed();
}

TEST_CASE("M12 40 decisions at once all land, an unknown id is an error, and M1.T1 is not M1.T10") {
  MissionStage stage;
  stage.plan.clear();
  for (int i = 1; i <= 41; ++i)
    stage.plan.push_back(MissionStage::task("M1.T" + std::to_string(i), "f" + std::to_string(i)));
  bool held = true;
  stage.agent = [&](const Turn& turn) {
    return held && turn.agent == "worker" ? never : by_the_team;
  };
  stage.start();
  REQUIRE(stage.status()["todo"]["total"] == 41);
  std::vector<Pending<std::string>> answers;
  auto client = stage.base.time.client();
  for (int i = 2; i <= 41; ++i)
    answers.push_back(stage.base.time.begin_as<std::string>(
        client, stage.mission, control_atom_v,
        ControlRequest{"todo",
                       json{{"id", "M1.T" + std::to_string(i)}, {"action", "accept"}}.dump()}));
  stage.base.time.run();
  for (const auto& answer : answers) CHECK(answer.ok());
  auto status = stage.status();
  CHECK(status["todo"]["done"] == 40);
  CHECK(status["tasks"][0]["stage"] == "working");
  CHECK(stage.control("todo", {{"id", "M1.T99"}, {"action", "accept"}}).error().code ==
        ErrorCode::not_found);
  CHECK(stage.control("todo", {{"id", "M1.T1"}, {"action", "finish"}}).error().code ==
        ErrorCode::invalid_argument);
  CHECK(stage.control("todo", {{"id", 7}}).error().code == ErrorCode::invalid_argument);
  CHECK(stage.control("nonsense").error().code == ErrorCode::not_found);
  CHECK(stage.folded().tasks[5].stage == Stage::done);
  CHECK(stage.base.model.in_flight == 1);  // sessions of what is done are stopped
  held = false;
  CHECK(stage.control("todo", {{"id", "M1.T1"}, {"action", "drop"}}).ok());
  stage.finish();
  stage.check_sealed();
}

TEST_CASE(
    "pause cancels what runs, says so when it is on disk, and resume goes on without charging "
    "anybody") {
  MissionStage stage;
  bool held = true;
  stage.agent = [&](const Turn& turn) {
    return held && turn.agent == "worker" ? never : by_the_team;
  };
  stage.start();
  REQUIRE(stage.base.model.in_flight == 2);
  stage.base.store->hold();
  auto paused = stage.begin_control("pause");
  CHECK(stage.base.model.in_flight == 0);
  CHECK(stage.base.slots().in_use == 0);
  CHECK(stage.count("mission_paused") == 0);
  CHECK_FALSE(paused.done());
  while (stage.base.store->release() > 0) stage.base.time.run();
  CHECK(paused.ok());
  CHECK(stage.count("mission_paused") == 1);
  CHECK(stage.status()["phase"] == "paused");
  auto requests = stage.base.model.requests.size();
  stage.base.time.advance(24h);
  CHECK(stage.base.model.requests.size() == requests);
  CHECK(stage.count("needs_user") == 0);
  for (const auto& task : stage.folded().tasks) CHECK(task.attempt == 0);
  held = false;
  auto resumed = stage.begin_control("resume");
  while (stage.base.store->release() > 0) stage.base.time.run();
  CHECK(resumed.ok());
  for (int i = 0; i < 200 && stage.count("mission_ended") == 0; ++i) {
    stage.base.time.advance(1s);
    stage.base.store->release();
  }
  stage.check_sealed();
  CHECK(stage.count("mission_paused") == 1);
  for (const auto& task : stage.folded().tasks) CHECK(task.attempt == 1);
}

TEST_CASE("T9 what is about to start when the mission pauses or is cancelled does not start") {
  MissionStage stage;
  std::size_t worked = 0;
  stage.agent = [&](const Turn& turn) {
    worked += turn.agent == "worker" ? 1 : 0;
    if (turn.agent == "planner") stage.base.pool.held = true;
    return by_the_team;
  };
  stage.start();
  // Step by step on the pool until the sessions of the workers are being prepared.
  auto in_stage = [&](const char* stage_name) {
    auto status = stage.status();
    return status["tasks"].size() == 2 && status["tasks"][0]["stage"] == stage_name;
  };
  for (int i = 0; i < 50 && !in_stage("working"); ++i) {
    REQUIRE_FALSE(stage.base.pool.works.empty());
    stage.base.pool.run_one(0);
    stage.base.time.run();
  }
  REQUIRE(worked == 0);
  auto work_on = [&] {
    stage.base.pool.held = false;
    while (!stage.base.pool.works.empty()) stage.base.pool.run_one(0);
    stage.base.time.advance(1min);
  };
  SECTION("paused") {
    REQUIRE(stage.control("pause").ok());
    work_on();
    CHECK(worked == 0);
    CHECK(stage.count("mission_paused") == 1);
    REQUIRE(stage.control("resume").ok());
    stage.finish();
    stage.check_sealed();
  }
  SECTION("cancelled") {
    REQUIRE(stage.control("stop").ok());
    work_on();
    CHECK(worked == 0);
    CHECK(stage.count("mission_ended") == 1);
    CHECK(stage.last("mission_ended")["exit_code"] == 130);
  }
  SECTION("its task dropped") {
    REQUIRE(stage.control("todo", {{"id", "M1.T1"}, {"action", "drop"}}).ok());
    work_on();
    stage.finish();
    for (const auto& request : stage.base.model.requests)
      CHECK(request.header().find("worker task=M1.T1") == std::string::npos);
    stage.check_sealed();
  }
}

TEST_CASE(
    "M1 T9 a cancelled mission ends once, when nothing of it runs any more, and later words change "
    "nothing") {
  MissionStage stage;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker") return by_the_team;
    if (turn.task == "M1.T1") return never;
    return std::optional<ModelOutcome>(calls("shell", command("long")));
  };
  stage.base.processes->inner.obedient = false;
  stage.base.processes->on_start = [&](const std::string& name) {
    if (name != "long") stage.base.processes->inner.exit(name);
  };
  stage.start();
  REQUIRE(stage.base.model.in_flight == 1);
  REQUIRE(stage.control("stop").ok());
  CHECK(stage.count("mission_ended") == 0);  // a command is still dying
  CHECK(stage.base.model.in_flight == 0);
  stage.base.processes->inner.at("long").finish_killed();
  stage.base.time.run();
  CHECK(stage.count("mission_ended") == 1);
  CHECK(stage.last("mission_ended")["outcome"] == "stopped");
  CHECK(stage.folded().phase == Phase::stopped);
  CHECK(stage.folded().open.empty());
  auto requests = stage.base.model.requests.size();
  auto late = std::make_shared<SessionResult>();
  late->session = "S5";
  late->intent = 5;
  late->final_tool = "submit_result";
  late->arguments = "{}";
  compat::post(stage.mission, session_done_atom_v, SessionResultPtr(late));
  compat::post(stage.mission, verified_atom_v, VerifyResultPtr(std::make_shared<VerifyResult>()));
  SessionView view;
  view.session = "S5";
  compat::post(stage.mission, session_view_atom_v, view);
  auto told = stage.base.time.ask<std::string>(
      stage.mission, mission_tool_atom_v, MissionToolCall{"S5", "worker", "M1.T1", "lease", "{}"});
  CHECK_FALSE(told.ok());
  stage.base.time.advance(1h);
  CHECK(stage.count("mission_ended") == 1);
  CHECK(stage.base.model.requests.size() == requests);
  CHECK(stage.status()["phase"] == "stopped");
}

TEST_CASE(
    "D2 when the journal fails the mission holds still and says so; after it is mended it goes on "
    "from what is on disk") {
  MissionStage stage;
  bool held = true;
  stage.agent = [&](const Turn& turn) {
    return held && turn.agent == "worker" ? never : by_the_team;
  };
  stage.start();
  auto before = stage.base.records("event").size();
  stage.base.store->fail("M", {ErrorCode::no_space, "disk full"});
  auto lost = stage.control("tell", {{"text", "use tabs"}});
  CHECK(lost.error().code == ErrorCode::no_space);
  CHECK(stage.count("journal_failed") == 1);
  CHECK(stage.last("journal_failed")["error"].get<std::string>().find("disk full") !=
        std::string::npos);
  CHECK(stage.base.model.in_flight == 0);
  CHECK(stage.count("mission_paused") == 1);
  CHECK(stage.base.records("event").size() == before);
  auto refused = stage.control("todo", {{"id", "M1.T1"}, {"action", "accept"}});
  CHECK(refused.error().code == ErrorCode::unavailable);
  stage.base.store->refuse_reopen = Error{ErrorCode::no_space, "still full"};
  CHECK(stage.control("resume").error().message == "still full");
  stage.base.store->refuse_reopen.reset();
  held = false;
  REQUIRE(stage.control("resume").ok());
  stage.finish();
  stage.check_sealed();
  CHECK(stage.folded().guidance.empty());
  for (const auto& task : stage.folded().tasks) CHECK(task.attempt == 1);
}

TEST_CASE(
    "D1 a new incarnation goes on from the journal: open steps are asked for again, attempts not "
    "charged") {
  MissionStage stage;
  bool held = true;
  std::string asked;
  const char* agent = GENERATE("commander", "planner", "worker", "reviewer", "master_reviewer");
  CAPTURE(agent);
  stage.agent = [&](const Turn& turn) { return held && turn.agent == agent ? never : by_the_team; };
  stage.start();
  stage.finish(2min);
  auto in_flight = stage.base.model.in_flight;
  REQUIRE(in_flight > 0);
  auto old = stage.mission;
  compat::kill(old);
  stage.base.time.run();
  CHECK(stage.base.model.in_flight == 0);  // sessions do not outlive their mission
  CHECK(stage.base.slots().in_use == 0);
  held = false;
  bool fresh = GENERATE(true, false);  // a supervisor starts it with the same spec
  stage.start(fresh);
  stage.finish();
  stage.check_sealed();
  for (const auto& task : stage.folded().tasks) CHECK(task.attempt == 1);
  CHECK(stage.folded().iteration == 1);
}

TEST_CASE(
    "a rebuilt mission reads what its predecessor had handed to the journal but was not on disk "
    "yet") {
  MissionStage stage;
  bool held = true;
  stage.agent = [&](const Turn& turn) {
    return held && turn.agent == "planner" ? never : by_the_team;
  };
  stage.start();
  stage.base.store->hold();
  (void)stage.begin_control("tell", {{"text", "use tabs"}});
  compat::kill(stage.mission);
  stage.base.time.run();
  held = false;
  stage.start();
  for (int i = 0; i < 200 && stage.count("mission_ended") == 0; ++i) {
    stage.base.store->release();
    stage.base.time.advance(1s);
  }
  stage.check_sealed();
  auto told = stage.folded().guidance;
  CHECK(told == std::vector<std::string>{"use tabs"});
}

TEST_CASE(
    "ask_user: only its task waits, the user is told once when nothing else goes on, and the "
    "answer reaches the session") {
  MissionStage stage;
  bool slow = true;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker") return by_the_team;
    if (turn.task == "M1.T2") return slow ? never : by_the_team;
    if (turn.number == 0)
      return std::optional<ModelOutcome>(
          calls("ask_user", {{"question", "Tabs?"}, {"options", {"yes", "no"}}}));
    if (turn.number == 1) {
      CHECK(turn.request.last("tool") == "The user answers: yes");
      return std::optional<ModelOutcome>(
          calls("write", {{"path", "src/one.cpp"}, {"content", "tabs"}}));
    }
    return by_the_team;
  };
  stage.start();
  CHECK(stage.count("question_asked") == 1);
  CHECK(stage.count("needs_user") == 0);  // the other task is at work
  slow = false;
  stage.base.model.answer(calls("write", {{"path", "src/two.cpp"}, {"content", "2"}}));
  stage.base.time.advance(10min);
  CHECK(stage.count("needs_user") == 1);
  auto questions = stage.last("needs_user")["questions"];
  REQUIRE(questions.size() == 1);
  CHECK((questions[0]["id"] == "Q1" && questions[0]["text"] == "Tabs?\n- yes\n- no"));
  CHECK(stage.control("answer", {{"id", "Q7"}, {"text", "yes"}}).error().code ==
        ErrorCode::not_found);
  CHECK(stage.control("answer", {{"id", "Q1"}}).error().code == ErrorCode::invalid_argument);
  REQUIRE(stage.control("answer", {{"id", "Q1"}, {"text", "yes"}}).ok());
  stage.finish();
  stage.check_sealed();
  CHECK(stage.count("needs_user") == 1);
  CHECK(stage.control("answer", {{"id", "Q1"}, {"text", "yes"}}).error().code ==
        ErrorCode::conflict);
}

TEST_CASE(
    "D3 a question survives a restart: it is one question, and a session that died with it does "
    "not count as waiting") {
  MissionStage stage;
  stage.plan.pop_back();
  bool asks = true;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker") return by_the_team;
    if (turn.number == 0 && asks)
      return std::optional<ModelOutcome>(calls("ask_user", {{"question", "Tabs?"}}));
    if (turn.request.last("tool").starts_with("The user"))
      return std::optional<ModelOutcome>(
          calls("write", {{"path", "src/one.cpp"}, {"content", "tabs"}}));
    return by_the_team;
  };
  stage.start();
  CHECK(stage.count("needs_user") == 1);
  SECTION("a restart: asked again, it is the same question") {
    compat::kill(stage.mission);
    stage.start(false);
    CHECK(stage.folded().questions.size() == 1);
    CHECK(stage.count("needs_user") == 2);  // told anew by the new incarnation
    REQUIRE(stage.control("answer", {{"id", "Q1"}, {"text", "yes"}}).ok());
    stage.finish();
    stage.check_sealed();
  }
  SECTION("a pause: its successor does not ask, and the user is not called for") {
    asks = false;
    REQUIRE(stage.control("pause").ok());
    stage.agent = [&](const Turn& turn) { return turn.agent == "worker" ? never : by_the_team; };
    REQUIRE(stage.control("resume").ok());
    CHECK(stage.base.model.in_flight == 1);
    CHECK(stage.count("needs_user") == 1);
  }
}

TEST_CASE("a crashed session is built anew from the journal and goes on where it was") {
  MissionStage stage;
  stage.plan.pop_back();
  bool crashed = false;
  std::vector<std::string> seen;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker") return by_the_team;
    if (turn.request.messages().size() == 2)
      return calls("write", {{"path", "src/one.cpp"}, {"content", "int one;"}});
    seen.push_back(turn.session + turn.request.body["messages"].dump());
    if (!std::exchange(crashed, true)) throw std::runtime_error("a bug");
    return by_the_team;
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(stage.base.time.crashes.size() == 1);
  CHECK(stage.folded().tasks[0].attempt == 1);
  CHECK(stage.count("session_crashed") == 1);
  CHECK(stage.count("step_failed") == 0);
  REQUIRE(seen.size() >= 2);
  CHECK(seen[1] == seen[0]);  // the same session with the same words
}

TEST_CASE(
    "a session that crashes time and again fails its task with the reason, and others go on") {
  MissionStage stage;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent == "worker" && turn.task == "M1.T1") throw std::runtime_error("a bug");
    return by_the_team;
  };
  stage.start();
  stage.base.time.advance(1min);
  auto state = stage.folded();
  CHECK(stage.count("session_crashed") == session_rebuilds + 1);
  CHECK(state.task("M1.T1")->reason.find("a bug") != std::string::npos);
  CHECK(state.task("M1.T1")->reason.find("4 times") != std::string::npos);
  CHECK(state.task("M1.T2")->stage == Stage::done);
  CHECK(state.crashes.empty());
}

#ifndef MUSTER_NO_FAULTS
TEST_CASE("D1 a command whose session crashed is not run again; its model is told") {
  MissionStage stage;
  stage.plan.pop_back();
  std::string told;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker") return by_the_team;
    if (turn.number == 0) return calls("shell", {{"command", "deploy"}});
    if (turn.number > 1) return by_the_team;
    told = turn.request.last("tool");
    return calls("write", {{"path", "src/one.cpp"}, {"content", "deployed"}});
  };
  int deployed = 0;
  auto usual = stage.base.processes->on_start;
  stage.base.processes->on_start = [&](const std::string& name) {
    if (name != "deploy") return usual(name);
    ++deployed;
  };
  stage.start();
  REQUIRE(deployed == 1);
  faults::arm("session.prompt", 1, faults::Action::raise);
  REQUIRE(stage.control("tell", {{"text", "hurry"}}).ok());
  REQUIRE(stage.count("session_crashed") == 1);
  stage.finish();
  stage.check_sealed();
  CHECK(deployed == 1);
  CHECK(told.find("unknown") != std::string::npos);
}
#endif

TEST_CASE("D1 after a restart sessions go on with their transcripts; what they were told, once") {
  MissionStage stage;
  stage.plan.pop_back();
  bool held = true;
  std::vector<json> requests;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "worker") return by_the_team;
    if (turn.request.messages().size() == 2)
      return calls("write", {{"path", "src/one.cpp"}, {"content", "int one;"}});
    requests.push_back(turn.request.messages());
    return held ? never : by_the_team;
  };
  stage.start();
  REQUIRE(requests.size() == 1);
  REQUIRE(stage.control("tell", {{"task", "M1.T1"}, {"text", "use tabs"}}).ok());
  compat::kill(stage.mission);
  stage.base.time.run();
  held = false;
  stage.start(false);
  stage.finish();
  stage.check_sealed();
  REQUIRE(requests.size() >= 2);
  for (std::size_t i = 0; i < requests[0].size(); ++i) CHECK(requests[1][i] == requests[0][i]);
  CHECK(requests[1].back()["content"] == "use tabs");
  CHECK(stage.folded().tasks[0].attempt == 1);
}

TEST_CASE("a check that is killed from outside runs again, and nobody is charged") {
  MissionStage stage;
  stage.plan.pop_back();
  int runs = 0;
  stage.base.processes->on_start = [&](const std::string& name) {
    if (++runs != 2) stage.base.processes->inner.exit(name);  // the second is the task's own
  };
  stage.start();
  REQUIRE(stage.base.processes->inner.running == 1);
  stage.base.processes->inner.at("make test").finish_killed();
  stage.base.time.run();
  stage.finish();
  stage.check_sealed();
  CHECK(stage.folded().tasks[0].attempt == 1);
}

TEST_CASE("D4 a corrupt journal is named, told once, and not started again and again") {
  MissionStage stage;
  SECTION("an event that is none") {
    stage.base.store->append("M", {{"event", {}, R"({"type":"nonsense"})", {}}},
                             [](Result<std::uint64_t>) {});
  }
  SECTION("no JSON") {
    stage.base.store->append("M", {{"event", {}, "{", {}}}, [](Result<std::uint64_t>) {});
  }
  auto mission = stage.start(false);
  CHECK(stage.base.time.dead(mission));
  CHECK(stage.base.time.crashes.empty());
  CHECK(stage.count("mission_ended") == 1);
  auto end = stage.last("mission_ended");
  CHECK(end["outcome"] == "failed");
  CHECK(end["reason"].get<std::string>().find("M record 1") != std::string::npos);
  CHECK(stage.base.records("event").size() == 1);
}

TEST_CASE(
    "a mission that is not there, and a tree that cannot be opened, are said, and nothing is "
    "recorded") {
  MissionStage stage;
  SECTION("no mission") {
    stage.start(false);
    CHECK(stage.last("mission_ended")["reason"].get<std::string>().find("M") != std::string::npos);
  }
  SECTION("no tree at a restart: a later start may find it") {
    bool held = true;
    stage.agent = [&](const Turn& turn) {
      return held && turn.agent == "worker" ? never : by_the_team;
    };
    stage.start();
    compat::kill(stage.mission);
    stage.base.time.run();
    auto records = stage.base.records("event").size();
    stage.tree->open_error = Error{ErrorCode::no_space, "disk full"};
    stage.start(false);
    CHECK(stage.last("mission_ended")["reason"] == "disk full");
    CHECK(stage.base.records("event").size() == records);
    stage.tree->open_error.reset();
    stage.book->notices.clear();
    held = false;
    stage.start(false);
    stage.finish();
    stage.check_sealed();
  }
}

TEST_CASE(
    "what changed after its verification is not landed; what a reviewer's check left behind is "
    "not, either") {
  MissionStage stage;
  stage.plan.pop_back();
  bool changes = GENERATE(true, false);
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent != "reviewer") return by_the_team;
    if (changes) stage.tree->files("M1.T1")["src/one.cpp"] = "sneaked in";
    stage.tree->files("M1.T1")["coverage.out"] = "left behind";
    return by_the_team;
  };
  stage.start();
  stage.finish(5min);
  if (changes) {
    CHECK(stage.count("mission_ended") == 0);
    CHECK_FALSE(stage.tree->at_tip().contains("src/one.cpp"));
    CHECK(stage.last("needs_user")["questions"][0]["text"].get<std::string>().find(
              "changed after its verification") != std::string::npos);
  } else {
    stage.check_sealed();
    CHECK_FALSE(stage.tree->at_tip().contains("coverage.out"));
  }
}

TEST_CASE(
    "words that are no UTF-8 and long words of other alphabets do not bring the mission down") {
  MissionStage stage;
  stage.tree->dirty = {"caf\xe9.txt"};
  std::string russian(1, 'e');
  for (int i = 0; i < 200; ++i) russian += "\xd1\x8f";
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.agent == "worker" && turn.number == 0) {
      return std::optional<ModelOutcome>(
          calls({tool_call("shell", command(russian)),
                 tool_call("write", {{"path", stage.plan[turn.task == "M1.T1" ? 0 : 1]["files"][0]},
                                     {"content", "x"}})}));
    }
    return by_the_team;
  };
  stage.start();
  stage.finish();
  CHECK(stage.base.time.crashes.empty());
  stage.check_sealed();
}

TEST_CASE(
    "a person's edit of todo.md is a proposal: an added line becomes a task, a ticked box finishes "
    "nothing") {
  MissionStage stage;
  bool held = true;
  stage.agent = [&](const Turn& turn) {
    return held && turn.agent == "worker" && turn.task != "M1.T3" ? never : by_the_team;
  };
  stage.start();
  stage.base.time.advance(5s);
  auto text = stage.workspace["todo.md"];
  REQUIRE(text.find("M1.T1") != std::string::npos);
  text[text.find("] M1.T1") - 1] = 'x';
  stage.workspace["todo.md"] = text + "- [ ] Also write a README\n";
  stage.base.time.advance(5s);
  auto status = stage.status();
  CHECK(status["todo"]["total"] == 3);
  CHECK(status["todo"]["done"] == 0);
  CHECK(status["tasks"][2]["title"] == "Also write a README");
  CHECK(stage.count("todo_refused") == 1);
  CHECK(stage.workspace["todo.md"].find("M1.T3") != std::string::npos);
}

TEST_CASE("a worker that edits a test to fit is sent back, and the test lands as it was") {
  const std::string test = "test('f', () => {\n  expect(f()).toBe(3);\n});\n";
  const std::string fitted = "test('f', () => {\n  expect(f()).toBe(4);\n});\n";
  MissionStage stage;
  stage.tree = std::make_shared<FakeTree>(FileMap{{"test/a.test.js", test}});
  stage.plan = {MissionStage::task("M1.T1", "src/one.cpp")};
  bool about_the_test = GENERATE(false, true);
  if (about_the_test) stage.plan[0]["files"].push_back("test/a.test.js");
  std::string held_against;
  stage.agent = [&](const Turn& turn) -> Reply {
    if (turn.number > 0) return by_the_team;
    if (turn.agent == "worker") stage.tree->files("M1.T1")["test/a.test.js"] = fitted;
    if (turn.agent == "fixer") {
      held_against = turn.request.last("user");
      stage.tree->files("M1.T1")["test/a.test.js"] = test;
    }
    return by_the_team;
  };
  stage.start();
  stage.finish();
  stage.check_sealed();
  CHECK(stage.tree->at_tip().at("test/a.test.js") == (about_the_test ? fitted : test));
  CHECK(held_against.empty() == about_the_test);
  if (about_the_test) return;
  CHECK(held_against.find("test/a.test.js:2") != std::string::npos);
  CHECK(held_against.find("test tampering, expectation-edited") != std::string::npos);
}

}  // namespace muster
