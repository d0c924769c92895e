// The other ways to begin: plan, review, fix, search, an approval, a dry run; and folders without
// git.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

bool greets_politely(Sandbox& machine) {
  return read_file(machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n";
}

}  // namespace

TEST_CASE("plan prints the plan and changes nothing") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::large_mission()));
  auto ended = machine.muster({"plan", "Be polite"});
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("M1.T1") && ContainsSubstring("M1.T2") &&
                            ContainsSubstring("greet.sh"));
  CHECK_THAT(ended.out, !ContainsSubstring("SEALED"));
  CHECK(files_below(machine.folder("project")) == plain::files());
  CHECK(machine.git({"branch", "--list", "muster/*"}).empty());
}

TEST_CASE("an invalid plan goes back with reasons, and the next one is taken") {
  Sandbox machine(plain::files());
  auto rules = plain::large_mission();
  auto circle = plain::greet_task();
  circle["depends_on"] = json::array({"M1.T1"});
  circle["files"] = json::array({"../outside.sh"});
  circle["verification"] = json::array({{{"command", "echo test"}}});
  rules.insert(rules.begin(),
               rule({{"agent", "planner"}, {"turn", 1}},
                    {call("submit_plan", {{"summary", "bad"}, {"tasks", json::array({circle})}})}));
  // Only who was told all three reasons sends the better plan.
  rules[3]["when"]["text_matches"] = "(?s)(outside.*echo test|echo test.*outside)";
  machine.script(scenario(rules));
  auto ended = machine.muster({"run", "Be polite", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  CHECK(ended.exit_code == 0);
  CHECK(Events(ended.out).count("plan_submitted") == 1);
  CHECK(greets_politely(machine));
}

TEST_CASE("review says what it objects to: exit code 1; or that all is well: 0") {
  Sandbox machine(plain::files());
  write_file(machine.folder("project/greet.sh"), "echo \"oi, $1\"\n");
  machine.git({"commit", "-qam", "be short"});
  SECTION("an objection") {
    machine.script(scenario(
        {rule({{"agent", "master_reviewer"}}, {reject("greet.sh", "oi is no greeting")})}));
    auto ended = machine.muster({"review"});
    INFO(ended.err);
    CHECK(ended.exit_code == 1);
    CHECK_THAT(ended.out, ContainsSubstring("oi is no greeting") && ContainsSubstring("greet.sh"));
  }
  SECTION("none, but its tests fail") {
    machine.script(scenario({rule({{"agent", "master_reviewer"}}, {approve()})}));
    auto ended = machine.muster({"review", "the", "greeting"});
    INFO(ended.err);
    CHECK(ended.exit_code == 1);
  }
  SECTION("none") {
    machine.git({"reset", "-q", "--hard", "HEAD~1"});
    machine.script(scenario({rule({{"agent", "master_reviewer"}}, {approve()})}));
    auto ended = machine.muster({"review"});
    INFO(ended.err);
    CHECK(ended.exit_code == 0);
    CHECK_THAT(ended.out, !ContainsSubstring("SEALED"));
  }
}

TEST_CASE("search answers, and needs no commander") {
  Sandbox machine(plain::files());
  machine.script(
      scenario({rule({{"agent", "searcher"}, {"turn", 1}}, {call("grep", {{"pattern", "hello"}})}),
                rule({{"agent", "searcher"}, {"turn", 2}, {"text_matches", "greet.sh"}},
                     {call("answer", {{"text", "greet.sh:1 says it."}})})}));
  auto ended = machine.muster({"search", "who says hello"});
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("greet.sh:1 says it."));
}

TEST_CASE("fix mends the cause of an error without a triage") {
  auto files = plain::files();
  files["greet.sh"] = "echo \"helo, $1\"\n";
  Sandbox machine(files);
  machine.script(scenario(
      {rule({{"agent", "worker"}, {"turn", 1}, {"text_matches", "it said helo"}},
            {call("edit", {{"path", "greet.sh"}, {"old_text", "helo"}, {"new_text", "hello"}})}),
       rule({{"agent", "worker"}, {"turn", 2}}, {submit({"greet.sh"})}),
       rule({{"agent", {"reviewer", "master_reviewer"}}}, {approve()})}));
  auto ended = machine.muster({"fix", "--json", "greet.sh:1: error: it said helo, Ada"});
  INFO(ended.err);
  INFO(ended.out);
  CHECK(ended.exit_code == 0);
  CHECK(Events(ended.out).result()["outcome"] == "sealed");
  CHECK(files_below(machine.folder("project")) == plain::files());
}

TEST_CASE("run --approve plan asks before any file is changed") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::large_mission()));
  SECTION("without a terminal it ends there") {
    auto ended = machine.muster({"run", "Be polite", "--approve", "plan", "--json"});
    CHECK(ended.exit_code == 3);
    CHECK(Events(ended.out).count("intent_issued",
                                  [](const json& e) { return e["kind"] == "work"; }) == 0);
  }
  SECTION("on one it waits for the answer") {
    auto run = machine.start({"run", "Be polite", "--approve", "plan", "--json"}, Stdio::terminal);
    run->wait_line(R"("type":"needs_user")");
    CHECK_THAT(machine.muster({"status"}).out, ContainsSubstring("pprove"));
    CHECK(machine.muster({"answer", "plan", "approve"}).exit_code == 0);
    auto ended = run->wait();
    INFO(ended.err);
    CHECK(ended.exit_code == 0);
    CHECK(greets_politely(machine));
  }
}

TEST_CASE("config edit opens the user's own file, with the schema beside it, and checks it") {
  Sandbox machine(plain::files());
  auto blind = machine.muster({"config", "edit"});
  CHECK(blind.exit_code == 2);
  CHECK_THAT(blind.err, ContainsSubstring("needs a terminal"));
  const auto editor = machine.folder("an editor");
  write_file(editor, "cp \"$2\" \"$2.seen\"; printf '%s' \"$1\" >\"$2\"\n");
  const auto edit = [&](const std::string& text) {
    machine.environment["VISUAL"] = "sh '" + editor + "' '" + text + "'";
    return machine.start({"config", "edit"}, Stdio::terminal)->wait();
  };
  auto good = edit(R"({"model": "ollama/x"})");
  INFO(good.err);
  CHECK(good.exit_code == 0);
  CHECK(good.out == "valid\n");
  const auto folder = machine.folder("home/.config/muster/");
  CHECK(json::parse(read_file(folder + "config.json.seen"))["$schema"] == "./muster.schema.json");
  CHECK(json::parse(read_file(folder + "muster.schema.json")).contains("properties"));
  auto bad = edit(R"({"modle": "ollama/x"})");
  CHECK(bad.exit_code == 2);
  CHECK_THAT(bad.err, ContainsSubstring("modle"));
  machine.environment["VISUAL"] = "false";
  CHECK(machine.start({"config", "edit"}, Stdio::terminal)->wait().exit_code == 1);
}

TEST_CASE("a dry run shows what would be done and calls no model") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  auto ended = machine.muster({"run", "Be polite", "--dry-run"});
  CHECK(ended.exit_code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("Be polite") && ContainsSubstring("scripted/model"));
  CHECK(machine.model().stats()["calls"] == 0);
  CHECK_FALSE(std::filesystem::exists(machine.state_folder()));
}

TEST_CASE("the objective comes from stdin when it is a dash") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  auto ended = run_program({"sh", "-c", "echo 'Be polite' | \"$0\" run - --json", MUSTER_BINARY},
                           machine.folder("project"), machine.environment);
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  Events events(ended.out);
  CHECK_THAT(events.at(events.index_of("mission_started"))["objective"].get<std::string>(),
             ContainsSubstring("Be polite"));
}

TEST_CASE("a folder without git is worked on, too") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  std::filesystem::remove_all(machine.folder("project/.git"));
  auto ended = machine.muster({"run", "Be polite", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  CHECK(ended.exit_code == 0);
  CHECK(greets_politely(machine));
  auto undo = machine.muster({"undo"});
  INFO(undo.err);
  CHECK(undo.exit_code == 0);
  CHECK(files_below(machine.folder("project")) == plain::files());
}

}  // namespace muster::test
