#include "runtime/core/timeline.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace muster;

namespace {

IntentIssued step(IntentId id, IntentKind kind, std::string task = {}) {
  IntentIssued out;
  out.id = id;
  out.kind = kind;
  out.task = std::move(task);
  out.attempt = 1;
  return out;
}

}  // namespace

TEST_CASE("each step has a beginning, an end and an outcome") {
  Timeline timeline;
  timeline.on_event(step(1, IntentKind::plan), 1000);
  timeline.on_event(PlanSubmitted{1, {}, "two tasks"}, 1500);
  timeline.on_event(step(2, IntentKind::work, "M1.T1"), 2000);
  timeline.on_event(step(3, IntentKind::review, "M1.T2"), 2100);
  timeline.on_event(VerdictGiven{3, false, "no", {{"a", 1, "it is wrong", "error"}}}, 2200);
  timeline.on_event(StepFailed{2, {ErrorCode::timeout, "too slow"}}, 2300);
  timeline.on_event(step(4, IntentKind::merge, "M1.T1"), 2400);
  timeline.on_event(Merged{4, {}, {}, {}, true, {"src/a.cpp"}}, 2500);
  timeline.on_event(step(5, IntentKind::land, "M1.T1"), 2600);
  const auto& steps = timeline.steps();
  REQUIRE(steps.size() == 5);
  CHECK(steps[0].begin_ms == 1000);
  CHECK(steps[0].end_ms == 1500);
  CHECK(steps[0].outcome == "done");
  CHECK(steps[0].note == "two tasks");
  CHECK(steps[1].outcome == "failed");
  CHECK(steps[1].note.find("too slow") != std::string::npos);
  CHECK(steps[2].outcome == "rejected");
  CHECK(steps[2].note == "it is wrong");
  CHECK(steps[3].outcome == "conflict");
  CHECK(steps[3].note == "src/a.cpp");
  CHECK(steps[4].end_ms == 0);
  CHECK(steps[4].outcome.empty());
  timeline.on_event(Landed{99, {}, {}}, 2700);  // of a step that it never heard of
  CHECK(timeline.steps()[4].end_ms == 0);
}

TEST_CASE("what happens beside the steps is marked, without escapes and line breaks") {
  Timeline timeline;
  timeline.on_event(LimitHit{"cost", "1 USD", true}, 10);
  timeline.on_event(QuestionAsked{"Q1", "M1.T1", "S3", "which\n\x1b[31mcolour?"}, 20);
  timeline.on_event(UserPaused{}, 30);
  timeline.on_event(TimePassed{40}, 40);
  const auto& marks = timeline.marks();
  REQUIRE(marks.size() == 3);
  CHECK(marks[0].kind == "limit_hit");
  CHECK(marks[0].text == "cost: 1 USD");
  CHECK(marks[1].task == "M1.T1");
  CHECK(marks[1].text.find('\x1b') == std::string::npos);
  CHECK(marks[1].text.find('\n') == std::string::npos);
  CHECK(timeline.to_json()["marks"].size() == 3);
}

TEST_CASE("a mission without an end keeps a bounded timeline") {
  Timeline timeline;
  for (int i = 1; i <= 30'000; ++i)
    timeline.on_event(step(static_cast<IntentId>(i), IntentKind::work, "M1.T1"), i);
  CHECK(timeline.steps().size() == 20'000);
  CHECK(timeline.to_json()["left_out"] == 10'000);
}
