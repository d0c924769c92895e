// O1: a stuck decoder is cut in the middle of its stream.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "adapters/model/chat_completions.hpp"

namespace {

using muster::ErrorCode;
using muster::model::ChatDecoder;
using nlohmann::json;
using State = ChatDecoder::State;

std::string event(const json& delta) {
  return "data: " + json{{"choices", {{{"index", 0}, {"delta", delta}}}}}.dump() + "\n\n";
}

/// Pieces of a stream until it is over or `most` were fed; how many were.
int feed(ChatDecoder& decoder, const std::function<json(int)>& delta, int most) {
  int fed = 0;
  while (fed < most && decoder.state() == State::more) decoder.feed(event(delta(fed++)));
  return fed;
}

}  // namespace

TEST_CASE("O1 a reply that repeats one short unit is cut, long before its limit") {
  ChatDecoder decoder;
  int fed = 0;
  SECTION("text") {
    fed = feed(
        decoder,
        [](int) {
          return json{{"content", "I will fix it. "}};
        },
        100000);
  }
  SECTION("reasoning") {
    fed = feed(
        decoder,
        [](int) {
          return json{{"reasoning_content", "hmm, wait, "}};
        },
        100000);
  }
  SECTION("the arguments of a call") {
    decoder.feed(
        event({{"tool_calls",
                {{{"index", 0},
                  {"id", "c"},
                  {"function", {{"name", "write"}, {"arguments", "{\"content\":\""}}}}}}}));
    fed = feed(
        decoder,
        [](int) {
          return json{{"tool_calls", {{{"index", 0}, {"function", {{"arguments", "0, 0, 0, "}}}}}}};
        },
        100000);
  }
  CHECK(decoder.state() == State::failed);
  CHECK(decoder.failure().error.code == ErrorCode::degenerate);
  CHECK(decoder.failure().error.message.find("without end") != std::string::npos);
  CHECK(fed < 10000);
}

TEST_CASE("O1 one that arrives whole is refused, too") {
  ChatDecoder decoder;
  std::string text(20000, '#');
  json whole{{"choices",
              {{{"index", 0},
                {"message", {{"role", "assistant"}, {"content", text}}},
                {"finish_reason", "stop"}}}}};
  decoder.feed(whole.dump());
  CHECK(decoder.finish() == State::failed);
  CHECK(decoder.failure().error.code == ErrorCode::degenerate);
}

TEST_CASE("O1 a long reply of different lines is read to its end") {
  ChatDecoder decoder;
  feed(
      decoder,
      [](int n) {
        return json{{"content", "| " + std::to_string(n) + " | 0 |\n"}};
      },
      5000);
  decoder.feed("data: [DONE]\n\n");
  REQUIRE(decoder.state() == State::complete);
  CHECK(decoder.take("s", 1).text.size() > 50000);
}

TEST_CASE("a file of zeros that is written in one call is no stuck decoder below 64 KB") {
  ChatDecoder decoder;
  decoder.feed(event(
      {{"tool_calls",
        {{{"index", 0}, {"id", "c"}, {"function", {{"name", "write"}, {"arguments", ""}}}}}}}));
  feed(
      decoder,
      [](int) {
        return json{{"tool_calls", {{{"index", 0}, {"function", {{"arguments", "0,0,0,0,"}}}}}}};
      },
      7000);
  CHECK(decoder.state() == State::more);
}
