// Reading scenarios: what is right is read, what is wrong is named with file, line and rule.

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "adapters/model/scenario.hpp"

using muster::ErrorCode;
using muster::scripted::FaultKind;
using muster::scripted::load_scenario;
using muster::scripted::parse_scenario;
using muster::scripted::RuleThen;
using muster::scripted::ScriptedToolCall;

namespace {

std::string error_of(const std::string& text) {
  const auto scenario = parse_scenario(text, "s.json");
  return scenario.ok() ? "no error" : scenario.error().text();
}

/// A scenario of one rule, which stands in line 3.
std::string one_rule(const std::string& rule) {
  return "{\n \"rules\": [\n  " + rule + "\n ]\n}\n";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a scenario is read with its defaults, rules and lines", "[scenario]") {
  const auto scenario = parse_scenario(R"({
  "name": "all of it", "note": "free text",
  "defaults": {"latency_ms": 5, "chunk_chars": 7},
  "rules": [
    {"when": {"agent": ["worker", "fixer"], "task_matches": "M1\\.T[0-9]+", "turn": [1, 3],
              "attempt": {"min": 2}, "last_tool": "", "nth": 2},
     "then": {"text": "hi {{task}}", "token_delay_ms": 9}, "once": true},
    {"then": {"tool_calls": [{"name": "write", "arguments": {"path": "a"}, "id": null},
                             {"name": "x", "raw_arguments": "{bad"}],
              "usage": null, "finish_reason": "length"}, "times": 3},
    {"note": "the rest", "then": {"usage": {"prompt_tokens": 1, "completion_tokens": 2},
              "fault": {"kind": "status", "status": 429, "headers": {"retry-after": "1"},
                        "body": {"error": "slow"}}}}
  ]
})",
                                       "s.json");
  REQUIRE(scenario.ok());
  const auto& rules = scenario.value().rules;
  REQUIRE(rules.size() == 3);
  CHECK(scenario.value().name == "all of it");
  CHECK(rules[0].line == 5);
  CHECK(rules[1].line == 8);
  CHECK(rules[2].line == 11);
  CHECK(rules[0].when.agents == std::vector<std::string>{"worker", "fixer"});
  CHECK(rules[0].when.turn.holds(3));
  CHECK_FALSE(rules[0].when.turn.holds(2));
  CHECK_FALSE(rules[0].when.attempt.holds(1));
  CHECK(rules[0].when.attempt.holds(7));
  CHECK(rules[0].when.last_tool == "");
  CHECK(rules[0].times == 1);
  CHECK(rules[0].then.pace.latency_ms == 5);
  CHECK(rules[0].then.pace.token_delay_ms == 9);
  CHECK(rules[0].then.pace.chunk_chars == 7);
  CHECK(rules[1].times == 3);
  CHECK(rules[1].then.tool_calls[0].id_kind == ScriptedToolCall::Id::omitted);
  CHECK(rules[1].then.tool_calls[1].id_kind == ScriptedToolCall::Id::generated);
  CHECK(rules[1].then.usage_kind == RuleThen::UsageKind::omitted);
  CHECK(rules[1].then.finish_reason == "length");
  CHECK(rules[2].then.usage.completion_tokens == 2);
  CHECK(rules[2].then.fault.kind == FaultKind::status);
  CHECK(rules[2].then.fault.headers.front().first == "retry-after");
  CHECK(rules[2].then.fault.body == R"({"error":"slow"})");
}

TEST_CASE("text that is no JSON is named with its line", "[scenario]") {
  const auto error = error_of("{\n  \"rules\": [\n    {\"then\" {}}\n  ]\n}");
  CHECK(contains(error, "s.json:3: not valid JSON: "));
  CHECK(contains(error_of(""), "s.json:1: not valid JSON"));
  CHECK(contains(error_of("{\n\n"), "s.json:3: not valid JSON"));
}

TEST_CASE("an unknown key is an error with its path, its line and the known ones", "[scenario]") {
  CHECK(error_of("{\n\"ruels\": []}") ==
        "s.json:2: ruels: unknown key (known here: defaults, name, note, rules, stochastic)");
  const auto when = error_of(
      "{\"rules\": [\n{\"then\": {\"text\": \"a\"}},\n{\"then\": {\"text\": \"b\"},\n \"when\": {\n"
      "  \"agent\": \"x\",\n  \"turnn\": 1}}]}");
  CHECK(contains(when, "s.json:6: rules[1].when.turnn: unknown key (known here: agent, attempt, "));
  CHECK(contains(error_of(one_rule(R"({"then": {"fault": {"kind": "empty", "status": 1}}})")),
                 "s.json:3: rules[0].then.fault.status: unknown key"));
  CHECK(contains(error_of(one_rule(R"({"then": {"tool_calls": [{"name": "a", "argments": {}}]}})")),
                 "rules[0].then.tool_calls[0].argments: unknown key"));
}

TEST_CASE("a wrong value is an error with its path", "[scenario]") {
  struct Case {
    std::string rule;
    std::string expected;
  };
  const std::vector<Case> cases{
      {R"({})", "rules[0]: the key 'then' is missing"},
      {R"({"then": {}})", "rules[0].then: says nothing"},
      {R"([])", "rules[0]: must be an object"},
      {R"({"then": {"text": 3}})", "rules[0].then.text: must be a string"},
      {R"({"then": {"latency_ms": -1, "text": ""}})",
       "rules[0].then.latency_ms: must be a whole number from 0 to"},
      {R"({"then": {"latency_ms": 1.5, "text": ""}})", "must be a whole number"},
      {R"({"then": {"chunk_chars": 0, "text": ""}})", "rules[0].then.chunk_chars: must be a whole"},
      {R"({"then": {"text": "{{agnet}}"}})", "rules[0].then.text: unknown variable {{agnet}}"},
      {R"({"then": {"text": "{{capture.1}}"}})", "{{capture.1}}: text_matches has 0 groups"},
      {R"({"then": {"text": "{{capture.x}}"}})", "{{capture.N}} needs a number"},
      {R"({"then": {"tool_calls": [{"name": "a", "arguments": {"b": "{{nope}}"}}]}})",
       "rules[0].then.tool_calls[0].arguments: unknown variable {{nope}}"},
      {R"({"then": {"tool_calls": [{"arguments": {}}]}})", "the key 'name' is missing"},
      {R"({"then": {"tool_calls": [{"name": "a", "arguments": {}, "raw_arguments": ""}]}})",
       "give arguments or raw_arguments, not both"},
      {R"({"then": {"fault": {"kind": "explode"}}})",
       "rules[0].then.fault.kind: unknown fault 'explode' (known: status, hang_before_headers"},
      {R"({"then": {"fault": {"kind": "none"}}})", "unknown fault 'none'"},
      {R"({"then": {"fault": "status"}})", "a status fault needs its status"},
      {R"({"then": {"fault": {"kind": "status"}}})", "the key 'status' is missing"},
      {R"({"then": {"fault": {"kind": "status", "status": 99}}})", "from 200 to 599"},
      {R"({"then": {"fault": {"kind": "status", "status": 429, "headers": {"retry-after": 1}}}})",
       "rules[0].then.fault.headers.retry-after: must be a string"},
      {R"({"when": {"turn": "one"}, "then": {"text": ""}})",
       "rules[0].when.turn: must be a number"},
      {R"({"when": {"turn": []}, "then": {"text": ""}})", "an empty list never matches"},
      {R"({"when": {"turn": {"mim": 2}}, "then": {"text": ""}})",
       "rules[0].when.turn.mim: unknown key (known here: max, min)"},
      {R"({"when": {"agent": 1}, "then": {"text": ""}})",
       "rules[0].when.agent: must be a string or an array of strings"},
      {R"({"when": {"text_matches": "(a"}, "then": {"text": ""}})",
       "rules[0].when.text_matches: not a regular expression (RE2): missing"},
      {R"({"then": {"text": ""}, "once": true, "times": 2})", "give once or times, not both"},
      {R"({"then": {"text": ""}, "times": 0})", "rules[0].times: must be a whole number from 1"},
      {R"({"then": {"text": "", "usage": {"prompt_tokens": 3}}})",
       "rules[0].then.usage: the key 'completion_tokens' is missing"},
  };
  for (const auto& [rule, expected] : cases) {
    INFO(rule);
    const auto error = error_of(one_rule(rule));
    INFO(error);
    CHECK(error.starts_with("s.json:3: "));
    CHECK(contains(error, expected));
  }
  CHECK(contains(error_of("[]"), "s.json:1: the scenario: must be an object"));
  CHECK(contains(error_of("{}"), "has neither rules nor stochastic"));
  CHECK(contains(error_of(R"({"stochastic": {"roles": {"worker": {"success": 2}}}})"),
                 "stochastic.roles.worker.success: must be a number from 0"));
}

TEST_CASE("braces that hold no name are text, as in program code", "[scenario]") {
  const auto scenario = parse_scenario(
      one_rule(R"({"then": {"text": "std::array a{{1, 2}, {}}; {{}} {{braces}}x}}"}})"), "s.json");
  REQUIRE(scenario.ok());
  const auto& text = scenario.value().rules[0].then.text;
  REQUIRE(text.pieces.size() == 1);
  CHECK(text.pieces[0].literal == "std::array a{{1, 2}, {}}; {{}} {{x}}");
}

TEST_CASE("a file that is not there is not_found with its name", "[scenario]") {
  const auto scenario = load_scenario("/nonexistent/scenario.json");
  REQUIRE_FALSE(scenario.ok());
  CHECK(scenario.error().code == ErrorCode::not_found);
  CHECK(contains(scenario.error().text(), "/nonexistent/scenario.json"));
}

TEST_CASE("every scenario of the benchmarks loads", "[scenario]") {
  int loaded = 0;
  const std::filesystem::path folder = std::string(MUSTER_SOURCE_DIR) + "/tests/scenarios";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("bench_") && !name.starts_with("stochastic")) continue;
    const auto scenario = load_scenario(entry.path().string());
    INFO((scenario.ok() ? name : scenario.error().text()));
    CHECK(scenario.ok());
    ++loaded;
  }
  CHECK(loaded >= 3);
}
