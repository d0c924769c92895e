// The scripted model without its wire: what it reads of a request, which rule answers, with what.

#include "adapters/model/scripted_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapters/model/scenario_scan.hpp"
#include "adapters/model/scripted_stochastic.hpp"
#include "adapters/model/scripted_wire.hpp"

using namespace muster::scripted;
using nlohmann::json;

namespace {

json message(const std::string& role, const json& content) {
  return {{"role", role}, {"content", content}};
}

/// A request of an agent in a turn: turn - 1 assistant messages lie behind it.
std::string request_body(const std::string& agent, const std::string& task, int turn = 1,
                         const std::string& text = "go on", int attempt = 1) {
  const auto line = "[muster agent=" + agent + " task=" + task +
                    " attempt=" + std::to_string(attempt) + " session=S1]";
  json messages{message("system", "You are."), message("user", line + "\nDo it.")};
  for (int i = 1; i < turn; ++i) {
    messages.push_back(message("assistant", "step"));
    messages.push_back(message("user", text));
  }
  return json{{"model", "m"}, {"messages", messages}}.dump();
}

/// The text of the reply, or the error's.
std::string answer(ScriptedModel& model, const std::string& body) {
  const auto request = scan_request(body);
  REQUIRE(request.ok());
  const auto reply = model.reply(request.value());
  return reply.ok() ? reply.value().text : "gap: " + reply.error().message;
}

ScriptedModel model_of(const std::string& rules) {
  auto scenario = parse_scenario("{\"rules\":" + rules + "}", "test");
  INFO((scenario.ok() ? "" : scenario.error().text()));
  REQUIRE(scenario.ok());
  return ScriptedModel(std::move(scenario).value());
}

}  // namespace

TEST_CASE("a request is scanned for what rules need", "[scripted]") {
  const std::string body = R"({
    "stream": true, "stream_options": {"include_usage": true}, "model": "gpt-x", "temperature": -0.5e3,
    "tools": [{"type": "function", "function": {"name": "shell", "parameters": {"a": [1, [], {}]}}}],
    "messages": [
      {"role": "system", "content": "[muster agent=not task=this]"},
      {"role": "user", "content": "[muster agent=worker task=M1.T2 attempt=3 session=S17]\nDo \"it\"."},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{\"path\":\"a\"}"}},
        {"function": {"arguments": "{}", "name": "shell"}, "id": "c2", "type": "function"}]},
      {"tool_call_id": "c1", "role": "tool", "content": "content of a"},
      {"content": "exit 0\n\u00e9\ud83d\ude00\\", "tool_call_id": "c2", "role": "tool"}
    ]})";
  const auto scanned = scan_request(body);
  REQUIRE(scanned.ok());
  const auto& request = scanned.value();
  CHECK(request.agent == "worker");
  CHECK(request.task == "M1.T2");
  CHECK(request.session == "S17");
  CHECK(request.attempt == 3);
  CHECK(request.turn == 2);
  CHECK(request.model == "gpt-x");
  CHECK(request.stream);
  CHECK(request.include_usage);
  CHECK(request.last_tool == "shell");
  CHECK(request.last_tool_output() == "exit 0\n\xc3\xa9\xf0\x9f\x98\x80\\");
  CHECK(request.last_text() == request.last_tool_output());
  CHECK(request.offers("shell"));
  CHECK_FALSE(request.offers("write"));
}

TEST_CASE("content in parts, a turn in the line, a tool's own name", "[scripted]") {
  const auto parts = json::array({{{"type", "text"}, {"text", "[muster agent=a task=b turn=9]\n"}},
                                  {{"type", "text"}, {"text", "more"}}});
  json tool = message("tool", "out");
  tool["name"] = "glob";
  const auto body = json{{"messages", {message("user", parts), tool}}}.dump();
  const auto request = scan_request(body);
  REQUIRE(request.ok());
  CHECK(request.value().turn == 9);
  CHECK(request.value().agent == "a");
  CHECK(request.value().last_tool == "glob");
}

TEST_CASE("a request without our line has no agent; one that is no request is refused",
          "[scripted]") {
  const auto plain = scan_request(R"({"messages":[{"role":"user","content":"hello"}]})");
  REQUIRE(plain.ok());
  CHECK(plain.value().agent.empty());
  CHECK(plain.value().attempt == 1);
  const auto mission = scan_request(request_body("planner", "-"));
  REQUIRE(mission.ok());
  CHECK(mission.value().agent == "planner");
  CHECK(mission.value().task.empty());
  const std::vector<std::string> wrong{"",
                                       "[]",
                                       "null",
                                       "{",
                                       R"({"messages":[]})",
                                       R"({"messages":{}})",
                                       R"({"messages":[1]})",
                                       R"({"model":"x"})",
                                       R"({"messages":[{"role":"user"}]} x)",
                                       R"({"messages":[{"role" "user"}]})",
                                       R"({"a":tru,"messages":[{"role":"user"}]})",
                                       R"({"messages":[{"role":"user","content":"x]})",
                                       "{\"a\":" + std::string(100'000, '[')};
  for (const auto& body : wrong) {
    INFO(body.substr(0, 60));
    CHECK_FALSE(scan_request(body).ok());
  }
}

TEST_CASE("the first rule that matches answers", "[scripted]") {
  auto model = model_of(R"([
    {"when": {"agent": "worker", "task": "M1.T1", "turn": 1}, "then": {"text": "w1t1"}},
    {"when": {"agent": "worker", "task_matches": "M1\\.T[2-3]", "turn": {"min": 2}}, "then": {"text": "late"}},
    {"when": {"agent": "worker", "attempt": 2}, "then": {"text": "again"}},
    {"when": {"agent": ["reviewer", "fixer"]}, "then": {"text": "other"}},
    {"when": {"agent": "worker", "turn": [1, 3]}, "then": {"text": "odd"}}
  ])");
  CHECK(answer(model, request_body("worker", "M1.T1")) == "w1t1");
  CHECK(answer(model, request_body("worker", "M1.T2", 2)) == "late");
  CHECK(answer(model, request_body("worker", "M1.T23", 1)) == "odd");
  CHECK(answer(model, request_body("worker", "M1.T9", 1, "", 2)) == "again");
  CHECK(answer(model, request_body("fixer", "M1.T9", 5)) == "other");
  CHECK(answer(model, request_body("worker", "M1.T9", 3)) == "odd");
  const auto gap = answer(model, request_body("worker", "M1.T9", 2, "what now?"));
  CHECK(gap ==
        "gap: no rule matches agent=worker task=M1.T9 turn=2 attempt=1 last_tool=(none); the "
        "last message begins: what now?");
}

TEST_CASE("once, times and nth count; reset forgets", "[scripted]") {
  auto model = model_of(R"([
    {"when": {"agent": "a"}, "then": {"text": "once"}, "once": true},
    {"when": {"agent": "a", "nth": 2}, "then": {"text": "second"}},
    {"when": {"agent": "a"}, "then": {"text": "twice"}, "times": 2},
    {"when": {"agent": "a", "nth": {"min": 2}}, "then": {"text": "later"}},
    {"then": {"text": "rest"}}
  ])");
  const std::vector<std::string> expected{"once", "twice", "second", "twice",
                                          "rest", "later", "later"};
  for (int round = 0; round < 2; ++round) {
    for (const auto& text : expected) CHECK(answer(model, request_body("a", "t")) == text);
    CHECK(model.counts()[0].met == expected.size());
    CHECK(model.counts()[0].used == 1);
    CHECK(answer(model, request_body("b", "t")) == "rest");
    model.reset();
  }
}

TEST_CASE("last_tool and text_matches look at the last message; captures fill templates",
          "[scripted]") {
  auto model = model_of(R"j([
    {"when": {"text_matches": "(?s)error: (\\w+).*line (\\d+)"},
     "then": {"text": "fix {{capture.1}} at {{capture.2}} of {{capture.0}}"}},
    {"when": {"last_tool": ""},
     "then": {"text": "no tool {{agent}} {{task}} {{turn}} {{attempt}} {{session}} {{model}}"}}
  ])j");
  CHECK(answer(model, request_body("w", "T", 2, "error: typo\nin line 7!")) ==
        "fix typo at 7 of error: typo\nin line 7");
  CHECK(answer(model, request_body("w", "T", 3, "fine", 4)) == "no tool w T 3 4 S1 m");
}

TEST_CASE("what is put into arguments stays inside its JSON string", "[scripted]") {
  auto model = model_of(R"j([
    {"when": {"text_matches": "(?s)(.*)"}, "then": {"tool_calls": [
      {"name": "write", "arguments": {"path": "{{task}}.txt", "content": "<{{capture.1}}>",
                                      "n": [1, {"k": "{{turn}}"}]}},
      {"name": "{{agent}}", "raw_arguments": "{bad {{turn}}", "id": "given-{{turn}}"},
      {"name": "plain", "id": null}]}}
  ])j");
  const std::string nasty = "\"},{\"x\":\"\\ \n\t\x01 \xff {{agent}} \xe2\x82\xac";
  auto body = json{
      {"messages", {message("user", "[muster agent=w task=T\"1]\nx"), message("assistant", "a")}}};
  body["messages"].push_back(message("user", "PLACE"));
  auto text = body.dump();
  std::string escaped;
  append_escaped(escaped, nasty);
  text.replace(text.find("PLACE"), 5, escaped);
  const auto request = scan_request(text);
  REQUIRE(request.ok());
  const auto reply = model.reply(request.value());
  REQUIRE(reply.ok());
  const auto& calls = reply.value().tool_calls;
  REQUIRE(calls.size() == 3);
  const auto arguments = json::parse(calls[0].arguments);
  CHECK(arguments["path"] == "T\"1.txt");
  CHECK(arguments["content"] == "<\"},{\"x\":\"\\ \n\t\x01 \xef\xbf\xbd {{agent}} \xe2\x82\xac>");
  CHECK(arguments["n"][1]["k"] == "2");
  CHECK(calls[0].id == "call_1");
  CHECK(calls[1].name == "w");
  CHECK(calls[1].arguments == "{bad 2");
  CHECK(calls[1].id == "given-2");
  CHECK_FALSE(calls[2].id.has_value());
  CHECK(calls[2].arguments == "{}");
  CHECK(reply.value().finish_reason == "tool_calls");
}

TEST_CASE("what rules see of a message is bounded", "[scripted]") {
  auto model = model_of(R"([{"then": {"text": "{{last_tool_output}}"}}])");
  json tool = message("tool", std::string(kMaxText - 1, 'a') + "\xe2\x82\xac tail");
  const auto body = json{{"messages", {message("user", "x"), tool}}}.dump();
  CHECK(answer(model, body) == std::string(kMaxText - 1, 'a'));
}

TEST_CASE("a stream is cut into chunks between characters and its pieces add up", "[scripted]") {
  ScriptedReply reply;
  reply.text =
      "a\xe2\x82\xac\xc3\xa9"
      "b\"c";
  reply.reasoning = "why";
  reply.tool_calls.push_back({"id1", "write", R"({"p":"x"})"});
  reply.finish_reason = "tool_calls";
  reply.usage = ScriptedUsage{10, 5, 3};
  reply.pace.chunk_chars = 2;
  const auto events = stream_events(reply, {7, 1700000000, "m\"x", true});
  std::string text;
  std::string reasoning;
  std::string arguments;
  json last_usage;
  std::size_t begin = 0;
  for (std::size_t i = 0; i + 1 < events.ends.size(); ++i) {
    const auto event = events.bytes.substr(begin, events.ends[i] - begin);
    begin = events.ends[i];
    REQUIRE(event.starts_with("data: "));
    REQUIRE(event.ends_with("\n\n"));
    const auto chunk = json::parse(event.substr(6));
    CHECK(chunk["model"] == "m\"x");
    if (chunk.contains("usage")) last_usage = chunk["usage"];
    if (chunk["choices"].empty()) continue;
    const auto& delta = chunk["choices"][0]["delta"];
    text += delta.value("content", "");
    reasoning += delta.value("reasoning_content", "");
    if (delta.contains("tool_calls")) {
      arguments += delta["tool_calls"][0]["function"]["arguments"].get<std::string>();
    }
  }
  CHECK(events.bytes.substr(begin) == "data: [DONE]\n\n");
  CHECK(text == reply.text);
  CHECK(reasoning == "why");
  CHECK(arguments == R"({"p":"x"})");
  CHECK(last_usage["total_tokens"] == 15);
  CHECK(last_usage["prompt_tokens_details"]["cached_tokens"] == 3);
  const auto whole = json::parse(whole_body(reply, {7, 1, "m", false}));
  CHECK(whole["choices"][0]["message"]["content"] == reply.text);
  CHECK(whole["choices"][0]["message"]["tool_calls"][0]["id"] == "id1");
  CHECK(whole["choices"][0]["finish_reason"] == "tool_calls");
}

TEST_CASE("text that is no UTF-8 is sent as replacement characters", "[scripted]") {
  std::string out;
  append_escaped(out, "a\xc3(\xed\xa0\x80\xf0\x82\x82\xac\xe2\x82");
  CHECK_NOTHROW(json::parse("\"" + out + "\""));
  CHECK(unescape_json(R"(\ud800x\u12\udc00\q\u00e9)", 100) ==
        "\xef\xbf\xbdx\xef\xbf\xbd"
        "12\xef\xbf\xbdq\xc3\xa9");
  CHECK(unescape_json("abc\xe2\x82\xac", 4) == "abc");
}
