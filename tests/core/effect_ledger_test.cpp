#include "runtime/core/effect_ledger.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

namespace muster {
namespace {

IntentIssued work(IntentId id, const std::string& task = "M1.T1") {
  return {id, IntentKind::work, task, 1, 0, 1};
}

std::string begun(const std::string& job, const std::string& command) {
  return R"({"class":"N","job":")" + job + R"(","command":")" + command + R"("})";
}

std::string ended(const std::string& job, int exit, int signal = 0) {
  return R"({"class":"N","job":")" + job + R"(","exit":)" + std::to_string(exit) + R"(,"signal":)" +
         std::to_string(signal) + R"(,"digest":""})";
}

const Error restarted{ErrorCode::cancelled, "the engine was restarted"};

}  // namespace

TEST_CASE("D1 who takes over is told what was run, and that the outcome is unknown without one") {
  EffectLedger ledger;
  ledger.on_event(work(5));
  ledger.on_effect("S5", begun("S5.J1", "make install"));
  ledger.on_effect("S5", ended("S5.J1", 2));
  ledger.on_effect("S5", begun("S5.J2", "curl -X POST there"));
  CHECK(ledger.left_by_failed(IntentKind::work, "M1.T1").empty());  // it is still at it
  ledger.on_event(StepFailed{5, restarted});
  CHECK(ledger.left_by_failed(IntentKind::work, "M1.T1") ==
        "- `make install`: exit code 2\n"
        "- `curl -X POST there`: outcome unknown; it may have run in part or not at all\n");
  CHECK(ledger.left_by_failed(IntentKind::work, "M1.T2").empty());
  CHECK(ledger.left_by_failed(IntentKind::fix, "M1.T1").empty());
}

TEST_CASE("D2 a second crash keeps what was run before the first") {
  EffectLedger ledger;
  ledger.on_event(work(5));
  ledger.on_effect("S5", begun("S5.J1", "one"));
  ledger.on_event(StepFailed{5, restarted});
  ledger.on_event(work(7));
  ledger.on_effect("S7", begun("S7.J1", "two"));
  ledger.on_effect("S7", ended("S7.J1", -1, 9));
  ledger.on_event(StepFailed{7, restarted});
  CHECK(ledger.left_by_failed(IntentKind::work, "M1.T1") ==
        "- `one`: outcome unknown; it may have run in part or not at all\n"
        "- `two`: ended by signal 9\n");
}

TEST_CASE("a step that succeeded leaves nothing to tell") {
  EffectLedger ledger;
  ledger.on_event(work(5));
  ledger.on_effect("S5", begun("S5.J1", "one"));
  ledger.on_event(StepFailed{5, restarted});
  ledger.on_event(work(7));
  ledger.on_effect("S7", begun("S7.J1", "two"));
  ledger.on_event(WorkSubmitted{7, "done", 1, true, ""});
  CHECK(ledger.left_by_failed(IntentKind::work, "M1.T1").empty());
  // Nor does it come back when a later one fails.
  ledger.on_event(work(9));
  ledger.on_event(StepFailed{9, restarted});
  CHECK(ledger.left_by_failed(IntentKind::work, "M1.T1").empty());
}

TEST_CASE("writes and nonsense are no commands; a step's list is bounded") {
  EffectLedger ledger;
  ledger.on_event(work(5));
  ledger.on_effect("S5", R"({"class":"C","path":"a","before":"","after":""})");
  ledger.on_effect("S5", "nonsense");
  ledger.on_effect("S5", ended("S5.J9", 0));
  ledger.on_event(StepFailed{5, restarted});
  CHECK(ledger.left_by_failed(IntentKind::work, "M1.T1").empty());
  ledger.on_event(work(6));
  for (int i = 0; i < 150; ++i)
    ledger.on_effect("S6", begun("S6.J" + std::to_string(i), "c" + std::to_string(i)));
  ledger.on_event(StepFailed{6, restarted});
  auto told = ledger.left_by_failed(IntentKind::work, "M1.T1");
  CHECK(std::count(told.begin(), told.end(), '\n') == 100);
  CHECK(told.starts_with("- `c50`"));
}

TEST_CASE("D1 a ledger that went through a snapshot knows whose commands matter, and goes on") {
  EffectLedger ledger;
  ledger.on_event(work(5));
  ledger.on_event(StepFailed{5, restarted});
  ledger.on_event(work(6, "M1.T2"));
  ledger.on_event(work(7));
  auto again = EffectLedger::from_json(nlohmann::json::parse(ledger.to_json().dump()));
  REQUIRE(again.has_value());
  CHECK(again->to_json() == ledger.to_json());
  auto sessions = again->sessions();
  std::sort(sessions.begin(), sessions.end());
  CHECK(sessions == std::vector<std::string>{"S5", "S6", "S7"});
  again->on_effect("S5", begun("S5.J1", "one"));
  CHECK(again->left_by_failed(IntentKind::work, "M1.T1") ==
        "- `one`: outcome unknown; it may have run in part or not at all\n");
  again->on_event(WorkSubmitted{7});
  CHECK(again->sessions() == std::vector<std::string>{"S6"});
  CHECK_FALSE(EffectLedger::from_json(nlohmann::json::parse(R"({"open":[["x"]]})")).has_value());
  CHECK_FALSE(EffectLedger::from_json({}).has_value());
}

}  // namespace muster
