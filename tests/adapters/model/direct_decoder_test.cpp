#include <catch2/catch_test_macros.hpp>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapters/model/chat_chunk.hpp"
#include "adapters/model/chat_completions.hpp"

namespace {

using muster::ErrorCode;
using muster::ModelReply;
using muster::ToolCall;
using muster::model::ChatDecoder;
using nlohmann::json;
using State = ChatDecoder::State;

/// What came of a body: a reply or a failure, and the pieces of text on the way.
struct Decoded {
  State state = State::more;
  ModelReply reply;
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string deltas;
};

Decoded decode(const std::vector<std::string>& pieces, muster::model::DecoderLimits limits = {}) {
  Decoded out;
  ChatDecoder decoder(limits, [&](std::string_view text) { out.deltas += text; });
  for (const auto& piece : pieces) {
    const std::vector<char> copy(piece.begin(), piece.end());  // so that no view outlives it unseen
    decoder.feed({copy.data(), copy.size()});
  }
  out.state = decoder.finish();
  if (out.state == State::complete) {
    out.reply = decoder.take("salt", 400);
  } else {
    out.code = decoder.failure().error.code;
    out.message = decoder.failure().error.message;
  }
  return out;
}

Decoded decode(const std::string& body) { return decode(std::vector{body}); }

std::string sse(std::initializer_list<json> chunks, bool done = true) {
  std::string out;
  for (const auto& chunk : chunks) out += "data: " + chunk.dump() + "\n\n";
  return done ? out + "data: [DONE]\n\n" : out;
}

json choice(json delta, json finish = nullptr) {
  json one{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}};
  return json{{"id", "c1"},
              {"object", "chat.completion.chunk"},
              {"created", 1},
              {"choices", json::array({std::move(one)})}};
}

json text(const std::string& content) { return choice({{"content", content}}); }
json finish(const std::string& reason) { return choice(json::object(), reason); }

json call(json index, json id, json name, json arguments) {
  json function = json::object();
  if (!name.is_null()) function["name"] = name;
  if (!arguments.is_null()) function["arguments"] = arguments;
  json one{{"function", function}};
  if (!index.is_null()) one["index"] = index;
  if (!id.is_null()) one["id"] = id;
  return choice({{"tool_calls", json::array({one})}});
}

Decoded good(const std::string& body) {
  auto decoded = decode(body);
  INFO(decoded.message);
  REQUIRE(decoded.state == State::complete);
  return decoded;
}

void check_failed(const std::string& body, ErrorCode code) {
  const auto decoded = decode(body);
  INFO(body);
  INFO(decoded.message);
  REQUIRE(decoded.state == State::failed);
  CHECK(muster::to_string(decoded.code) == muster::to_string(code));
}

}  // namespace

TEST_CASE("a stream of text becomes a reply") {
  const auto decoded = good(sse({choice({{"role", "assistant"}, {"content", ""}}),
                                 text("Hello"),
                                 text(", \"w\xC3\xB6rld\"\n"),
                                 finish("stop"),
                                 {{"choices", json::array()},
                                  {"usage",
                                   {{"prompt_tokens", 12},
                                    {"completion_tokens", 5},
                                    {"prompt_tokens_details", {{"cached_tokens", 8}}}}}}}));
  CHECK(decoded.reply.text == "Hello, \"w\xC3\xB6rld\"\n");
  CHECK(decoded.deltas == decoded.reply.text);
  CHECK(decoded.reply.finish_reason == "stop");
  CHECK(decoded.reply.usage == muster::Usage{12, 8, 5, false});
}

TEST_CASE("a stream may be cut anywhere") {
  const std::string body =
      "\xEF\xBB\xBF: OPENROUTER PROCESSING\r\n\r\n" +
      sse({text("a\xE2\x82\xAC\n"), choice({{"reasoning_content", "hm"}, {"content", nullptr}}),
           call(0, "x", "read", "{\"path\":"), call(0, nullptr, nullptr, "\"\xC3\xA4\"}"),
           finish("tool_calls")});
  const auto whole = good(body);
  REQUIRE(whole.reply.tool_calls == std::vector{ToolCall{"x", "read", "{\"path\":\"\xC3\xA4\"}"}});
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    const auto parts = decode({body.substr(0, cut), body.substr(cut)});
    const bool same = parts.state == State::complete && parts.reply.text == whole.reply.text &&
                      parts.reply.tool_calls == whole.reply.tool_calls &&
                      parts.reply.reasoning == "hm" && parts.deltas == whole.deltas;
    if (!same) FAIL("cut at " << cut << ": " << parts.message);
  }
  std::vector<std::string> bytes;
  for (const char c : body) bytes.emplace_back(1, c);
  CHECK(decode(bytes).reply.text == whole.reply.text);
}

TEST_CASE("lines may end in LF, CR LF or CR") {
  const auto with = [](const std::string& end) {
    std::string body;
    for (const auto& chunk : {text("a"), text("b"), finish("stop")})
      body += "data:" + chunk.dump() + end + end;
    return good(body + "data: [DONE]" + end + end).reply.text;
  };
  CHECK(with("\n") == "ab");
  CHECK(with("\r\n") == "ab");
  CHECK(with("\r") == "ab");
}

TEST_CASE("a whole answer becomes the same reply") {
  const json message{
      {"role", "assistant"},
      {"content", "text"},
      {"reasoning_content", "why"},
      {"tool_calls", json::array({{{"id", "1"},
                                   {"type", "function"},
                                   {"function", {{"name", "f"}, {"arguments", "{}"}}}}})}};
  const json body{
      {"choices", json::array({{{"index", 0}, {"message", message}, {"finish_reason", "stop"}}})},
      {"usage", {{"input_tokens", 3}, {"output_tokens", 4}}}};
  const auto decoded = good("\n " + body.dump(2));
  CHECK(decoded.reply.text == "text");
  CHECK(decoded.deltas == "text");
  CHECK(decoded.reply.reasoning == "why");
  CHECK(decoded.reply.tool_calls == std::vector{ToolCall{"1", "f", "{}"}});
  CHECK(decoded.reply.finish_reason == "tool_calls");
  CHECK(decoded.reply.usage == muster::Usage{3, 0, 4, false});
}

TEST_CASE("finish reasons are normalised") {
  const auto reason = [](const std::string& theirs) {
    return good(sse({text("x"), finish(theirs)})).reply.finish_reason;
  };
  CHECK(reason("stop") == "stop");
  CHECK(reason("end_turn") == "stop");
  CHECK(reason("STOP") == "stop");
  CHECK(reason("length") == "length");
  CHECK(reason("MAX_TOKENS") == "length");
  CHECK(reason("content_filter") == "content_filter");
  CHECK(reason("tool_calls") == "stop");  // there is none
  CHECK(reason("something new") == "unknown");
  check_failed(sse({text("x"), finish("error")}), ErrorCode::overloaded);
}

TEST_CASE("finish stop or nothing with tool calls means tool_calls, length stays") {
  const auto one = call(0, "a", "f", "{}");
  CHECK(good(sse({one, finish("stop")})).reply.finish_reason == "tool_calls");
  CHECK(good(sse({one})).reply.finish_reason == "tool_calls");
  CHECK(good(sse({one, finish("length")})).reply.finish_reason == "length");
  CHECK(good(sse({one, finish("function_call")})).reply.finish_reason == "tool_calls");
}

TEST_CASE("tool calls in every shape that providers send") {
  struct Case {
    const char* name;
    std::vector<json> chunks;
    std::vector<std::pair<std::string, std::string>> calls;  // name, arguments
    std::vector<std::string> ids = {};
  };
  const std::vector<Case> cases{
      {"in pieces",
       {call(0, "a", "f", ""), call(0, nullptr, nullptr, "{\"x\""),
        call(0, nullptr, nullptr, ":1}")},
       {{"f", "{\"x\":1}"}},
       {"a"}},
      {"two, interleaved",
       {call(0, "a", "f", "{"), call(1, "b", "g", "{"), call(0, nullptr, nullptr, "}"),
        call(1, nullptr, nullptr, "\"y\":2}")},
       {{"f", "{}"}, {"g", "{\"y\":2}"}},
       {"a", "b"}},
      {"no index at all",
       {call(nullptr, "a", "f", "{\"x\""), call(nullptr, nullptr, nullptr, ":1}"),
        call(nullptr, "b", "f", "{}")},
       {{"f", "{\"x\":1}"}, {"f", "{}"}},
       {"a", "b"}},
      {"no index, the id with every piece",
       {call(nullptr, "a", "f", "{"), call(nullptr, "a", "f", "}")},
       {{"f", "{}"}},
       {"a"}},
      {"the same index for two calls with ids",
       {call(0, "a", "f", "{}"), call(0, "b", "f", "{}")},
       {{"f", "{}"}, {"f", "{}"}},
       {"a", "b"}},
      {"the same index for two calls without ids",
       {call(0, nullptr, "f", "{\"x\":1}"), call(0, nullptr, "f", "{\"x\":2}")},
       {{"f", "{\"x\":1}"}, {"f", "{\"x\":2}"}}},
      {"neither index nor id",
       {call(nullptr, nullptr, "f", "{}"), call(nullptr, nullptr, "g", "{"),
        call(nullptr, nullptr, nullptr, "}")},
       {{"f", "{}"}, {"g", "{}"}}},
      {"the name with every piece",
       {call(0, "a", "f", "{\"x\""), call(0, "a", "f", ":1"), call(0, "a", "f", "}"),
        call(0, "a", "f", "")},
       {{"f", "{\"x\":1}"}},
       {"a"}},
      {"another id with every piece",
       {call(0, "a", "f", "{"), call(0, "b", nullptr, "}")},
       {{"f", "{}"}},
       {"a"}},
      {"an empty id and name in later pieces",
       {call(0, "a", "f", "{"), call(0, "", "", "}")},
       {{"f", "{}"}},
       {"a"}},
      {"arguments as an object", {call(0, "a", "f", json{{"x", 1}})}, {{"f", "{\"x\":1}"}}, {"a"}},
      {"arguments null", {call(0, "a", "f", nullptr)}, {{"f", ""}}, {"a"}},
      {"malformed arguments stay as they are",
       {call(0, "a", "f", "{\"x\":")},
       {{"f", "{\"x\":"}},
       {"a"}},
      {"a number as id", {call(0, 7, "f", "{}")}, {{"f", "{}"}}, {"7"}},
      {"an empty one is none",
       {call(0, "a", "f", "{}"), call(1, "b", nullptr, nullptr)},
       {{"f", "{}"}},
       {"a"}},
      {"the old protocol",
       {choice({{"function_call", {{"name", "f"}, {"arguments", "{\"x\""}}}}),
        choice({{"function_call", {{"arguments", ":1}"}}}})},
       {{"f", "{\"x\":1}"}}},
  };
  for (const auto& [name, chunks, calls, ids] : cases) {
    INFO(name);
    std::string body;
    for (const auto& chunk : chunks) body += "data: " + chunk.dump() + "\n\n";
    const auto decoded = good(body + sse({finish("tool_calls")}));
    REQUIRE(decoded.reply.tool_calls.size() == calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      CHECK(decoded.reply.tool_calls[i].name == calls[i].first);
      CHECK(decoded.reply.tool_calls[i].arguments == calls[i].second);
      if (i < ids.size()) CHECK(decoded.reply.tool_calls[i].id == ids[i]);
    }
  }
}

TEST_CASE("missing and repeated tool-call ids are invented, stable and distinct") {
  const auto body = sse({call(0, nullptr, "f", "{}"), call(1, nullptr, "f", "{}"),
                         call(2, "a", "f", "{}"), call(3, "a", "f", "{}"), finish("tool_calls")});
  const auto first = good(body).reply.tool_calls;
  CHECK(first == good(body).reply.tool_calls);
  REQUIRE(first.size() == 4);
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (std::size_t k = i + 1; k < first.size(); ++k) CHECK(first[i].id != first[k].id);
  }
  CHECK(first[2].id == "a");
  for (const auto& invented : {first[0].id, first[1].id, first[3].id}) {
    CHECK(invented.size() == 9);
    CHECK(invented.find_first_not_of(
              "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
          std::string::npos);
  }
  ChatDecoder other;
  other.feed(body);
  CHECK(other.take("another salt", 1).tool_calls[0].id != first[0].id);
}

TEST_CASE("usage is estimated when the provider sends none") {
  const auto usage = good(sse({text("12345678"), finish("stop")})).reply.usage;
  CHECK(usage == muster::Usage{100, 0, 2, true});
  const auto zeros = good(sse(
      {text("1234"),
       finish("stop"),
       {{"choices", json::array()}, {"usage", {{"prompt_tokens", 0}, {"completion_tokens", 0}}}}}));
  CHECK(zeros.reply.usage.estimated);
}

TEST_CASE("usage is read wherever providers put it") {
  const auto used = [](const json& chunk) {
    return good(sse({text("x"), finish("stop"), chunk})).reply.usage;
  };
  CHECK(
      used({{"choices", json::array()},
            {"usage",
             {{"prompt_tokens", 9}, {"completion_tokens", 1}, {"prompt_cache_hit_tokens", 4}}}}) ==
      muster::Usage{9, 4, 1, false});
  auto in_choice = finish("stop");
  in_choice["choices"][0]["usage"] = {
      {"prompt_tokens", 9}, {"completion_tokens", 1}, {"cached_tokens", 3}};
  CHECK(used(in_choice) == muster::Usage{9, 3, 1, false});
  CHECK(used({{"usage", {{"prompt_tokens", 9.0}, {"completion_tokens", 1e300}}}}).output_tokens >
        0);
  CHECK(used({{"usage", {{"prompt_tokens", -5}, {"completion_tokens", "many"}}}}).estimated);
}

TEST_CASE("reasoning is kept apart, under both names and once") {
  const auto decoded =
      good(sse({choice({{"reasoning_content", "a"}}), choice({{"reasoning", "b"}}),
                choice({{"reasoning_content", "c"}, {"reasoning", "c"}}),
                choice({{"content", "x"}, {"reasoning", nullptr}}), finish("stop")}));
  CHECK(decoded.reply.reasoning == "abc");
  CHECK(decoded.reply.text == "x");
  CHECK(decoded.deltas == "x");
}

TEST_CASE("content as parts, refusals, a message instead of a delta") {
  const json parts = json::array(
      {{{"type", "thinking"}, {"thinking", json::array({{{"type", "text"}, {"text", "t"}}})}},
       {{"type", "text"}, {"text", "a"}},
       "b",
       {{"type", "image_url"}}});
  const auto decoded = good(sse({choice({{"content", parts}}), finish("stop")}));
  CHECK(decoded.reply.text == "ab");
  CHECK(decoded.reply.reasoning == "t");
  CHECK(good(sse({choice({{"refusal", "no"}}), finish("stop")})).reply.text == "no");
  json message{
      {"choices", json::array({{{"message", {{"content", "whole"}}}, {"finish_reason", "stop"}}})}};
  CHECK(good(sse({message})).reply.text == "whole");
  CHECK(good(sse({text("whole"), message})).reply.text == "whole");
}

TEST_CASE("text and tool calls in different choices belong together") {
  auto chunk = text("hi");
  chunk["choices"].push_back(call(0, "a", "f", "{}")["choices"][0]);
  chunk["choices"][1]["index"] = 1;
  const auto decoded = good(sse({chunk, finish("stop")}));
  CHECK(decoded.reply.text == "hi");
  CHECK(decoded.reply.tool_calls.size() == 1);
}

TEST_CASE(
    "a missing [DONE] is fine after a finish reason, and a missing finish reason before [DONE]") {
  CHECK(good(sse({text("x"), finish("stop")}, false)).reply.text == "x");
  CHECK(good(sse({text("x")})).reply.finish_reason == "unknown");
  CHECK(good("data: " + finish("stop").dump()).reply.finish_reason ==
        "stop");  // no line end at all
  CHECK(good(sse({text("x"), finish("stop")}, false) + "data: [DONE]").reply.text == "x");
}

TEST_CASE("T10 a stream that ends early is a broken one") {
  check_failed(sse({text("x")}, false), ErrorCode::network);
  check_failed(sse({text("x")}, false) + "data: {\"choices\":[{\"delta\":{\"con",
               ErrorCode::network);
  check_failed(sse({call(0, "a", "f", "{")}, false), ErrorCode::network);
}

TEST_CASE("F6 what is no completion is malformed") {
  for (const char* body :
       {"", "  \n\n", "<!DOCTYPE html><html><body>Sign in</body></html>", "\n<html>",
        "Internal Server Error", ": only a comment\n\n", "data: [DONE]\n\n", "data: {broken\n\n",
        "data: 3\n\n", "data: [1]\n\n", "{", "{}", "{\"choices\":[]", "[]", "[3]",
        "{\"choices\":3}", "\xFF\xFE\xFD",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\\q\"}}]}\n\n"}) {
    check_failed(body, ErrorCode::malformed);
  }
  check_failed("data: " + std::string(100'000, '[') + "\n\n", ErrorCode::malformed);
  check_failed(std::string(100'000, '['), ErrorCode::malformed);
  check_failed(
      "{\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":" +
          std::string(1'000'000, '['),
      ErrorCode::malformed);
}

TEST_CASE("F6 members of unexpected types do no harm") {
  for (const char* member :
       {R"("choices":[{"delta":3,"finish_reason":"stop"}])",
        R"("choices":[{"delta":{"tool_calls":[3,{}]},"finish_reason":"stop"}])",
        R"("choices":[{"delta":{"content":{"a":1},"tool_calls":{}},"finish_reason":"stop")"
        R"(}])",
        R"("choices":[{"delta":{"function_call":"f","content":[[[]]]},"finish_reason":"st)"
        R"(op"}])",
        R"("choices":[3,{"delta":{},"finish_reason":"stop"}],"usage":[],"error":null)",
        R"("choices":[{"delta":{"content":5},"finish_reason":"stop"}],"usage":{"prompt_to)"
        R"(kens_details":7,"prompt_tokens":1})",
        R"("choices":[{"delta":{},"finish_reason":"stop"}],"error":false)"}) {
    INFO(member);
    CHECK(good("data: {" + std::string(member) + "}\n\n").reply.text.empty());
  }
}

TEST_CASE("errors inside a 200 are failures of their class") {
  const auto in_stream = [](const char* error) {
    return "data: {\"error\":" + std::string(error) + "}\n\n";
  };
  check_failed(in_stream(R"({"message":"Overloaded","type":"overloaded_error"})"),
               ErrorCode::overloaded);
  check_failed(in_stream(R"({"code":429,"message":"slow down"})"), ErrorCode::rate_limited);
  check_failed(in_stream(R"({"code":"insufficient_quota","message":"pay"})"),
               ErrorCode::quota_exhausted);
  check_failed(in_stream(R"("out of capacity")"), ErrorCode::overloaded);
  check_failed(sse({text("x")}, false) + in_stream(R"({"code":502,"message":"upstream"})"),
               ErrorCode::overloaded);
  check_failed("event: error\ndata: {\"message\":\"prompt is too long\"}\n\n",
               ErrorCode::context_overflow);
  check_failed(R"({"error":{"message":"invalid api key","code":401}})", ErrorCode::unauthenticated);
  check_failed(R"([{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}])",
               ErrorCode::rate_limited);
}

TEST_CASE("ill-formed UTF-8 and lone surrogates are repaired, not refused") {
  const auto content = [](const std::string& raw) {
    const auto body = "data: {\"choices\":[{\"delta\":{\"content\":\"" + raw +
                      "\"},\"finish_reason\":\"stop\"}]}\n\n";
    const auto decoded = good(body);
    CHECK(decoded.deltas == decoded.reply.text);
    return decoded.reply.text;
  };
  CHECK(content("a\xFF"
                "b") ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(content("\\ud83d\\ude00") == "\xF0\x9F\x98\x80");
  CHECK(content("\\ud83d!") == "\xEF\xBF\xBD!");
  CHECK(content("\\ude00\\u00e4\\/\\b\\f\\t\\r\\n\\\"\\\\") ==
        "\xEF\xBF\xBD\xC3\xA4/\b\f\t\r\n\"\\");
  CHECK(content("\\u20AC\\u0041\\u0000").size() == 5);
  // The same through the slow way: a tool call beside it.
  const auto slow = good(
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\xFF\",\"tool_calls\":[]},"
      "\"finish_reason\":\"stop\"}]}\n\n");
  CHECK(slow.reply.text == "a\xEF\xBF\xBD");
}

TEST_CASE("chunks that end in a single line feed are understood") {
  std::string body;
  for (const auto& chunk : {text("a"), text("b"), finish("stop")})
    body += "data: " + chunk.dump() + "\n";
  CHECK(good(body + "data: [DONE]\n\n").reply.text == "ab");
}

TEST_CASE("a reply is bounded, streamed or whole") {
  const muster::model::DecoderLimits limits{
      .max_reply_bytes = 1000, .max_event_bytes = 2000, .max_tool_calls = 4};
  const auto failed = [&](const std::string& body) {
    const auto decoded = decode({body}, limits);
    INFO(decoded.message);
    CHECK(decoded.state == State::failed);
    CHECK(decoded.code == ErrorCode::malformed);
  };
  std::string long_text;
  for (int i = 0; i < 11; ++i) long_text += "data: " + text(std::string(100, 'x')).dump() + "\n\n";
  failed(long_text);
  std::string long_call;
  for (int i = 0; i < 11; ++i)
    long_call += "data: " + call(0, "a", "f", std::string(100, 'x')).dump() + "\n\n";
  failed(long_call);
  std::string many_calls;
  for (int i = 0; i < 5; ++i) many_calls += "data: " + call(i, "a", "f", "{}").dump() + "\n\n";
  failed(many_calls);
  failed("data: " + std::string(3000, 'x'));
  failed("{\"choices\":[{\"message\":{\"content\":\"" + std::string(2000, 'x') + "\"}}]}");
}

TEST_CASE("the quick way reads what the slow way reads, and leaves the rest to it") {
  using muster::model::scan_plain_chunk;
  for (const char* plain :
       {R"({"choices":[{"delta":{"content":"x"}}]})",
        R"( { "id" : "a" , "created" : -1.5e3 , "choices" : [ { "index" : 0 , "delta" : {)"
        R"( "role" : "assistant" , "content" : "x" } , "logprobs" : null , "finish_reason)"
        R"(" : null } ] , "usage" : null } )",
        R"({"choices":[{"delta":{"content":"x","reasoning":null,"tool_calls":null},"finis)"
        R"(h_reason":"stop"}],"ok":true})"}) {
    INFO(plain);
    REQUIRE(json::accept(plain));
    const auto chunk = scan_plain_chunk(plain);
    REQUIRE(chunk);
    CHECK(chunk->text == "x");
  }
  for (const char* other : {R"({})",
                            R"({"choices":[]})",
                            R"({"choices":[{"index":1,"delta":{}}]})",
                            R"({"choices":[{"delta":{}},{}]})",
                            R"({"choices":[{"delta":{"tool_calls":[]}}]})",
                            R"({"choices":[{"delta":{}}],"usage":{}})",
                            R"({"error":"x","choices":[{"delta":{}}]})",
                            R"({"\u0065rror":"x","choices":[{"delta":{}}]})",
                            R"({"choices":[{"delta":{"content":["x"]}}]})",
                            R"({"choices":[{"delta":{"content":"x"}}])",
                            R"({"choices":[{"delta":{"content":"x"}}]} x)",
                            R"({"choices":[{"delta":{"content":"x}}]})",
                            R"({"choices":[{"message":{"content":"x"}}]})",
                            R"({"choices":[{"delta":{"content":"x",}}]})",
                            R"({"choices":[{"delta":{"refusal":"x"}}]})",
                            "{\"choices\":[{\"delta\":{\"content\":\"a\nb\"}}]}",
                            "",
                            "{",
                            R"({"choices":[{"delta":{}}],"a":tru})",
                            R"({"choices":[{"delta":{"content":"\)"}) {
    INFO(other);
    CHECK_FALSE(scan_plain_chunk(other).has_value());
  }
}
