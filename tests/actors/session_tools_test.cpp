// What a session makes of the tool calls of its model: rights, order, results, and what goes wrong.
#include <algorithm>
#include <catch2/generators/catch_generators.hpp>

#include "tests/actors/session_stage.hpp"

namespace muster {
namespace {

using namespace test;

json write_args(const std::string& path, const std::string& text) {
  return {{"path", path}, {"content", text}};
}

std::size_t tool_messages(const SeenRequest& request) {
  std::size_t count = 0;
  for (const auto& message : request.messages()) count += message.at("role") == "tool" ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE(
    "reads run side by side, writes in order, and the results stand in the order of the calls") {
  SessionStage stage;
  stage.pool.held = true;
  stage.leases = {"a.txt", "c.txt"};
  stage.script({calls({tool_call("read", {{"path", "a.txt"}}, "r1"),
                       tool_call("read", {{"path", "b.txt"}}, "r2"),
                       tool_call("write", write_args("c.txt", "1"), "w1"),
                       tool_call("write", write_args("c.txt", "2"), "w2"),
                       tool_call("read", {{"path", "c.txt"}}, "r3")}),
                submits()});
  auto session = stage.start();
  REQUIRE(stage.pool.works.size() == 2);  // both reads, and no write yet
  stage.pool.run_one(1);
  stage.time.run();
  REQUIRE(stage.pool.works.size() == 1);
  stage.pool.run_one(0);
  stage.time.run();
  REQUIRE(stage.pool.works.size() == 1);  // the first write alone
  stage.pool.run_one(0);
  stage.time.run();
  CHECK(stage.files->at("c.txt") == "1");
  REQUIRE(stage.pool.works.size() == 1);
  stage.pool.run_one(0);
  stage.time.run();
  CHECK(stage.model.requests.size() == 1);  // nothing is asked before all are answered
  stage.pool.run_one(0);
  stage.time.run();
  REQUIRE(stage.model.requests.size() == 2);
  CHECK(stage.answer() == "1\t2");
  CHECK(tool_messages(stage.model.requests[1]) == 5);
  CHECK(stage.result().tool_calls == 5);
  stage.check_ended(session);
}

TEST_CASE("T9 when its epoch is over a session begins nothing, before it hears of it") {
  SessionStage stage;
  stage.pool.held = true;
  session_actor session;
  SECTION("no write that is on its way to the pool") {
    stage.script({calls("write", write_args("a.txt", "new"))});
    session = stage.start();
    stage.epoch.advance();
    stage.pool.run_one(0);
    stage.time.run();
    CHECK(stage.files->at("a.txt") == "alpha");
  }
  SECTION("no model call after what it read") {
    stage.script({calls("read", {{"path", "a.txt"}}), submits()});
    session = stage.start();
    stage.epoch.advance();
    stage.pool.run_one(0);
    stage.time.run();
  }
  SECTION("no command") {
    stage.store->hold();
    stage.script({calls("shell", {{"command", "make"}})});
    session = stage.start();
    stage.epoch.advance();
    while (stage.store->release() > 0) stage.time.run();
    CHECK(stage.processes->inner.children.empty());
  }
  CHECK(stage.model.requests.size() == 1);
  CHECK(stage.failed_with(ErrorCode::cancelled));
  CHECK(stage.time.dead(session));
}

TEST_CASE("malformed arguments are an error for the model, and it recovers") {
  SessionStage stage;
  auto wrong = GENERATE(std::string("{\"path\":"), std::string("[1]"), std::string("5"),
                        std::string("nonsense"));
  for (const char* tool : {"write", "submit_result", "read"}) {
    stage.ledger->done.clear();
    stage.script({calls(std::vector{ToolCall{"c1", tool, wrong}}), submits()});
    auto session = stage.start(std::string("S-") + tool);
    CHECK(stage.answer().starts_with("error (malformed)"));
    CHECK_FALSE(stage.result().failure);
    CHECK(json::parse(stage.result().arguments) == json{{"summary", "done"}});
    stage.check_ended(session);
  }
}

TEST_CASE(
    "too many turns of malformed calls end the session; many malformed calls of one turn do not") {
  SessionStage stage;
  stage.limits.malformed_calls = 2;
  SECTION("turns") {
    stage.model.script = [](const SeenRequest&) {
      return calls(std::vector{ToolCall{"c1", "write", "{"}});
    };
    auto session = stage.start();
    CHECK(stage.failed_with(ErrorCode::malformed));
    CHECK(stage.model.requests.size() == 3);  // asked again twice
    stage.check_ended(session);
  }
  SECTION("one turn") {
    std::vector<ToolCall> many;
    for (int i = 0; i < 10; ++i) many.push_back({"c" + std::to_string(i), "write", "{"});
    stage.script({calls(many), submits()});
    auto session = stage.start();
    CHECK_FALSE(stage.result().failure);
    stage.check_ended(session);
  }
  SECTION("a good call between them") {
    int turn = 0;
    stage.model.script = [&](const SeenRequest&) -> std::optional<ModelOutcome> {
      if (++turn > 12) return submits();
      return turn % 3 == 0 ? calls("todo_read") : calls(std::vector{ToolCall{"c1", "write", "{"}});
    };
    auto session = stage.start();
    CHECK_FALSE(stage.result().failure);
    stage.check_ended(session);
  }
}

TEST_CASE(
    "calls with equal ids, without an id and without a name still make a transcript that providers "
    "take") {
  SessionStage stage;
  stage.script({calls(std::vector<ToolCall>{{"x", "read", R"({"path":"a.txt"})"},
                                            {"x", "read", R"({"path":"b.txt"})"},
                                            {"", "todo_read", ""},
                                            {"", "todo_read", " "},
                                            {"x_2", "read", R"({"path":"a.txt"})"},
                                            {"y", "", "{}"},
                                            {"z", "no such tool!", "{}"}}),
                submits()});
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  std::set<std::string> ids;
  std::vector<std::string> answers;
  for (const auto& message : stage.model.requests[1].messages()) {
    if (message.at("role") == "tool") answers.push_back(message.at("content"));
    for (const auto& call : message.value("tool_calls", json::array())) {
      ids.insert(call.at("id").get<std::string>());
      CHECK_FALSE(call.at("id").get<std::string>().empty());
      CHECK_FALSE(call.at("function").at("name").get<std::string>().empty());
    }
  }
  CHECK(ids.size() == 7);
  REQUIRE(answers.size() == 7);
  CHECK((answers[0] == "1\talpha" && answers[1] == "1\tbeta" && answers[4] == "1\talpha"));
  CHECK(answers[5].starts_with("error (malformed): the call names no tool"));
  stage.check_ended(session);
}

TEST_CASE("a flood of calls in one turn is answered, not carried out") {
#if defined(__SANITIZE_THREAD__)
  constexpr std::size_t size = 2000;  // on one thread, and twenty times as slow
#else
  constexpr std::size_t size = 20000;
#endif
  SessionStage stage;
  std::vector<ToolCall> flood;
  for (std::size_t i = 0; i < size; ++i)
    flood.push_back({"c" + std::to_string(i), "nothing", "{}"});
  stage.profile->models[0].context_window = 10'000'000;
  stage.script({calls(std::move(flood)), submits()});
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  CHECK(tool_messages(stage.model.requests[1]) == size);
  CHECK(stage.answer().starts_with("error (limit_reached)"));
  stage.check_ended(session);
}

TEST_CASE("the final tool waits for the other tools of its turn") {
  SessionStage stage;
  SECTION("behind them it ends the session after them") {
    stage.script({calls({tool_call("write", write_args("a.txt", "new")),
                         tool_call("submit_result", {{"summary", "s"}})})});
    auto session = stage.start();
    CHECK_FALSE(stage.result().failure);
    CHECK(stage.files->at("a.txt") == "new");
    stage.check_ended(session);
  }
  SECTION("before them it is refused, and they run") {
    stage.script(
        {calls({tool_call("submit_result"), tool_call("write", write_args("a.txt", "new"))}),
         submits()});
    auto session = stage.start();
    CHECK(stage.model.requests.size() == 2);
    CHECK(stage.files->at("a.txt") == "new");
    CHECK(stage.model.requests[1].messages()[3].at("content").get<std::string>().starts_with(
        "error"));
    stage.check_ended(session);
  }
}

TEST_CASE(
    "a final tool that the mission refuses does not end the session, and every call has its "
    "answer") {
  SessionStage stage;
  int asked = 0;
  stage.ledger->answer = [&](const MissionToolCall&) -> std::optional<Result<std::string>> {
    if (++asked == 1)
      return Result<std::string>(
          Error{ErrorCode::invalid_argument, "two tasks with one id", "the plan is refused"});
    return Result<std::string>(std::string("ok"));
  };
  stage.script({calls({tool_call("submit_result"), tool_call("submit_result")}), submits()});
  auto session = stage.start();
  REQUIRE(stage.model.requests.size() == 2);
  CHECK(stage.model.requests[1].messages()[3].at("content") ==
        "error (invalid_argument): the plan is refused: two tasks with one id");
  CHECK_FALSE(stage.result().failure);
  CHECK(asked == 2);
  stage.check_ended(session);
}

TEST_CASE("a long result is cut, and what was left out can be read to the last byte") {
  SessionStage stage;
  stage.limits.tool_output_bytes = 3000;
  std::string output;
  for (int i = 1; i <= 2000; ++i) output += "line " + std::to_string(i) + "\n";
  output += std::string(20000, 'z') + "END";
  stage.processes->on_start = [&](const std::string& name) {
    stage.processes->inner.at(name).output = output;
    stage.processes->inner.exit(name);
  };
  std::string seen;
  std::size_t next = 1;
  bool first = true;
  stage.model.script = [&](const SeenRequest& request) -> std::optional<ModelOutcome> {
    if (std::exchange(first, false)) return calls("shell", command("seq"));
    auto answer = request.last("tool");
    if (next > 1) {
      auto more = answer.rfind("[go on with first_line ");
      seen += answer.substr(0, more);
      if (more == std::string::npos) return submits();
      next = std::stoul(answer.substr(more + 23));
    } else {
      CHECK(answer.size() < 3300);
      CHECK(answer.find(R"(read{"path":"output:S1.1")") != std::string::npos);
      CHECK(answer.starts_with("exit code 0\nline 1\n"));
      CHECK(answer.ends_with("END"));
      next = 2;  // line 1 is the exit code
    }
    return calls("read", {{"path", "output:S1.1"}, {"first_line", next}});
  };
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  auto flat = [](std::string text) {
    std::erase(text, '\n');
    return text;
  };
  CHECK(flat(seen) == flat(output));
  stage.check_ended(session);
}

TEST_CASE(
    "more long results than are kept: each has its own name, the newest can be read, the oldest "
    "says that it is gone") {
  SessionStage stage;
  stage.limits.tool_output_bytes = 200;
  int turn = 0;
  std::vector<std::string> answers;
  stage.model.script = [&](const SeenRequest& request) -> std::optional<ModelOutcome> {
    if (turn > 0) answers.push_back(request.last("tool"));
    ++turn;
    if (turn <= 30) {
      (*stage.files)["f"] = std::to_string(turn) + std::string(1000, '.');
      return calls("read", {{"path", "f"}});
    }
    if (turn == 31) return calls("read", {{"path", "output:S1.30"}});
    if (turn == 32) return calls("read", {{"path", "output:S1.12"}});
    if (turn == 33) return calls("read", {{"path", "output:S1.1"}});
    return submits();
  };
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  REQUIRE(answers.size() == 33);
  CHECK(answers[29].find("output:S1.30") != std::string::npos);
  CHECK(answers[30].starts_with("1\t30."));
  CHECK(answers[31].starts_with("1\t12."));
  CHECK(answers[32].starts_with("error (not_found)"));
  stage.check_ended(session);
}

TEST_CASE("F2 a command that the policy refuses is never started, and the model is told why") {
  SessionStage stage;
  stage.script({calls("shell", command("rm -rf /")), calls("run_background", command("rm -rf /")),
                submits()});
  auto session = stage.start();
  CHECK(stage.processes->commands.empty());
  CHECK(stage.guarded.size() == 2);
  CHECK(stage.answer() == "error (permission_denied): refused (delete): no");
  CHECK(stage.records("effect").empty());
  REQUIRE(stage.ledger->refused.size() == 2);  // F1: and its mission, each time
  const auto& refused = stage.ledger->refused[0];
  CHECK((refused.session == "S1" && refused.role == "worker" && refused.task == "M1.T1"));
  CHECK((refused.command == "rm -rf /" && refused.reason == "refused (delete): no"));
  stage.check_ended(session);
}

TEST_CASE("an N effect is on disk before its command starts, and its end is recorded") {
  SessionStage stage;
  stage.store->hold();
  stage.script({calls("shell", command("deploy")), submits()});
  auto session = stage.start();
  CHECK(stage.processes->commands.empty());
  stage.store->release();
  stage.time.run();
  REQUIRE(stage.processes->commands.size() == 1);
  auto effects = stage.records("effect");
  REQUIRE(effects.size() == 1);
  auto row = json::parse(effects[0].row);
  CHECK((row["class"] == "N" && row["job"] == "S1.J1" && row["command"] == "deploy"));
  stage.exit("deploy", 3);
  stage.store->release();
  stage.time.run();
  REQUIRE(stage.records("effect").size() == 2);
  CHECK(json::parse(stage.records("effect")[1].row)["exit"] == 3);
  CHECK(stage.answer().starts_with("exit code 3"));
  stage.check_ended(session);
}

TEST_CASE("a command whose record fails is not started") {
  SessionStage stage;
  stage.store->fail("M", {ErrorCode::no_space, "disk full"}, 3);
  stage.script({calls("shell", command("deploy")), submits()});
  auto session = stage.start();
  CHECK(stage.processes->commands.empty());
  CHECK(stage.answer().find("disk full") != std::string::npos);
  stage.check_ended(session);
}

TEST_CASE("the deadline of a command is the session's, the model's, and never above the bound") {
  SessionStage stage;
  stage.limits.shell = 120s;
  stage.limits.shell_max = 600s;
  stage.processes->on_start = [&](const std::string& name) { stage.processes->inner.exit(name); };
  stage.script({calls("shell", command("one")),
                calls("shell", {{"command", "two"}, {"timeout_ms", 5000}}),
                calls("shell", {{"command", "three"}, {"timeout_ms", 18446744073709551615ULL}}),
                calls("shell", {{"command", "four"}, {"timeout_ms", -1}}), submits()});
  auto session = stage.start();
  REQUIRE(stage.processes->specs.size() == 4);
  CHECK(stage.processes->specs[0].deadline == 120s);
  CHECK(stage.processes->specs[1].deadline == 5s);
  CHECK(stage.processes->specs[2].deadline == 600s);
  CHECK(stage.processes->specs[3].deadline == 120s);
  CHECK(stage.processes->specs[0].unset_env == std::vector<std::string>{"KEY"});
  CHECK(stage.processes->specs[0].cwd == "/trees/M1.T1");
  stage.check_ended(session);
}

TEST_CASE("roles without rights can neither write nor run, even with the tools in their hands") {
  SessionStage stage;
  stage.profile->writes = false;
  stage.profile->runs = RunRight::none;
  SECTION("a tool of the profile") {
    stage.script(
        {calls({tool_call("write", write_args("a.txt", "x")),
                tool_call("edit", {{"path", "a.txt"}, {"old_text", "a"}, {"new_text", "b"}}),
                tool_call("shell", command("ls")), tool_call("run_background", command("ls"))}),
         submits()});
    auto session = stage.start();
    CHECK(stage.files->at("a.txt") == "alpha");
    CHECK(stage.processes->commands.empty());
    for (const auto& message : stage.model.requests[1].messages())
      if (message.at("role") == "tool")
        CHECK(message.at("content").get<std::string>().starts_with("error (permission_denied)"));
    stage.check_ended(session);
  }
  SECTION("a tool that it does not have") {
    stage.profile->tool_names = {"read", "submit_result"};
    stage.script({calls({tool_call("shell", command("ls")), tool_call("grep", {{"pattern", "a"}})}),
                  submits()});
    auto session = stage.start();
    CHECK(stage.answer().starts_with(
        "error (permission_denied): the role worker has no tool 'grep'"));
    CHECK(stage.processes->commands.empty());
    stage.check_ended(session);
  }
}

TEST_CASE(
    "M11 a lease is asked for before a write outside the planned files, once; a conflict is an "
    "error for the model") {
  SessionStage stage;
  stage.ledger->answer = [](const MissionToolCall& call) -> std::optional<Result<std::string>> {
    if (call.arguments.find("theirs") != std::string::npos)
      return Result<std::string>(Error{ErrorCode::conflict, "is being changed by M1.T2"});
    return Result<std::string>(std::string("granted"));
  };
  stage.script({calls("write", write_args("./a.txt", "planned")),
                calls("write", write_args("new.txt", "1")),
                calls("edit", {{"path", "new.txt"}, {"old_text", "1"}, {"new_text", "2"}}),
                calls("write", write_args("theirs.txt", "x")), submits()});
  auto session = stage.start();
  std::vector<std::string> leases;
  for (const auto& call : stage.ledger->tools)
    if (call.tool == "lease") leases.push_back(call.arguments);
  CHECK(leases ==
        std::vector<std::string>{R"({"files":["new.txt"]})", R"({"files":["theirs.txt"]})"});
  CHECK(stage.files->at("new.txt") == "2");
  CHECK_FALSE(stage.files->contains("theirs.txt"));
  CHECK(stage.answer().starts_with("error (conflict): is being changed by M1.T2"));
  auto effects = stage.records("effect");
  REQUIRE(effects.size() == 3);
  CHECK(json::parse(effects[1].row)["class"] == "C");
  CHECK(json::parse(effects[1].row)["before"] == "");
  stage.check_ended(session);
}

TEST_CASE("a path outside the workspace never reaches the files") {
  SessionStage stage;
  stage.script({calls("write", write_args("../../etc/passwd", "x")), submits()});
  auto session = stage.start();
  CHECK(stage.files->size() == 2);
  CHECK(stage.answer().starts_with("error"));
  CHECK(stage.ledger->tools.size() == 1);  // the final one
  stage.check_ended(session);
}

TEST_CASE("a check on a background job waits for news a while, so that polling burns no steps") {
  SessionStage stage;
  stage.script(
      {calls("run_background", command("serve")), calls("check_background", {{"job", "S1.J1"}})});
  auto session = stage.start();
  REQUIRE(stage.model.requests.size() == 2);
  auto& child = stage.processes->inner.at("serve");
  SECTION("nothing comes: answered after two seconds") {
    stage.time.advance(1900ms);
    CHECK(stage.model.requests.size() == 2);
    stage.time.advance(300ms);
    REQUIRE(stage.model.requests.size() == 3);
    CHECK(stage.answer().starts_with("still running, 0 bytes"));
  }
  SECTION("output comes: answered early, and the next check waits again") {
    child.output = "listening";
    stage.time.advance(250ms);
    REQUIRE(stage.model.requests.size() == 3);
    CHECK(stage.answer() == "still running, 9 bytes of output, the end of it:\nlistening");
    stage.model.answer(calls("check_background", {{"job", "S1.J1"}}));
    stage.time.advance(1500ms);
    CHECK(stage.model.requests.size() == 3);
    stage.time.advance(700ms);
    CHECK(stage.model.requests.size() == 4);
  }
  SECTION("new output is there already: answered at once") {
    child.output = "x";
    stage.time.advance(300ms);
    child.output = "xy";
    stage.model.answer(calls("check_background", {{"job", "S1.J1"}}));
    stage.time.run();
    CHECK(stage.model.requests.size() == 4);
  }
  SECTION("it ends: answered with how") {
    child.output = "boom";
    stage.exit("serve", 7);
    stage.time.advance(250ms);
    REQUIRE(stage.model.requests.size() == 3);
    CHECK(stage.answer() == "ended with exit code 7, 4 bytes of output, the end of it:\nboom");
  }
  stage.stop(session);
  if (child.on_exit) child.finish_killed();
  stage.check_ended(session);
}

TEST_CASE(
    "a background job runs on after its session, is listed and can be ended; jobs of others are "
    "out of reach") {
  SessionStage stage;
  StartJob other;
  other.spec.id = "V7.J1";
  other.spec.owner = {"M", "V7", "M1.T1"};
  other.spec.kind = JobKind::verification;
  other.spec.process.argv = {"check"};
  REQUIRE(stage.time.ask<JobStarted>(stage.jobs, start_atom_v, other).ok());
  other.spec.id = "S9.J1";
  other.spec.owner = {"M", "", "M1.T9"};
  other.spec.kind = JobKind::background;
  other.spec.process.argv = {"theirs"};
  REQUIRE(stage.time.ask<JobStarted>(stage.jobs, start_atom_v, other).ok());
  stage.script({calls("run_background", command("serve")), calls("list_background"),
                calls("kill_background", {{"job", "V7.J1"}}),
                calls("kill_background", {{"job", "S9.J1"}}),
                calls("check_background", {{"job", "nothing"}}), submits()});
  auto session = stage.start();
  REQUIRE(stage.model.requests.size() == 6);
  auto listed = json::parse(stage.model.requests[2].last("tool"));
  REQUIRE(listed.size() == 1);
  CHECK((listed[0]["job"] == "S1.J1" && listed[0]["command"] == "serve" &&
         listed[0]["done"] == false));
  CHECK(stage.model.requests[3].last("tool").starts_with("error (not_found)"));
  CHECK(stage.model.requests[4].last("tool").starts_with("error (not_found)"));
  CHECK(stage.model.requests[5].last("tool").starts_with("error (not_found)"));
  CHECK(stage.processes->inner.running == 3);
  stage.ledger->done.clear();
  stage.script({calls("kill_background", {{"job", "S1.J1"}}), submits()});
  stage.start("S2", 2);
  CHECK(stage.answer() == "S1.J1 is gone");
  CHECK(stage.processes->inner.running == 2);
}

TEST_CASE(
    "what a command prints that is no UTF-8, and a long line of another alphabet, break nothing") {
  SessionStage stage;
  std::string russian = "echo ";
  for (int i = 0; i < 100; ++i) russian += "\xd1\x8f";
  stage.processes->on_start = [&](const std::string& name) {
    stage.processes->inner.at(name).output = "\xff\xfe ok";
    stage.processes->inner.exit(name);
  };
  stage.script({calls("shell", command(russian)), submits()});
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  for (const auto& view : stage.ledger->views) CHECK_NOTHROW(json{{"doing", view.doing}}.dump());
  stage.check_ended(session);
}

}  // namespace muster
