// `muster run --isolation shared`: the agents work in the user's own tree.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

json worker(int turn, std::vector<json> calls) {
  return rule({{"agent", "worker"}, {"turn", turn}}, std::move(calls));
}

/// The small mission with other turns of its worker.
std::vector<json> mission_with(std::vector<json> rules) {
  auto all = plain::small_mission();
  all.erase(all.begin() + 1, all.begin() + 3);
  all.insert(all.begin(), rules.begin(), rules.end());
  return all;
}

}  // namespace

TEST_CASE("a shared tree: two tasks, one after the other, sealed; undo takes all of it back") {
  Sandbox machine(plain::files());
  auto rules = plain::large_mission();
  // What the agent writes is in the user's tree before anything is sealed.
  rules[3] = rule({{"agent", "worker"}, {"task", "M1.T1"}, {"turn", 1}},
                  {plain::edit_greet(), call("shell", {{"command", "pwd"}})});
  machine.script(scenario(rules));
  auto ended = machine.muster({"run", "Be polite", "--isolation", "shared", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK_THAT(ended.err, ContainsSubstring(machine.repository() + " itself"));
  Events events(ended.out);
  CHECK(events.result()["outcome"] == "sealed");
  CHECK(events.result()["applied"] == true);
  CHECK(events.count("lease_violated") == 0);
  // Never two tasks at work: the second begins when the first has landed.
  auto second = events.index_of(
      "intent_issued", [](const json& e) { return e["kind"] == "work" && e["task"] == "M1.T2"; });
  CHECK(events.count_before(second, "landed") == 1);
  CHECK(read_file(machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n");
  CHECK(read_file(machine.folder("project/part.sh")) == "echo \"farewell, $1\"\n");
  CHECK(machine.git({"status", "--porcelain"}).empty());
  CHECK(machine.git({"rev-parse", "HEAD"}) ==
        machine.git({"rev-parse", events.result()["branch"].get<std::string>()}));
  auto log = machine.muster({"logs", "--task", "M1.T1"});
  CHECK_THAT(log.out, ContainsSubstring("exit code 0\\n" + machine.repository()) ||
                          ContainsSubstring("exit code 0\n" + machine.repository()));

  auto undo = machine.muster({"undo"});
  INFO(undo.err);
  CHECK(undo.exit_code == 0);
  CHECK(files_below(machine.folder("project")) == plain::files());
  CHECK(machine.git({"status", "--porcelain"}).empty());
}

TEST_CASE("a shared tree that is not clean is refused, with the files' names") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  SECTION("a changed file") { write_file(machine.folder("project/README.md"), "mine\n"); }
  SECTION("a new file") { write_file(machine.folder("project/README.md.orig"), "mine\n"); }
  SECTION("a staged change") {
    write_file(machine.folder("project/README.md"), "mine\n");
    machine.git({"add", "-A"});
  }
  auto before = files_below(machine.folder("project"));
  auto ended = machine.muster({"run", "Be polite", "--isolation", "shared"});
  CHECK(ended.exit_code == 2);
  CHECK_THAT(ended.err, ContainsSubstring("clean") && ContainsSubstring("README.md"));
  CHECK(files_below(machine.folder("project")) == before);
  CHECK(machine.git({"for-each-ref", "refs/heads/muster", "refs/muster"}).empty());
}

TEST_CASE("a shared tree in a folder without git is refused") {
  Sandbox machine(plain::files());
  machine.script(scenario(plain::small_mission()));
  TempFolder plain_folder;
  write_file(plain_folder.path() + "/greet.sh", "echo hello\n");
  auto ended = run_program({MUSTER_BINARY, "run", "Be polite", "--isolation", "shared"},
                           plain_folder.path(), machine.environment);
  CHECK(ended.exit_code == 2);
  CHECK_THAT(ended.err, ContainsSubstring("needs a git repository"));
}

TEST_CASE(
    "M11 in a shared tree a command's change outside the leases is said and fails the review") {
  Sandbox machine(plain::files());
  auto rules = mission_with(
      {worker(1, {plain::edit_greet(), call("shell", {{"command", "echo bye >> part.sh"}})}),
       // Told at once, and submitted all the same.
       rule(
           {{"agent", "worker"}, {"turn", 2}, {"text_matches", "changed without a lease: part.sh"}},
           {submit({"greet.sh", "tests/greet_test.sh"})}),
       rule({{"agent", "fixer"}, {"turn", 1}, {"text_matches", "part.sh.*changed without a lease"}},
            {call("shell", {{"command", "git checkout -- part.sh"}})}),
       rule({{"agent", "fixer"}, {"turn", 2}}, {submit({"greet.sh", "tests/greet_test.sh"})})});
  machine.script(scenario(rules));
  auto ended = machine.muster({"run", "Be polite", "--isolation", "shared", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  Events events(ended.out);
  auto told = events.at(events.index_of("lease_violated"));
  CHECK((told["task"] == "M1.T1" && told["files"] == json{"part.sh"}));
  CHECK(events.count("intent_issued", [](const json& e) { return e["kind"] == "fix"; }) == 1);
  auto expected = plain::files();
  auto after = files_below(machine.folder("project"));
  CHECK(after["part.sh"] == expected["part.sh"]);
  CHECK(after["greet.sh"] == "echo \"good day, $1\"\n");
}

TEST_CASE("a shared tree: the user's repository is not an agent's to change") {
  Sandbox machine(plain::files());
  auto rules =
      mission_with({worker(1, {plain::edit_greet(), call("shell", {{"command", "git add -A"}})}),
                    worker(2, {call("shell", {{"command", "git commit -m mine"}}),
                               call("shell", {{"command", "rm -rf .git"}})}),
                    worker(3, {submit({"greet.sh", "tests/greet_test.sh"})})});
  machine.script(scenario(rules));
  auto ended = machine.muster({"run", "Be polite", "--isolation", "shared", "--json"});
  INFO(ended.err);
  INFO(ended.out);
  REQUIRE(ended.exit_code == 0);
  CHECK(Events(ended.out).count("command_refused") == 3);
}

TEST_CASE("a shared tree after a stop is as the agents left it, and undo takes it back") {
  Sandbox machine(plain::files());
  machine.script(
      scenario(mission_with({worker(1, {plain::edit_greet()}),
                             worker(2, {call("ask_user", {{"question", "Which greeting?"}})})})));
  auto run =
      machine.start({"run", "Be polite", "--isolation", "shared", "--json"}, Stdio::terminal);
  run->wait_line(R"("type":"needs_user")");
  CHECK(read_file(machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n");
  CHECK(machine.muster({"stop"}).exit_code == 0);
  auto ended = run->wait();
  CHECK(ended.exit_code == 130);
  CHECK_THAT(ended.out, ContainsSubstring("muster undo"));
  CHECK(read_file(machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n");

  SECTION("whatever else the user did meanwhile") {
    write_file(machine.folder("project/README.md"), "mine\n");
    auto undo = machine.muster({"undo"});
    INFO(undo.err);
    CHECK(undo.exit_code == 0);
    auto expected = plain::files();
    expected["README.md"] = "mine\n";
    CHECK(files_below(machine.folder("project")) == expected);
  }
  SECTION("exactly") {
    CHECK(machine.muster({"undo"}).exit_code == 0);
    CHECK(files_below(machine.folder("project")) == plain::files());
    CHECK(machine.git({"status", "--porcelain"}).empty());
  }
}

}  // namespace muster::test
