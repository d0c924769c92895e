// Interrupts, crashes of the engine and of the keeper, and a second engine.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <sstream>
#include <thread>

#include "tests/e2e/events.hpp"
#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using namespace std::chrono_literals;

/// A large mission whose first worker has landed while the second one waits for its model, which
/// takes its time once.
class Underway {
 public:
  Underway() : machine(plain::files()) {
    auto rules = plain::large_mission();
    auto slow = rule({{"agent", "worker"}, {"task", "M1.T2"}, {"turn", 1}}, {plain::edit_part()},
                     {{"latency_ms", 600000}});
    slow["once"] = true;
    rules.insert(rules.begin(), slow);
    machine.script(scenario(rules));
    run = machine.start({"run", "Be polite", "--json"});
    run->wait_line(R"("type":"landed")");
  }

  void check_sealed(const Ended& ended) {
    INFO(ended.err);
    INFO(ended.out);
    CHECK(ended.exit_code == 0);
    CHECK(last_json_line(ended.out)["outcome"] == "sealed");
    auto files = files_below(machine.folder("project"));
    CHECK(files["greet.sh"] == "echo \"good day, $1\"\n");
    CHECK(files["part.sh"] == "echo \"farewell, $1\"\n");
    // What had landed was not done again.
    CHECK(machine.git({"rev-list", "--count", "HEAD"}) == "3\n");
    CHECK(processes_of(machine.folder("project")).empty());
  }

  Sandbox machine;
  std::unique_ptr<Program> run;
};

pid_t child_of(pid_t parent) {
  auto path = "/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children";
  std::istringstream children(read_file(path));
  pid_t child = 0;
  children >> child;
  REQUIRE(child > 1);
  return child;
}

}  // namespace

TEST_CASE("an interrupt pauses within five seconds; resume goes on and seals", "[threads]") {
  Underway mission;
  auto asked = std::chrono::steady_clock::now();
  mission.run->signal(SIGINT);
  auto paused = mission.run->wait();
  INFO(paused.err);
  INFO(paused.out);
  CHECK(paused.exit_code == 130);
  CHECK(std::chrono::steady_clock::now() - asked <
        15s);  // five, and the patience of a loaded machine
  CHECK(processes_of(mission.machine.folder("project")).empty());
  CHECK(files_below(mission.machine.folder("project")) == plain::files());
  mission.check_sealed(mission.machine.muster({"resume", "--json"}));
}

TEST_CASE(
    "D2 D3 a crash before the wish to go on is on record: the next engine goes on all the same") {
#ifdef MUSTER_NO_FAULTS
  SKIP("this build has no fault points");
#else
  Underway mission;
  mission.run->signal(SIGINT);
  REQUIRE(mission.run->wait().exit_code == 130);
  auto plan = mission.machine.folder("faults");
  write_file(plan, "store.opened:1:kill\n");
  mission.machine.environment["MUSTER_FAULT"] = "@" + plan;
  auto resumed = mission.machine.muster({"resume", "--json"});
  CHECK_THAT(resumed.err, ContainsSubstring("starting it again"));
  mission.check_sealed(resumed);
#endif
}

TEST_CASE("D1 kill -9 of the engine: the keeper starts it again and the mission seals",
          "[threads]") {
  Underway mission;
  REQUIRE(::kill(child_of(mission.run->pid()), SIGKILL) == 0);
  mission.check_sealed(mission.run->wait());
}

#ifndef MUSTER_NO_FAULTS
TEST_CASE("D1 an engine that dies before its first record: its mission is begun, no older one") {
  Sandbox machine(plain::files());
  machine.script(scenario({rule(
      {{"agent", "commander"}},
      {call("submit_triage", {{"kind", "question"}, {"reason", "asked"}, {"answer", "42"}})})}));
  auto first = machine.muster({"run", "What is it?", "--json"});
  INFO(first.err);
  REQUIRE(first.exit_code == 0);
  write_file(machine.folder("plan"), "store.opened:1:kill\n");
  machine.environment["MUSTER_FAULT"] = "@" + machine.folder("plan");
  auto second = machine.muster({"run", "And what now?", "--json"});
  INFO(second.err);
  CHECK(second.exit_code == 0);
  CHECK_THAT(second.err, ContainsSubstring("starting it again (1 of 3)"));
  CHECK(last_json_line(second.out)["mission"] != last_json_line(first.out)["mission"]);
  CHECK(last_json_line(second.out)["outcome"] == "answered");
}
#endif

TEST_CASE("J3 kill -9 of the keeper: the engine goes too, and resume seals") {
  Underway mission;
  ::kill(mission.run->pid(), SIGKILL);
  CHECK(mission.run->wait().signal == SIGKILL);
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!processes_of(mission.machine.folder("project")).empty() &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  CHECK(processes_of(mission.machine.folder("project")).empty());
  mission.check_sealed(mission.machine.muster({"resume", "--json"}));
}

TEST_CASE("D5 a second engine on the workspace is refused, with the pid of the first") {
  Underway mission;
  auto second = mission.machine.muster({"run", "Something else"});
  CHECK(second.exit_code == 1);
  CHECK_THAT(second.err, ContainsSubstring(std::to_string(child_of(mission.run->pid()))));
  // The first does not notice.
  CHECK(mission.run->running());
  CHECK(mission.machine.muster({"stop"}).exit_code == 0);
  CHECK(mission.run->wait().exit_code == 130);
}

TEST_CASE("a stopped mission is over, also for resume; a new one can start") {
  Underway mission;
  REQUIRE(mission.machine.muster({"stop"}).exit_code == 0);
  REQUIRE(mission.run->wait().exit_code == 130);
  auto resumed = mission.machine.muster({"resume", "--json"});
  INFO(resumed.err);
  CHECK(resumed.exit_code == 130);
  CHECK(last_json_line(resumed.out)["outcome"] == "stopped");
  auto again = mission.machine.muster({"run", "Be polite", "--json"});
  mission.check_sealed(again);
}

}  // namespace muster::test
