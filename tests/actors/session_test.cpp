// The life of a session: slot, lane, model calls, and its end, under virtual time.
#include "actors/session.hpp"

#include <set>

#include <catch2/catch_get_random_seed.hpp>
#include <random>

#include "runtime/core/saved_session.hpp"
#include "tests/actors/session_stage.hpp"

namespace muster {
namespace {

using namespace test;

SchedulerConfig at_most(std::int64_t slots) {
  SchedulerConfig config;
  config.limits.global = slots;
  return config;
}

std::string big(std::size_t bytes) { return std::string(bytes, 'x'); }

}  // namespace

TEST_CASE("a session works with tools and ends with its final tool, told once") {
  SessionStage stage;
  stage.script({calls("read", {{"path", "a.txt"}}), submits()});
  auto session = stage.start();
  const auto& result = stage.result();
  CHECK(result.final_tool == "submit_result");
  CHECK(json::parse(result.arguments) == json{{"summary", "done"}});
  CHECK(
      (result.tool_calls == 1 && result.model_calls == 2 && result.intent == 1 && !result.failure));
  CHECK(stage.answer() == "1\talpha");
  CHECK(stage.model.requests[0].messages().size() == 2);
  stage.check_ended(session);
  std::int64_t output = 0;
  for (const auto& view : stage.ledger->views)
    if (view.usage) output += view.usage->output_tokens;
  CHECK(output == 10);  // every call is billed once
  CHECK(stage.records("session").size() == 5);
}

TEST_CASE(
    "T1 a session in one long tool call, with no new message, is not finished and not failed") {
  SessionStage stage;
  stage.limits.shell = 10h;
  stage.script({calls("shell", command("make all")), submits()});
  auto session = stage.start();
  stage.time.advance(9h);
  CHECK(stage.ledger->done.empty());
  CHECK_FALSE(stage.time.dead(session));
  CHECK(stage.ledger->views.back().state == "tool_running");
  CHECK(stage.slots().in_use == 1);
  stage.exit("make all");
  CHECK_FALSE(stage.result().failure);
  CHECK(stage.answer().starts_with("exit code 0"));
  stage.check_ended(session);
}

TEST_CASE(
    "T2 T5 a turn of text is no completion: two reminders, marked as not the user's, then "
    "failure") {
  SessionStage stage;
  stage.script({says("All done!"), says(""), says("Really done.")});
  auto session = stage.start();
  CHECK(stage.failed_with(ErrorCode::malformed));
  REQUIRE(stage.model.requests.size() == 3);
  auto reminder = stage.model.requests[1].last("user");
  CHECK(reminder.starts_with("<muster-notice>"));
  CHECK(reminder.find("submit_result") != std::string::npos);
  CHECK(stage.model.requests[0].last("user").find("muster-notice") == std::string::npos);
  stage.check_ended(session);
}

TEST_CASE("T2 a tool call resets the patience with text, and an unknown finish counts as text") {
  SessionStage stage;
  ModelReply cut;
  cut.finish_reason = "unknown";
  stage.script({says("a"), says("b"), calls("todo_read"), ModelOutcome{cut}, says("d"), submits()});
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  CHECK(stage.model.requests.size() == 6);
  stage.check_ended(session);
}

TEST_CASE("S1 50 sessions, limit 5: never more at work, all end, and no slot is left") {
  SessionStage stage(at_most(5));
  stage.limits.acquire = 24h;
  std::map<std::string, int> turns;
  // Every fifth succeeds, runs into an error, is cancelled, or waits in a tool first.
  stage.model.script = [&](const SeenRequest& request) -> std::optional<ModelOutcome> {
    auto number = std::stoi(request.header().substr(2));
    auto turn = turns[request.header()]++;
    if (number % 5 == 1) return fails(ErrorCode::invalid_request);
    if (number % 5 == 2) return std::nullopt;  // to be cancelled
    if (number % 5 == 3 && turn == 0)
      return calls("shell", command("sleep " + std::to_string(number)));
    return submits();
  };
  std::vector<session_actor> sessions;
  std::size_t most = 0;
  for (int i = 0; i < 50; ++i)
    sessions.push_back(stage.spawn("S" + std::to_string(i), static_cast<IntentId>(i)));
  for (int round = 0; round < 200 && stage.ledger->done.size() < 50; ++round) {
    stage.time.run();
    most = std::max(most, stage.slots().in_use);
    CHECK(stage.model.in_flight <= 5);
    auto children = stage.processes->inner.children;
    for (auto& [name, child] : children) child->finish({.exit_code = 0});
    std::vector<std::string> waiting;
    for (const auto& call : stage.model.open)
      if (call->on_done) waiting.push_back(call->request.header());
    for (const auto& header : waiting) stage.stop(sessions[std::stoul(header.substr(2))]);
  }
  CHECK(most == 5);
  REQUIRE(stage.ledger->done.size() == 50);
  std::set<std::string> names;
  std::map<int, int> codes;
  for (const auto& result : stage.ledger->done) {
    names.insert(result->session);
    ++codes[result->failure ? static_cast<int>(result->failure->code) : -1];
  }
  CHECK(names.size() == 50);
  CHECK(codes[-1] == 30);
  CHECK(codes[static_cast<int>(ErrorCode::invalid_request)] == 10);
  CHECK(codes[static_cast<int>(ErrorCode::cancelled)] == 10);
  CHECK(stage.slots().in_use == 0);
  CHECK(stage.slots().waiting == 0);
  stage.check_transcripts();
}

TEST_CASE("S2 a session whose wait for a slot runs out fails clearly and frees nobody's slot") {
  SessionStage stage(at_most(1));
  auto holder = stage.start("S1");
  stage.limits.acquire = 10s;
  auto waiter = stage.start("S2", 2);
  stage.time.advance(11s);
  REQUIRE(stage.failed_with(ErrorCode::timeout));
  CHECK(stage.ledger->done[0]->session == "S2");
  CHECK(stage.ledger->done[0]->failure->message.find("1 of") != std::string::npos);
  CHECK(stage.time.dead(waiter));
  CHECK(stage.slots().in_use == 1);
  stage.stop(holder);
  CHECK(stage.slots().in_use == 0);
}

TEST_CASE("S5 a 429 with Retry-After pauses every session of that lane and no other") {
  SessionStage stage;
  std::map<std::string, int> calls_of;
  bool limited = false;
  stage.model.script = [&](const SeenRequest& request) -> std::optional<ModelOutcome> {
    ++calls_of[request.header()];
    if (request.model == "slow" && !std::exchange(limited, true))
      return fails(ErrorCode::rate_limited, 30000ms);
    return submits();
  };
  auto slow = make_profile("worker");
  slow->models[0].lane = "q/slow";
  slow->models[0].endpoint = {"q", "", "", "slow", {}};
  auto fast = stage.profile;
  stage.profile = slow;
  stage.start("S1", 1);
  stage.start("S2", 2);
  stage.profile = fast;
  stage.start("S3", 3);
  REQUIRE(stage.ledger->done.size() == 1);
  CHECK(stage.ledger->done[0]->session == "S3");
  CHECK(calls_of["[S2]"] == 0);
  stage.time.advance(29s);
  CHECK(stage.ledger->done.size() == 1);
  stage.time.advance(10s);
  CHECK(stage.ledger->done.size() == 3);
  CHECK((calls_of["[S1]"] == 2 && calls_of["[S2]"] == 1));
}

TEST_CASE("S5 errors of authentication are not tried again; a fallback is") {
  SessionStage stage;
  SECTION("without a fallback") {
    stage.script({fails(ErrorCode::unauthenticated)});
    auto session = stage.start();
    CHECK(stage.failed_with(ErrorCode::unauthenticated));
    CHECK(stage.model.requests.size() == 1);
    stage.check_ended(session);
  }
  SECTION("with one") {
    auto second = stage.profile->models[0];
    second.lane = "q/other";
    second.endpoint.provider = "q";
    second.endpoint.model = "other";
    stage.profile->models.push_back(second);
    stage.script({fails(ErrorCode::unauthenticated), submits()});
    auto session = stage.start();
    CHECK_FALSE(stage.result().failure);
    CHECK(stage.model.requests[1].model == "other");
    stage.check_ended(session);
  }
}

TEST_CASE("a session ends with a timeout once it was at work for as long as it may") {
  SessionStage stage(at_most(1));
  stage.limits.session = 10min;
  stage.limits.shell = 10h;
  stage.limits.acquire = 10h;
  SECTION("in a model call that goes on and on") {
    stage.limits.model_total = 10h;
    auto session = stage.start();
    stage.time.advance(9min);
    CHECK(stage.ledger->done.empty());
    stage.time.advance(2min);
    CHECK(stage.failed_with(ErrorCode::timeout));
    CHECK(stage.model.cancelled == 1);
    stage.check_ended(session);
  }
  SECTION("in a command, which ends with it") {
    stage.script({calls("shell", command("make forever"))});
    auto session = stage.start();
    stage.time.advance(11min);
    CHECK(stage.failed_with(ErrorCode::timeout));
    stage.check_ended(session);
  }
  SECTION("waits for a slot and for a person do not count") {
    stage.ledger->answer = [](const MissionToolCall& call) -> std::optional<Result<std::string>> {
      if (call.tool == "ask_user") return std::nullopt;
      return Result<std::string>(std::string("ok"));
    };
    auto holder = stage.start("S0", 7);
    stage.script({calls("ask_user", {{"question", "Tabs?"}}), calls("shell", command("make"))});
    auto session = stage.start();
    stage.time.advance(8min);
    stage.stop(holder);
    REQUIRE(stage.ledger->done.size() == 1);
    stage.ledger->done.clear();
    stage.time.advance(5h);
    REQUIRE(stage.ledger->done.empty());
    stage.answer_waiting("Tabs.");
    stage.time.advance(9min);
    CHECK(stage.ledger->done.empty());
    stage.time.advance(2min);
    CHECK(stage.failed_with(ErrorCode::timeout));
    stage.check_ended(session);
  }
}

TEST_CASE("T10 a stalled stream is retried on the same transcript, and not for ever") {
  SessionStage stage;
  stage.limits.call_retries = 2;
  SECTION("it comes back") {
    stage.script({fails(ErrorCode::stalled), fails(ErrorCode::network), submits()});
    auto session = stage.start();
    stage.time.advance(10min);
    CHECK_FALSE(stage.result().failure);
    CHECK(stage.model.requests[2].messages() == stage.model.requests[0].messages());
    stage.check_ended(session);
  }
  SECTION("it does not") {
    stage.model.script = [](const SeenRequest&) { return fails(ErrorCode::stalled); };
    auto session = stage.start();
    stage.time.advance(2h);
    CHECK(stage.failed_with(ErrorCode::stalled));
    CHECK(stage.model.requests.size() == 3);
    stage.check_ended(session);
  }
  SECTION("a call that ended as cancelled by nobody here is no wish to stop") {
    stage.script({fails(ErrorCode::cancelled), submits()});
    auto session = stage.start();
    stage.time.advance(10min);
    CHECK_FALSE(stage.result().failure);
    stage.check_ended(session);
  }
}

TEST_CASE("M8 the limit of steps ends a session by force") {
  SessionStage stage;
  stage.limits.steps = 3;
  stage.model.script = [](const SeenRequest&) { return calls("read", {{"path", "a.txt"}}); };
  auto session = stage.start();
  CHECK(stage.failed_with(ErrorCode::limit_reached));
  CHECK(stage.model.requests.size() == 3);
  stage.check_ended(session);
}

TEST_CASE(
    "T11 at 85 % of the window old results are folded, and the transcript is smaller for it") {
  SessionStage stage;
  stage.profile->models[0].context_window = 20000;
  for (int i = 0; i < 6; ++i) (*stage.files)["f" + std::to_string(i)] = big(16000);
  int turn = 0;
  stage.model.script = [&](const SeenRequest&) {
    return turn < 6 ? calls("read", {{"path", "f" + std::to_string(turn++)}}) : submits();
  };
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  std::size_t most = 0;
  for (const auto& request : stage.model.requests)
    most = std::max(most, request.body.dump().size());
  CHECK(most / 4 <= 20000 * 85 / 100 + 100);
  auto last = stage.model.requests.back();
  CHECK(last.body.dump().size() < most);
  CHECK(last.messages()[3].at("content").get<std::string>().starts_with("[folded to save room"));
  CHECK(last.messages()[1] == stage.model.requests[0].messages()[1]);  // the briefing survives
  CHECK(last.last("tool").size() > 15000);  // and so does what it just read
  stage.check_ended(session);
}

TEST_CASE(
    "T11 a transcript between 85 % and the whole window goes on, though nothing more can be "
    "folded") {
  SessionStage stage;
  stage.profile->models[0].context_window = 12000;
  (*stage.files)["one"] = big(20500);
  (*stage.files)["two"] = big(20500);
  stage.script({calls("read", {{"path", "a.txt"}}), calls("read", {{"path", "one"}}),
                calls("read", {{"path", "two"}}), submits()});
  auto session = stage.start();
  CHECK_FALSE(stage.result().failure);
  stage.check_ended(session);
}

TEST_CASE(
    "a context overflow is folded away and tried again, also when the window is smaller than we "
    "think") {
  SessionStage stage;
  for (int i = 0; i < 4; ++i) (*stage.files)["f" + std::to_string(i)] = big(16000);
  std::vector<ToolCall> reads;
  for (int i = 0; i < 4; ++i)
    reads.push_back(tool_call("read", {{"path", "f" + std::to_string(i)}}));
  SECTION("it helps") {
    stage.script({calls(reads), fails(ErrorCode::context_overflow), submits()});
    auto session = stage.start();
    CHECK_FALSE(stage.result().failure);
    CHECK(stage.model.requests[2].body.dump().size() <
          stage.model.requests[1].body.dump().size() * 6 / 10);
    stage.check_ended(session);
  }
  SECTION("it does not: the session fails rather than asks for ever") {
    stage.model.queue.emplace_back(calls(reads));
    for (int i = 0; i < 20; ++i) stage.model.queue.emplace_back(fails(ErrorCode::context_overflow));
    auto session = stage.start();
    CHECK(stage.failed_with(ErrorCode::context_overflow));
    CHECK(stage.model.requests.size() <= 5);
    stage.check_ended(session);
  }
  SECTION("nothing to fold") {
    stage.script({fails(ErrorCode::context_overflow)});
    auto session = stage.start();
    CHECK(stage.failed_with(ErrorCode::context_overflow));
    CHECK(stage.model.requests.size() == 1);
    stage.check_ended(session);
  }
}

TEST_CASE("T9 cancelled wherever it is: one end, no slot, no process, no later call") {
  SessionStage stage(at_most(1));
  session_actor session;
  std::size_t calls_before = 0;
  auto cancel = [&] {
    calls_before = stage.model.requests.size();
    compat::post(session, stop_atom_v);
    compat::post(session, stop_atom_v);  // twice is once
    stage.time.run();
    compat::post(session, stop_atom_v);
    stage.time.advance(1h);
    CHECK(stage.model.requests.size() == calls_before);
  };
  SECTION("waiting for a slot") {
    auto ticket = SlotRequest{"other", "M", "p/m", "p", "worker", std::nullopt};
    auto holder = stage.time.begin<Unit>(stage.scheduler, acquire_atom_v, ticket);
    stage.time.run();
    session = stage.start();
    cancel();
    CHECK(calls_before == 0);
    CHECK(stage.slots().waiting == 0);
    compat::post(stage.scheduler, release_atom_v, std::string("other"));
  }
  SECTION("waiting for the lane") {
    stage.script({fails(ErrorCode::rate_limited, 600000ms)});
    session = stage.start();
    cancel();
  }
  SECTION("in a model call") {
    session = stage.start();
    cancel();
    CHECK(stage.model.cancelled == 1);
  }
  SECTION("in a command that ends when it is killed") {
    stage.script({calls("shell", command("make"))});
    session = stage.start();
    cancel();
    CHECK(stage.processes->inner.at("make").kills >= 1);
  }
  SECTION("in a command that takes its time to die: the end is told after it") {
    stage.processes->inner.obedient = false;
    stage.script({calls("shell", command("make"))});
    session = stage.start();
    compat::post(session, stop_atom_v);
    compat::post(session, stop_atom_v);
    stage.time.run();
    CHECK(stage.ledger->done.empty());
    CHECK(stage.slots().in_use == 0);
    stage.processes->inner.at("make").finish_killed();
    stage.time.run();
  }
  SECTION("between the record of a command and its start") {
    stage.script({calls("shell", command("make"))});
    stage.store->hold();
    session = stage.start();
    cancel();
    stage.store->release();
    stage.time.run();
    CHECK(stage.processes->commands.empty());
  }
  SECTION("asking a person") {
    stage.ledger->answer = [](const MissionToolCall&) { return std::nullopt; };
    stage.script({calls("ask_user", {{"question", "Tabs?"}})});
    session = stage.start();
    REQUIRE(stage.ledger->waiting.size() == 1);
    cancel();
  }
  SECTION("waiting for a lease: it writes no more") {
    stage.ledger->answer = [](const MissionToolCall&) { return std::nullopt; };
    stage.script({calls("write", {{"path", "new.txt"}, {"content", "x"}})});
    session = stage.start();
    cancel();
    CHECK_FALSE(stage.files->contains("new.txt"));
  }
  SECTION("in a write: the end is told after it, and the write is on record") {
    stage.pool.held = true;
    stage.script({calls("write", {{"path", "a.txt"}, {"content", "new"}})});
    session = stage.start();
    compat::post(session, stop_atom_v);
    stage.time.run();
    CHECK(stage.ledger->done.empty());
    stage.pool.run_one(0);
    stage.time.run();
    CHECK(stage.records("effect").size() == 1);
  }
  SECTION("in a read") {
    stage.pool.held = true;
    stage.script({calls("read", {{"path", "a.txt"}})});
    session = stage.start();
    cancel();
    stage.pool.run_one(0);
  }
  SECTION("waiting for news of a background job") {
    stage.script(
        {calls("run_background", command("serve")), calls("check_background", {{"job", "S1.J1"}})});
    session = stage.start();
    cancel();
    stage.processes->inner.at("serve").finish_killed();  // its task ends it, not the session
    stage.time.run();
  }
  CHECK(stage.failed_with(ErrorCode::cancelled));
  stage.check_ended(session);
}

TEST_CASE("a session whose mission is gone ends, and its command with it") {
  SessionStage stage;
  stage.script({calls("shell", command("make"))});
  auto session = stage.start();
  compat::kill(stage.mission);
  stage.time.run();
  CHECK(stage.time.dead(session));
  CHECK(stage.processes->inner.running == 0);
  CHECK(stage.slots().in_use == 0);
}

// Random prompts, doubled and late, random tools, failures and deaths of the actor: every cause is
// told once, in the order of its first coming, and no transcript is one that a provider refuses.
TEST_CASE("T4 10,000 interleavings: exactly one prompt for each cause") {
#if defined(__SANITIZE_ADDRESS__)
  constexpr unsigned seeds = 1'000;
#elif defined(__SANITIZE_THREAD__)
  constexpr unsigned seeds = 100;  // all on one thread: there is nothing for it to see
#else
  constexpr unsigned seeds = 10'000;
#endif
  constexpr int causes = 4;
  const auto first = Catch::getSeed();
  for (unsigned number = 0; number < seeds; ++number) {
    CAPTURE(first, number);
    std::minstd_rand random(first + number);
    auto chance = [&random](unsigned percent) { return random() % 100 < percent; };
    SessionStage stage;
    stage.model.script = [](const SeenRequest&) { return std::nullopt; };
    auto session = stage.start();
    std::deque<Prompt> late;
    int sent = 0;
    int crashes = 0;
    auto send = [&](const Prompt& prompt) { compat::post(session, tell_atom_v, prompt); };
    auto take_up = [&] {
      SessionRecords records;
      for (auto& record : stage.records("session"))
        records.messages.push_back({record.row, record.body});
      for (auto& record : stage.records("effect")) records.effects.push_back(record.row);
      auto saved = restore_session(records);
      REQUIRE(saved.ok());
      session = stage.spawn("S1", 1, std::make_shared<const SavedSession>(std::move(*saved)));
      for (int i = 1; i <= sent; ++i)
        send({"told-" + std::to_string(i), "<" + std::to_string(i) + ">"});
    };
    for (int step = 0; step < 60 && stage.ledger->done.empty(); ++step) {
      if (sent < causes && chance(25)) {
        ++sent;
        Prompt prompt{"told-" + std::to_string(sent), "<" + std::to_string(sent) + ">"};
        send(prompt);
        if (chance(30)) send(prompt);
        if (chance(30)) late.push_back(prompt);
      }
      if (!late.empty() && chance(30)) {
        send(late.front());
        late.pop_front();
      }
      if (crashes < 3 && chance(5)) {
        ++crashes;
        compat::kill(session);
        stage.time.run();
        take_up();
      }
      stage.time.run();
      auto outcome = chance(15)   ? fails(ErrorCode::network)
                     : chance(20) ? says("well")
                     : chance(30) ? calls("read", {{"path", "a.txt"}})
                     : chance(40)
                         ? calls({tool_call("todo_read"), tool_call("read", {{"path", "b.txt"}})})
                     : sent == causes && step > 20 ? submits()
                                                   : calls("todo_read");
      if (stage.model.in_flight > 0 && chance(80)) stage.model.answer(std::move(outcome));
      stage.time.advance(chance(50) ? 0ms : 90s);
    }
    stage.check_transcripts();
    std::string told;
    for (const auto& record : stage.records("session"))
      if (record.row.find("prompt") != std::string::npos)
        told += record.body.substr(record.body.find('<'), 3);
    CHECK(told == std::string("<1><2><3><4>").substr(0, told.size()));
  }
}

TEST_CASE("a person's words come with the next turn, once, and never in the middle of a call") {
  SessionStage stage;
  auto session = stage.start();
  REQUIRE(stage.model.requests.size() == 1);
  compat::post(session, tell_atom_v, Prompt{"told-1", "use tabs"});
  compat::post(session, tell_atom_v, Prompt{"told-1", "use tabs"});
  stage.time.run();
  CHECK(stage.model.requests.size() == 1);
  CHECK(stage.model.requests[0].last("user").find("tabs") == std::string::npos);
  stage.script({calls("read", {{"path", "a.txt"}}), submits()});
  stage.model.answer(calls("read", {{"path", "b.txt"}}));
  stage.time.run();
  REQUIRE(stage.model.requests.size() == 3);
  CHECK(stage.model.requests[1].last("user") == "use tabs");  // theirs: not marked
  auto text = stage.model.requests[2].body.dump();
  CHECK(text.find("use tabs") == text.rfind("use tabs"));
  stage.check_ended(session);
}

TEST_CASE(
    "ask_user gives the slot to others and takes one again before it goes on, also in the middle "
    "of a turn") {
  SessionStage stage(at_most(1));
  stage.ledger->answer = [](const MissionToolCall& call) -> std::optional<Result<std::string>> {
    if (call.tool == "ask_user") return std::nullopt;
    return Result<std::string>(std::string("ok"));
  };
  stage.script({calls(
      {tool_call("ask_user", {{"question", "Tabs?"}}), tool_call("shell", command("make"))})});
  auto asking = stage.start("S1");
  CHECK(stage.slots().in_use == 0);
  CHECK(stage.saw_state("awaiting_human"));
  auto other = stage.start("S2", 2);  // in a model call that is not answered
  CHECK(stage.slots().in_use == 1);
  REQUIRE(stage.ledger->waiting.size() == 1);
  stage.time.advance(24h * 3);
  CHECK(stage.ledger->done.empty());
  stage.answer_waiting("The user answers: tabs");
  CHECK(stage.processes->commands.empty());  // S2 has the slot
  stage.stop(other);
  CHECK(stage.processes->commands.size() == 1);
  stage.script({submits()});
  stage.exit("make");
  REQUIRE(stage.ledger->done.size() == 2);
  CHECK_FALSE(stage.ledger->done[1]->failure);
  CHECK(stage.model.requests.back().unanswered() == "");
  CHECK(stage.slots().in_use == 0);
  CHECK(stage.time.dead(asking));
}

TEST_CASE("a tree that cannot be opened is the session's failure, told once") {
  SessionStage stage;
  stage.open_error = Error{ErrorCode::not_found, "no such tree"};
  auto session = stage.start();
  CHECK(stage.failed_with(ErrorCode::not_found));
  stage.check_ended(session);
}

TEST_CASE("a crashed session gives its slot back and its owner learns of a failure") {
  SessionStage stage;
  stage.model.throws = true;
  auto session = stage.start();
  CHECK(stage.time.dead(session));
  CHECK(stage.time.crashes.size() == 1);
  CHECK(stage.slots().in_use == 0);
}

}  // namespace muster
