// The stochastic mode: what each role does, and that only its identity decides.

#include "adapters/model/scripted_stochastic.hpp"

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/core/plan.hpp"

using namespace muster::scripted;
using nlohmann::json;

namespace {

struct Play {
  std::string body;
  ScriptedRequest request;
};

/// A request with that identity; `tool` is on offer, `last` is the tool that answered.
Play play(const std::string& agent, const std::string& task, int attempt = 1, int turn = 1,
          const std::string& last = "", const std::string& user = "go") {
  Play out;
  const auto line = "[muster agent=" + agent + " task=" + task + " turn=" + std::to_string(turn) +
                    " attempt=" + std::to_string(attempt) + " session=S]\n";
  json messages{{{"role", "user"}, {"content", line + user}}};
  if (!last.empty()) messages.push_back({{"role", "tool"}, {"name", last}, {"content", "ok"}});
  out.body = json{{"messages", messages}}.dump();
  auto request = scan_request(out.body);
  REQUIRE(request.ok());
  out.request = request.value();
  return out;
}

json first_arguments(const Stochastic& mode, const Play& given, const std::string& tool) {
  const auto reply = stochastic_reply(mode, {}, given.request);
  REQUIRE(reply);
  REQUIRE_FALSE(reply->tool_calls.empty());
  CHECK(reply->tool_calls[0].name == tool);
  return json::parse(reply->tool_calls[0].arguments);
}

bool defective(const Stochastic& mode, const std::string& task, int attempt) {
  const auto given = play("worker", task, attempt);
  const auto arguments = first_arguments(mode, given, "write");
  const auto content = arguments["content"].get<std::string>();
  return content.find(kDefectMarker) != std::string::npos;
}

}  // namespace

TEST_CASE("the planner's plan is one that the engine accepts, unless it went wrong",
          "[stochastic]") {
  Stochastic mode;
  mode.tasks = 12;
  mode.files_per_task = 2;
  const auto planner = play("planner", "");
  auto tasks = muster::parse_plan(first_arguments(mode, planner, "submit_plan"));
  REQUIRE(tasks.ok());
  CHECK(tasks.value().size() == 12);
  CHECK(muster::validate_plan(tasks.value(), {}, {}).empty());
  CHECK(tasks.value()[1].files.size() == 2);
  mode.roles["planner"].success = 0;
  tasks = muster::parse_plan(first_arguments(mode, planner, "submit_plan"));
  REQUIRE(tasks.ok());
  CHECK_FALSE(muster::validate_plan(tasks.value(), {}, {}).empty());
}

TEST_CASE("a worker writes the files of its task, then submits them", "[stochastic]") {
  Stochastic mode;
  mode.files_per_task = 2;
  const auto plan = muster::parse_plan(first_arguments(mode, play("planner", ""), "submit_plan"));
  REQUIRE(plan.ok());
  const auto writing = play("worker", "M1.T2");
  const auto reply = stochastic_reply(mode, {}, writing.request);
  REQUIRE(reply);
  REQUIRE(reply->tool_calls.size() == 2);
  const auto second = json::parse(reply->tool_calls[1].arguments);
  CHECK(second["path"] == plan.value()[1].files[1]);
  CHECK(reply->tool_calls[0].id != reply->tool_calls[1].id);
  const auto done = play("worker", "M1.T2", 1, 2, "write");
  const auto result = first_arguments(mode, done, "submit_result");
  CHECK(result["changed_files"] == json(plan.value()[1].files));
}

TEST_CASE("failures come with their probability, and only identity and seed decide",
          "[stochastic]") {
  Stochastic mode;
  mode.roles["worker"].success = 0.7;
  int defects = 0;
  std::map<int, bool> first;
  for (int i = 0; i < 1000; ++i) {
    first[i] = defective(mode, "M1.T" + std::to_string(i), 1);
    defects += first[i] ? 1 : 0;
  }
  CHECK(defects > 240);
  CHECK(defects < 360);
  // The other way round, the same.
  int same = 0;
  for (int i = 999; i >= 0; --i) same += defective(mode, "M1.T" + std::to_string(i), 1) == first[i];
  CHECK(same == 1000);
  int other_attempt = 0;
  for (int i = 0; i < 1000; ++i) {
    other_attempt += defective(mode, "M1.T" + std::to_string(i), 2) != first[i];
  }
  CHECK(other_attempt > 200);
  mode.seed = 99;
  int other_seed = 0;
  for (int i = 0; i < 1000; ++i) {
    other_seed += defective(mode, "M1.T" + std::to_string(i), 1) != first[i];
  }
  CHECK(other_seed > 200);
}

TEST_CASE("a reviewer rejects by chance, and always an added defect", "[stochastic]") {
  Stochastic mode;
  const auto good = play("reviewer", "M1.T1", 1, 1, "", "diff:\n+fine\n-MUSTER-DEFECT\n");
  CHECK(first_arguments(mode, good, "submit_verdict")["verdict"] == "approve");
  const auto bad = play("reviewer", "M1.T1", 1, 1, "", "diff:\n+fine\n+MUSTER-DEFECT\n");
  const auto verdict = first_arguments(mode, bad, "submit_verdict");
  CHECK(verdict["verdict"] == "reject");
  CHECK(verdict["findings"][0]["severity"] == "error");
  mode.roles["reviewer"].success = 0;
  CHECK(first_arguments(mode, good, "submit_verdict")["verdict"] == "reject");
}

TEST_CASE("the tools on offer say which part is played, before the name does", "[stochastic]") {
  Stochastic mode;
  const std::string body =
      R"({"messages":[{"role":"user","content":"[muster agent=anna task=M1.T1]\nx"}],)"
      R"("tools":[{"type":"function","function":{"name":"submit_verdict"}}]})";
  const auto request = scan_request(body);
  REQUIRE(request.ok());
  CHECK(stochastic_reply(mode, {}, request.value())->tool_calls[0].name == "submit_verdict");
  CHECK(first_arguments(mode, play("commander", ""), "submit_triage")["kind"] == "large");
  CHECK_FALSE(stochastic_reply(mode, {}, play("stranger", "").request));
}

TEST_CASE(
    "what the briefing asks for comes first: the commander seals at the end, plans have their "
    "milestone",
    "[stochastic]") {
  Stochastic mode;
  const auto seal = play("commander", "-", 1, 1, "", "No submit_triage now. Call request_seal.");
  CHECK(first_arguments(mode, seal, "request_seal").contains("summary"));
  const auto search = play("commander", "-", 1, 1, "", "then call answer with what you found");
  CHECK(first_arguments(mode, search, "answer").contains("text"));
  const auto again = play("planner", "-", 1, 1, "", "Use ids of milestone M3. Call submit_plan.");
  const auto plan = first_arguments(mode, again, "submit_plan");
  CHECK(plan["tasks"][0]["id"] == "M3.T1");
  CHECK(plan["summary"].is_string());
}

TEST_CASE("a role's latency is its own", "[stochastic]") {
  Stochastic mode;
  mode.roles["worker"].latency_ms = 100;
  mode.roles["worker"].latency_jitter_ms = 50;
  const auto reply = stochastic_reply(mode, {7, 0, 40}, play("worker", "M1.T1").request);
  CHECK(reply->pace.latency_ms >= 100);
  CHECK(reply->pace.latency_ms <= 150);
  CHECK(stochastic_reply(mode, {7, 0, 40}, play("planner", "").request)->pace.latency_ms == 7);
}
