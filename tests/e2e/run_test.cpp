// `muster run` without a terminal: JSON Lines, exit codes, and what it does to the user's tree.

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

}  // namespace

TEST_CASE(
    "run --json on a plain repository: versioned lines, the result last, the change in the tree",
    "[threads]") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::large_mission()));
  auto ended = machine.muster({"run", "Be polite", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  Events events(ended.out);
  const auto& result = events.result();
  CHECK(result["outcome"] == "sealed");
  CHECK(result["exit_code"] == 0);
  CHECK(result["applied"] == true);
  CHECK(result["todo"] == json{{"done", 2}, {"total", 2}});
  CHECK(result["tokens"].get<int>() > 0);
  CHECK(result["error_rate"] == 0);
  CHECK(read_file(machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n");
  CHECK(read_file(machine.folder("project/part.sh")) == "echo \"farewell, $1\"\n");
  CHECK(machine.git({"status", "--porcelain"}).empty());
  auto branch = result["branch"].get<std::string>();
  CHECK(branch.rfind("muster/", 0) == 0);
  auto log =
      machine.git({"log", "--format=%s|%(trailers:key=Muster-Task,valueonly,separator=)", branch});
  CHECK_THAT(log, ContainsSubstring("|M1.T1"));
  CHECK_THAT(log, ContainsSubstring("|M1.T2"));
}

TEST_CASE("run without a model: two lines that help, and exit code 2") {
  Sandbox machine(plain::files());
  auto ended = machine.muster({"run", "Be polite"});
  CHECK(ended.exit_code == 2);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 2);
  CHECK_THAT(ended.err, ContainsSubstring("muster demo"));
}

TEST_CASE("a wrong flag, command or configuration is exit code 2, and names what is wrong") {
  Sandbox machine(plain::files());
  auto flag = machine.muster({"run", "Be polite", "--modle", "a/b"});
  CHECK(flag.exit_code == 2);
  CHECK_THAT(flag.err, ContainsSubstring("--modle") && ContainsSubstring("--model"));
  auto command = machine.muster({"rum", "Be polite"});
  CHECK(command.exit_code == 2);
  CHECK_THAT(command.err, ContainsSubstring("run"));
  write_file(machine.folder("home/.config/muster/config.json"), R"({"limits": {"jbos": 3}})");
  auto config = machine.muster({"run", "Be polite"});
  CHECK(config.exit_code == 2);
  CHECK_THAT(config.err, ContainsSubstring("jbos"));
}

TEST_CASE("a question is answered, and never SEALED") {
  Sandbox machine(plain::files());
  machine.script(
      scenario({rule({{"agent", "commander"}, {"turn", 1}}, {call("read", {{"path", "greet.sh"}})}),
                rule({{"agent", "commander"}, {"turn", 2}},
                     {call("submit_triage", {{"kind", "question"},
                                             {"reason", "knowledge"},
                                             {"answer", "It greets: see greet.sh:1."}})})}));
  auto ended = machine.muster({"run", "What does greet.sh do?"});
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("It greets: see greet.sh:1."));
  CHECK_THAT(ended.out + ended.err, !ContainsSubstring("SEALED"));
  CHECK(machine.git({"branch", "--list", "muster/*"}).empty());
}

TEST_CASE(
    "F1 without a terminal nobody is waited for: a question to the user ends the run with 3") {
  Sandbox machine(plain::files());
  auto rules = plain::small_mission();
  rules.insert(rules.begin(), rule({{"agent", "worker"}, {"turn", 1}},
                                   {call("ask_user", {{"question", "Which greeting?"}})}));
  machine.script(scenario(rules));
  auto ended = machine.muster({"run", "Be polite", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 3);
  Events events(ended.out);
  CHECK(events.result()["outcome"] == "needs_user");
  REQUIRE(events.result()["questions"].size() == 1);
  CHECK_THAT(events.result()["questions"][0]["text"].get<std::string>(),
             ContainsSubstring("Which greeting?"));
  CHECK(files_below(machine.folder("project")) == plain::files());
  CHECK(processes_of(machine.folder("project")).empty());
}

TEST_CASE("a model that refuses the key is replaced by the next fallback whose key is there") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  json refusal{{"fault", {{"kind", "status"}, {"status", 401}, {"body", "no such key"}}}};
  json locked{{"name", "locked"},
              {"rules", json::array({{{"when", json::object()}, {"then", refusal}}})}};
  ModelServer first(locked, machine.folder("locked"), machine.environment);
  json provider{{"base_url", first.base_url()}};
  machine.configure({{"model", "locked/x"},
                     {"fallbacks", {"openrouter/y", "scripted/demo"}},
                     {"providers", {{"locked", provider}}}});
  auto ended = machine.muster({"run", "Be polite", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("the fallback openrouter/y is left out") &&
                            ContainsSubstring("OPENROUTER_API_KEY"));
  Events events(ended.out);
  CHECK(events.result()["outcome"] == "sealed");
  CHECK(events.count("agent", [](const json& e) {
    return e["doing"].get<std::string>().rfind("fallback from locked/x to scripted/demo", 0) == 0;
  }) >= 1);

  // Of the first choice a missing key is an error, whatever could take over.
  machine.configure({{"model", "openrouter/y"}, {"fallbacks", {"scripted/demo"}}});
  auto keyless = machine.muster({"run", "Be polite"});
  CHECK(keyless.exit_code != 0);
  CHECK_THAT(keyless.err, ContainsSubstring("OPENROUTER_API_KEY"));
}

TEST_CASE("F1 F2 a refused command is told: in the lines of a run, as JSON, and in the log") {
  Sandbox machine(plain::files());
  auto rules = plain::small_mission();
  rules.erase(rules.begin() + 1, rules.begin() + 3);
  auto worker = [](int turn, std::vector<json> calls) {
    return rule({{"agent", "worker"}, {"turn", turn}}, std::move(calls));
  };
  rules.insert(rules.begin(), {worker(1, {call("shell", {{"command", "\"r\"m -rf ~ # \x1b[2J"}})}),
                               worker(2, {plain::edit_greet()}),
                               worker(3, {submit({"greet.sh", "tests/greet_test.sh"})})});
  machine.script(scenario(rules));
  std::vector<std::string> args{"run", "Be polite"};
  SECTION("plain") {
    auto ended = machine.muster(args);
    CHECK(ended.exit_code == 0);
    CHECK_THAT(ended.err, ContainsSubstring("M1.T1 worker: command refused: \"r\"m -rf ~ #"));
    CHECK_THAT(ended.err, !ContainsSubstring("\x1b[2J"));
  }
  SECTION("JSON, and the log") {
    args.emplace_back("--json");
    auto ended = machine.muster(args);
    INFO(ended.out);
    CHECK(ended.exit_code == 0);
    Events events(ended.out);
    auto told = events.at(events.index_of("command_refused"));
    CHECK((told["role"] == "worker" && told["task"] == "M1.T1"));
    CHECK(told["command"] == "\"r\"m -rf ~ #");
    CHECK_FALSE(told["reason"].get<std::string>().empty());
    auto log = machine.muster({"logs", "--task", "M1.T1"});
    CHECK_THAT(log.out, ContainsSubstring("command_refused") && ContainsSubstring("m -rf ~"));
  }
}

TEST_CASE("the user's program is told of the end, and the key of another is used") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::large_mission()));
  const auto told = machine.folder("told");
  const auto model = machine.model().base_url();
  machine.configure(
      {{"model", "mine/scripted"},
       {"providers",
        {{"mine",
          {{"base_url", model},
           {"api_key_command", {"/bin/sh", "-c", "echo key >>\"$0\"; echo k", told}}}}}},
       {"notify", {{"command", {"/bin/sh", "-c", "echo \"$1\" >>\"$0\"", told, "{title}"}}}}});
  auto ended = machine.muster({"run", "Be polite"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK(read_file(told) == "key\nmuster: SEALED\n");
  machine.configure({{"providers", {{"mine", {{"api_key_command", {"/bin/false"}}}}}}});
  auto refused = machine.muster({"run", "Be polite"});
  CHECK(refused.exit_code != 0);
  CHECK_THAT(refused.err, ContainsSubstring("api_key_command gives no key"));
}

TEST_CASE("M8 a budget stops the work by force: exit code 4") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  auto ended = machine.muster({"run", "Be polite", "--json", "--max-tokens", "10"});
  INFO(ended.err);
  CHECK(ended.exit_code == 4);
  Events events(ended.out);
  CHECK_THAT(events.result()["reason"].get<std::string>(), ContainsSubstring("tokens"));
  CHECK(files_below(machine.folder("project")) == plain::files());
}

TEST_CASE("M9 a rejection reaches the fixer with its findings") {
  Sandbox machine(plain::files());
  auto rules = plain::small_mission();
  rules.insert(
      rules.begin(),
      {rule({{"agent", "reviewer"}, {"attempt", 1}}, {reject("greet.sh", "say it in one word")}),
       rule(
           {{"agent", "fixer"}, {"turn", 1}, {"text_matches", "greet.sh:1: say it in one word"}},
           {call("edit", {{"path", "greet.sh"}, {"old_text", "good day"}, {"new_text", "welcome"}}),
            call("edit", {{"path", "tests/greet_test.sh"},
                          {"old_text", "good day"},
                          {"new_text", "welcome"}})}),
       rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"greet.sh"})})});
  machine.script(scenario(rules));
  auto ended = machine.muster({"run", "Be polite", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  CHECK(ended.exit_code == 0);
  CHECK(read_file(machine.folder("project/greet.sh")) == "echo \"welcome, $1\"\n");
}

TEST_CASE("a change without a test that fails on the base is not taken") {
  Sandbox machine(plain::files());
  auto rules = plain::small_mission();
  // Only the script changes, in a way that no test sees.
  rules[1] =
      rule({{"agent", "worker"}, {"turn", 1}},
           {call("write", {{"path", "greet.sh"},
                           {"content", "echo \"hello, $1\"\n[ \"$1\" != Eve ] || exit 3\n"}})});
  rules.insert(rules.begin(),
               {rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", "no test did"}},
                     {call("edit", {{"path", "tests/greet_test.sh"},
                                    {"old_text", "said="},
                                    {"new_text", "sh greet.sh Eve && exit 1\nsaid="}})}),
                rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"tests/greet_test.sh"})})});
  machine.script(scenario(rules));
  auto ended = machine.muster({"run", "Refuse Eve", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  CHECK(ended.exit_code == 0);
  Events events(ended.out);
  CHECK(events.count("task_verified", [](const json& e) {
    return std::any_of(e["findings"].begin(), e["findings"].end(),
                       [](const json& finding) { return finding["severity"] == "error"; });
  }) == 1);
  CHECK(events.count("intent_issued", [](const json& e) { return e["kind"] == "fix"; }) == 1);
}

TEST_CASE("the user's uncommitted work is byte for byte what it was") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  write_file(machine.folder("project/notes.txt"), "mine\n");
  SECTION("beside the mission's files: the mission's change joins it") {
    write_file(machine.folder("project/README.md"), "Greets, parts, and more to come.\n");
    auto before = files_below(machine.folder("project"));
    auto ended = machine.muster({"run", "Be polite", "--json"});
    INFO(ended.err);
    INFO(ended.out);
    REQUIRE(ended.exit_code == 0);
    auto after = files_below(machine.folder("project"));
    CHECK(after["README.md"] == before["README.md"]);
    CHECK(after["notes.txt"] == before["notes.txt"]);
    CHECK(after["part.sh"] == before["part.sh"]);
    auto in_tree = Events(ended.out).result()["applied"] == true;
    CHECK((after["greet.sh"] == before["greet.sh"]) == !in_tree);
  }
  SECTION(
      "in a file of the mission: nothing of theirs is touched, the result waits on its branch") {
    write_file(machine.folder("project/greet.sh"), "echo \"ahoy, $1\"\n");
    auto before = files_below(machine.folder("project"));
    auto ended = machine.muster({"run", "Be polite", "--json"});
    INFO(ended.err);
    INFO(ended.out);
    REQUIRE(ended.exit_code == 0);
    CHECK(files_below(machine.folder("project")) == before);
    Events events(ended.out);
    CHECK(events.result()["applied"] == false);
    CHECK_FALSE(events.result()["note"].get<std::string>().empty());
    CHECK_THAT(machine.git({"show", events.result()["branch"].get<std::string>() + ":greet.sh"}),
               ContainsSubstring("good day"));
  }
}

}  // namespace muster::test
