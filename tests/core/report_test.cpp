#include "runtime/core/report.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "tests/core/mission_machine.hpp"

namespace muster {

TEST_CASE("D6 a report names outcome, tasks, commands with exit codes, and tokens by role") {
  test::MissionMachine machine({});
  REQUIRE(machine.run().empty());
  MissionReport report;
  std::int64_t at = 1000;
  for (const auto& event : machine.log) report.on_event(event, ++at);
  report.on_event(UsageRecorded{"S1", "worker", "M1.T1", 100, 40, 7, 0.5}, ++at);
  report.on_event(UsageRecorded{"S2", "worker", "M1.T1", 1, 0, 1, 0}, ++at);
  auto out = report.to_json();
  CHECK(out["outcome"] == "sealed");
  CHECK(out["objective"] == "o");
  REQUIRE(out["tasks"].size() == report.state().tasks.size());
  REQUIRE_FALSE(out["tasks"].empty());
  for (const auto& task : out["tasks"]) {
    CHECK(task["stage"] == "done");
    REQUIRE(task["evidence"].size() == 1);
    CHECK(task["evidence"][0]["command"] == "make t");
    CHECK(task["evidence"][0]["exit_code"] == 0);
    CHECK(task["evidence"][0]["passed"] == true);
  }
  CHECK(out["final"][0]["command"] == "make test");
  CHECK(out["tokens"]["by_role"]["worker"]["input"] == 101);
  CHECK(out["tokens"]["by_role"]["worker"]["cached_input"] == 40);
  CHECK(out["ended_at_ms"] == 1000 + static_cast<std::int64_t>(machine.log.size()));
  auto text = report_text(out);
  CHECK(text.find("outcome    sealed\n") != std::string::npos);
  CHECK(text.find("ok    make t  (exit code 0, ") != std::string::npos);
  CHECK(text.find("worker: 101 in, 8 out") != std::string::npos);
}

TEST_CASE("F5 a report's text holds no escape sequences of those who wrote its words") {
  MissionReport report;
  MissionStarted start{"m", "an \x1b[31mobjective"};
  report.on_event(start, 1);
  report.on_event(UserStopped{}, 2);
  auto text = report_text(report.to_json());
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("outcome    stopped") != std::string::npos);
}

}  // namespace muster
