// A second terminal in the same folder: status, stop, answer, tell; and diff, undo, apply, discard
// afterwards.

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

/// A mission whose worker asks a person first, on a terminal, so that it waits for the answer.
class Asking {
 public:
  explicit Asking(const json& first_rule = nullptr) : machine(plain::files()) {
    std::vector<json> first_rules;
    if (first_rule.is_object()) first_rules.push_back(first_rule);
    auto rules = plain::small_mission();
    rules.erase(rules.begin() + 1, rules.begin() + 3);  // the worker begins with a question here
    first_rules.push_back(rule({{"agent", "worker"}, {"turn", 1}},
                               {call("ask_user", {{"question", "Which greeting?"}})}));
    first_rules.push_back(rule({{"agent", "worker"}, {"last_tool", "edit"}},
                               {submit({"greet.sh", "tests/greet_test.sh"})}));
    rules.insert(rules.begin(), first_rules.begin(), first_rules.end());
    machine.script(scenario(rules));
    run = machine.start({"run", "Be polite", "--json"}, Stdio::terminal);
    run->wait_line(R"("type":"needs_user")");
  }

  Sandbox machine;
  std::unique_ptr<Program> run;
};

}  // namespace

TEST_CASE("status from a second terminal tells phase, tasks and the open question") {
  Asking mission;
  auto status = mission.machine.muster({"status", "--json"});
  auto processes = mission.machine.muster({"ps", "--json"});
  REQUIRE(processes.exit_code == 0);
  CHECK(json::parse(processes.out)["agents"].is_array());
  CHECK(json::parse(processes.out)["jobs"].is_array());
  CHECK_THAT(mission.machine.muster({"ps"}).out,
             ContainsSubstring("who") && ContainsSubstring("tokens"));
  INFO(status.err);
  REQUIRE(status.exit_code == 0);
  auto shown = json::parse(status.out);
  CHECK(shown["objective"] == "Be polite");
  REQUIRE(shown["tasks"].size() == 1);
  CHECK(shown["tasks"][0]["id"] == "M1.T1");
  REQUIRE(shown["questions"].size() == 1);
  CHECK_THAT(shown["questions"][0]["text"].get<std::string>(),
             ContainsSubstring("Which greeting?"));
  CHECK(shown["slots"]["limit"] == 50);
  REQUIRE(shown["lanes"].size() == 1);
  CHECK(shown["lanes"][0]["in_use"] == 0);  // nobody holds a place while a person is asked
  bool sessions = false;
  for (const auto& one : shown["actors"]["classes"])
    if (one["class"] == "session") sessions = one["alive"] == 1 && one["messages"] > 0;
  CHECK(sessions);
  auto plain = mission.machine.muster({"status"});
  CHECK(plain.exit_code == 0);
  CHECK_THAT(plain.out, ContainsSubstring("Which greeting?") && ContainsSubstring("M1.T1"));
  // A folder below the root is the same workspace.
  CHECK_THAT(run_program({MUSTER_BINARY, "status"}, mission.machine.folder("project/tests"),
                         mission.machine.environment)
                 .out,
             ContainsSubstring("M1.T1"));
}

TEST_CASE("answer from a second terminal reaches the agent that asked, and the mission seals",
          "[threads]") {
  Asking mission(rule({{"agent", "worker"}, {"text_matches", "The user answers: a formal one"}},
                      {plain::edit_greet()}));
  auto unknown = mission.machine.muster({"answer", "Q99", "whatever"});
  CHECK(unknown.exit_code == 1);
  CHECK_THAT(unknown.err, ContainsSubstring("Q99"));
  auto answer = mission.machine.muster({"answer", "Q1", "a", "formal", "one"});
  INFO(answer.err);
  CHECK(answer.exit_code == 0);
  auto ended = mission.run->wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(Events(ended.out).result()["outcome"] == "sealed");
  CHECK(read_file(mission.machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n");
}

TEST_CASE("T5 tell from a second terminal reaches the agent at its next turn", "[threads]") {
  Asking mission(
      rule({{"agent", "worker"}, {"text_matches", "keep it short"}}, {plain::edit_greet()}));
  CHECK(mission.machine.muster({"tell", "keep it short"}).exit_code == 0);
  CHECK(mission.machine.muster({"answer", "Q1", "any"}).exit_code == 0);
  auto ended = mission.run->wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(read_file(mission.machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n");
}

TEST_CASE("stop from a second terminal ends the run, and nothing of it is in the tree",
          "[threads]") {
  Asking mission;
  auto stop = mission.machine.muster({"stop"});
  INFO(stop.err);
  CHECK(stop.exit_code == 0);
  auto ended = mission.run->wait();
  CHECK(ended.exit_code == 130);
  CHECK(Events(ended.out).result()["outcome"] == "stopped");
  CHECK(files_below(mission.machine.folder("project")) == plain::files());
  CHECK(processes_of(mission.machine.folder("project")).empty());
  auto nobody = mission.machine.muster({"stop"});
  CHECK(nobody.exit_code == 1);
  CHECK_FALSE(nobody.err.empty());
}

TEST_CASE("attach from a second terminal sees the rest of the mission and ends with it",
          "[threads]") {
  Asking mission(rule({{"agent", "worker"}, {"turn", 2}}, {plain::edit_greet()}));
  auto attached = mission.machine.start({"attach", "--json"});
  // It has arrived when it sees what is told after it came.
  bool seen = false;
  for (int tries = 0; !seen && tries < 300; ++tries) {
    REQUIRE(mission.machine.muster({"tell", "hello"}).exit_code == 0);
    seen = attached->out().find("user_told") != std::string::npos;
  }
  REQUIRE(seen);
  CHECK(mission.machine.muster({"answer", "Q1", "any"}).exit_code == 0);
  CHECK(mission.run->wait().exit_code == 0);
  auto ended = attached->wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(Events(ended.out).count("landed") == 1);
}

TEST_CASE("logs from a second terminal reads the journal of a mission at work, at any moment",
          "[threads]") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::large_mission()));
  auto run = machine.start({"run", "Be polite", "--json"});
  std::size_t seen = 0;
  while (run->running()) {
    auto logs = machine.muster({"logs", "--json"});
    INFO(logs.err);
    if (seen == 0 && logs.exit_code != 0) {
      CHECK_THAT(logs.err, ContainsSubstring("no mission in this workspace yet"));
      continue;
    }
    REQUIRE(logs.exit_code == 0);
    auto lines = json_lines(logs.out);
    CHECK(lines.size() >= seen);
    seen = lines.size();
    for (std::size_t i = 0; i < lines.size(); ++i) CHECK(lines[i]["seq"] == i + 1);
  }
  CHECK(run->wait().exit_code == 0);
  CHECK(seen > 0);
  auto whole = json_lines(machine.muster({"logs", "--json"}).out);
  CHECK(whole.size() >= seen);
  CHECK(std::any_of(whole.begin(), whole.end(),
                    [](const json& line) { return line["data"].value("type", "") == "sealed"; }));
}

TEST_CASE("diff, undo, apply and discard of a sealed mission") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  REQUIRE(machine.muster({"run", "Be polite"}).exit_code == 0);
  auto changed = files_below(machine.folder("project"));
  CHECK(changed["greet.sh"] == "echo \"good day, $1\"\n");

  auto diff = machine.muster({"diff"});
  INFO(diff.err);
  CHECK(diff.exit_code == 0);
  CHECK_THAT(diff.out, ContainsSubstring("-echo \"hello, $1\"\n+echo \"good day, $1\"\n"));
  CHECK(files_below(machine.folder("project")) == changed);

  auto undo = machine.muster({"undo"});
  INFO(undo.err);
  CHECK(undo.exit_code == 0);
  CHECK(files_below(machine.folder("project")) == plain::files());
  CHECK(machine.git({"status", "--porcelain"}).empty());

  auto apply = machine.muster({"apply"});
  INFO(apply.err);
  CHECK(apply.exit_code == 0);
  CHECK(files_below(machine.folder("project")) == changed);

  // What the user did since is theirs: undo touches nothing then.
  write_file(machine.folder("project/greet.sh"), "echo \"mine, $1\"\n");
  auto mine = files_below(machine.folder("project"));
  CHECK(machine.muster({"undo"}).exit_code == 1);
  CHECK(files_below(machine.folder("project")) == mine);

  auto discard = machine.muster({"discard"});
  INFO(discard.err);
  CHECK(discard.exit_code == 0);
  CHECK(files_below(machine.folder("project")) == mine);
}

TEST_CASE("logs and missions tell what happened, also of one task") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::large_mission()));
  REQUIRE(machine.muster({"run", "Be polite"}).exit_code == 0);
  auto missions = machine.muster({"missions"});
  CHECK(missions.exit_code == 0);
  auto id = machine.git({"branch", "--list", "--format=%(refname:lstrip=3)", "muster/*"});
  REQUIRE(id.size() > 8);
  CHECK_THAT(missions.out, ContainsSubstring(id.substr(0, id.size() - 1)));
  auto all = machine.muster({"logs"});
  CHECK(all.exit_code == 0);
  CHECK_THAT(all.out, ContainsSubstring("M1.T1") && ContainsSubstring("M1.T2"));
  auto one = machine.muster({"logs", "--task", "M1.T2"});
  CHECK(one.exit_code == 0);
  CHECK_THAT(one.out, ContainsSubstring("M1.T2") && !ContainsSubstring("M1.T1"));
}

}  // namespace muster::test
