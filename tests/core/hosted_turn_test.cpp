#include "runtime/core/hosted_turn.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <vector>

using namespace muster;

namespace {

HostIdle idle(std::uint64_t prompt, const std::string& message, const std::string& text = "words") {
  return {prompt, message, text, {}};
}
HostIdle failed(std::uint64_t prompt, const std::string& message, ErrorCode code) {
  return {prompt, message, "", ModelFailure{{code, "no"}, 0, {}}};
}
HostStep step(const std::string& message, const std::string& finish = "stop",
              std::int64_t tokens = 10) {
  return {message, finish, {tokens, 0, 1, false, 0.5}};
}

const ModelReply& reply_of(const std::optional<ModelOutcome>& outcome) {
  REQUIRE(outcome);
  return std::get<ModelReply>(*outcome);
}

}  // namespace

TEST_CASE("T1 a hosted turn ends once, however often its idleness is told") {
  HostedTurn turn;
  CHECK(turn.over());
  turn.prompted(1);
  CHECK_FALSE(turn.over());
  CHECK_FALSE(turn.take());
  turn.idle(idle(1, "m1"));
  turn.idle(idle(1, "m1"));
  CHECK(turn.over());
  CHECK(reply_of(turn.take()).text == "words");
  CHECK_FALSE(turn.take());
  turn.prompted(2);
  turn.idle(idle(1, "m1"));  // late: of the prompt before
  turn.idle(idle(2, "m1"));  // its message was counted
  CHECK_FALSE(turn.take());
  turn.idle(idle(2, "m2", "more"));
  CHECK(reply_of(turn.take()).text == "more");
}

TEST_CASE("a tool call is a reply, and the turn goes on") {
  HostedTurn turn;
  turn.prompted(1);
  turn.called({"c1", "edit", "{}"});
  turn.called({"c2", "read", "{}"});
  const auto first = reply_of(turn.take());
  CHECK(first.tool_calls.size() == 2);
  CHECK(first.finish_reason == "tool_calls");
  CHECK_FALSE(turn.over());
  CHECK_FALSE(turn.take());
  turn.idle(idle(1, "m2"));
  CHECK(reply_of(turn.take()).tool_calls.empty());
}

TEST_CASE("what a turn cost is in its replies, each message once, and the rest can be asked for") {
  HostedTurn turn;
  turn.prompted(1);
  CHECK(turn.stepped(step("m1", "tool-calls")));
  CHECK(turn.stepped(step("m1", "tool-calls")));
  turn.called({"c1", "edit", "{}"});
  CHECK(reply_of(turn.take()).usage.input_tokens == 10);
  CHECK(turn.stepped(step("m2", "stop", 7)));
  turn.idle(failed(1, "m2", ErrorCode::cancelled));
  REQUIRE(turn.take());
  const auto rest = turn.take_usage();
  CHECK(rest.input_tokens == 7);
  CHECK(rest.cost_usd == 0.5);
  CHECK(turn.take_usage().input_tokens == 0);
}

TEST_CASE("replies that end without a reason are a circle, unless a tool call is between them") {
  HostedTurn turn;
  turn.prompted(1);
  CHECK(turn.stepped(step("m1", "unknown")));
  CHECK(turn.stepped(step("m2", "unknown")));
  turn.called({"c1", "edit", "{}"});
  CHECK(turn.stepped(step("m3", "unknown")));
  CHECK(turn.stepped(step("m4", "unknown")));
  CHECK_FALSE(turn.stepped(step("m5", "unknown")));
  CHECK(turn.over());
}

TEST_CASE("a person's words go with the reply that follows them") {
  HostedTurn turn;
  turn.prompted(1);
  turn.heard("mind the comma");
  turn.idle(idle(0, "m1"));  // it answers them, and not our prompt
  CHECK(reply_of(turn.take()).heard == std::vector<std::string>{"mind the comma"});
}

TEST_CASE("T1 in whatever order it is told, late and twice: one end for each prompt") {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    HostedTurn turn;
    std::vector<HostIdle> told;
    int ends = 0;
    constexpr int prompts = 5;
    for (std::uint64_t prompt = 1; prompt <= prompts; ++prompt) {
      turn.prompted(prompt);
      auto own = idle(prompt, "m" + std::to_string(prompt));
      if (random() % 3 == 0) own.failure = ModelFailure{{ErrorCode::network, "no"}, 0, {}};
      told.insert(told.end(), 1 + random() % 3, own);
      std::vector<HostIdle> now(told);
      std::shuffle(now.begin(), now.end(), random);
      int mine = 0;
      for (const auto& one : now) {
        turn.idle(one);
        mine += turn.take() ? 1 : 0;
      }
      CHECK(mine == 1);
      ends += mine;
    }
    CHECK(ends == prompts);
  }
}
