#include "runtime/core/ladder.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/core/mission_story.hpp"

using namespace muster;
using muster::test::Story;

namespace {

/// The session of that intent is seen in a circle; what the engine answers is carried out.
Rung circle(Story& story, IntentId id, StuckKind kind = StuckKind::same_call,
            bool progressed = false) {
  auto intent = *story.state.intent(id);
  StuckSeen seen{kind, "made the same call 3 times", progressed};
  auto rung = next_rung(story.state, intent, seen);
  story.feed(StuckDetected{id, "S", "worker", intent.task, kind, rung, seen.detail, progressed});
  if (rung > Rung::intervene) story.feed(StepFailed{id, {ErrorCode::no_progress, seen.detail, {}}});
  return rung;
}

/// As the mission does it before it decides.
std::optional<Rung> say_no_progress(Story& story) {
  auto stale = detect_no_progress(story.state);
  if (!stale) return std::nullopt;
  story.feed(*stale);
  return stale->rung;
}

/// A master review that finds the same as ever; the task made of it lands.
void iterate(Story& story) {
  auto task = story.state.tasks.back().spec.id;
  story.done(task);
  story.finally_verified();
  story.master(false);
}

}  // namespace

TEST_CASE("an agent in a circle is told first, then its task is cut into parts") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"}, {"M1.T1"})});
  story.prepared("M1.T1");
  auto work = story.open(IntentKind::work, "M1.T1");
  CHECK(circle(story, work) == Rung::intervene);
  CHECK(story.is_open(IntentKind::work, "M1.T1"));
  CHECK(circle(story, work) == Rung::decompose);
  CHECK(story.stage("M1.T1") == Stage::decomposing);
  story.feed(PlanSubmitted{
      story.open(IntentKind::decompose, "M1.T1"),
      {Story::task("M1.T1.S1", {"a.c"}), Story::task("M1.T1.S2", {"c.c"}, {"M1.T1.S1"})},
      {}});
  CHECK(story.stage("M1.T1") == Stage::dropped);
  story.done("M1.T1.S1");
  CHECK(story.stage("M1.T2") == Stage::pending);  // it waits for all parts
  story.done("M1.T1.S2");
  story.done("M1.T2");
  CHECK(story.state.phase == Phase::master_review);
  CHECK(story.state.stuck.at("same_call") == 2);
}

TEST_CASE("a part in a circle makes a new plan, twice; then a person is asked") {
  Story story;
  story.planned({Story::task("M1.T1.S1", {"a.c"})});
  for (int plan = 2; plan < 2 + max_replans; ++plan) {
    auto part = story.state.tasks.back().spec.id;
    story.prepared(part);
    circle(story, story.open(IntentKind::work, part));
    CHECK(circle(story, story.open(IntentKind::work, part)) == Rung::replan);
    CHECK(story.stage(part) == Stage::failed);
    auto next = "M" + std::to_string(plan) + ".T1.S1";
    story.feed(PlanSubmitted{story.open(IntentKind::plan), {Story::task(next, {"a.c"})}, {}});
  }
  auto part = story.state.tasks.back().spec.id;
  story.prepared(part);
  circle(story, story.open(IntentKind::work, part));
  CHECK(circle(story, story.open(IntentKind::work, part)) == Rung::ask);
  CHECK(story.stage(part) == Stage::parked);
  REQUIRE(story.state.questions.size() == 1);
  story.feed(UserAnswered{story.state.questions[0].id, "look at b.c"});
  story.done(part);
  CHECK(story.state.replans == 0);  // something landed
  CHECK(story.state.phase == Phase::master_review);
}

TEST_CASE("parts that are none are refused, and the next plan goes another way") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  auto refused = [&](const std::vector<TaskSpec>& parts) {
    return !problems_of_parts(story.state, "M1.T1", parts).empty();
  };
  CHECK(refused({Story::task("M1.T1.S1")}));
  CHECK(refused({Story::task("M1.T1.S1"), Story::task("M1.T2")}));
  CHECK(refused({Story::task("M1.T1.S1"), Story::task("M1.T1.S2", {}, {"M1.T1"})}));
  CHECK(refused({Story::task("M1.T1.S1"), Story::task("M1.T1.S2", {}, {"M1"})}));
  CHECK_FALSE(refused({Story::task("M1.T1.S1"), Story::task("M1.T1.S2", {}, {"M1.T1.S1"})}));
  story.prepared("M1.T1");
  circle(story, story.open(IntentKind::work));
  circle(story, story.open(IntentKind::work));
  story.feed(PlanSubmitted{story.open(IntentKind::decompose), {Story::task("M1.T1.S1")}, {}});
  CHECK(story.stage("M1.T1") == Stage::failed);
  CHECK(story.is_open(IntentKind::plan));
}

TEST_CASE("progress takes the session back to the lowest rung") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  auto work = story.open(IntentKind::work);
  CHECK(circle(story, work) == Rung::intervene);
  CHECK(circle(story, work, StuckKind::alternating, true) == Rung::intervene);
  CHECK(circle(story, work) == Rung::decompose);
}

TEST_CASE("a stalled stream and a stuck decoder are tried again, whoever calls") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  auto work = story.open(IntentKind::work);
  for (int i = 0; i < 5; ++i) {
    CHECK(circle(story, work, StuckKind::silent_stream) == Rung::retry);
    CHECK(circle(story, work, StuckKind::stuck_decoder) == Rung::retry);
  }
  CHECK(story.is_open(IntentKind::work));
}

TEST_CASE("a reviewer in a circle is replaced; the third time a person is asked") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  story.worked("M1.T1");
  story.verified("M1.T1");
  for (int i = 0; i < 3; ++i) {
    circle(story, story.open(IntentKind::review));
    CHECK(circle(story, story.open(IntentKind::review)) == Rung::restart);
  }
  CHECK(story.stage("M1.T1") == Stage::parked);
}

TEST_CASE("M6 no progress for 3 iterations brings an intervention, 5 ask; progress resets") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  iterate(story);  // the first finding: news
  iterate(story);  // the same again
  iterate(story);
  CHECK_FALSE(say_no_progress(story));
  iterate(story);
  CHECK(say_no_progress(story) == Rung::intervene);
  CHECK_FALSE(say_no_progress(story));
  CHECK(story.state.intervention.find("3 iterations") != std::string::npos);
  iterate(story);
  CHECK_FALSE(say_no_progress(story));
  SECTION("and nothing new begins before the answer") {
    iterate(story);
    auto stale = detect_no_progress(story.state);
    REQUIRE(stale);
    muster::apply(story.state, *stale);  // the mission says so before it decides
    CHECK(stale->rung == Rung::ask);
    CHECK(is_held(story.state));
    CHECK(decide(story.state).empty());
    story.feed(UserAnswered{std::string(progress_question), "try the other way"});
    CHECK_FALSE(is_held(story.state));
    CHECK(story.state.stale_iterations == 0);
    story.done(story.state.tasks.back().spec.id);
  }
  SECTION("and another finding is progress") {
    auto task = story.state.tasks.back().spec.id;
    story.done(task);
    story.finally_verified();
    VerdictGiven verdict{story.open(IntentKind::master_review), false, "s", {}};
    verdict.findings = {{"c.c", 1, "something else", "error"}};
    story.feed(verdict);
    CHECK(story.state.stale_iterations == 0);
    CHECK(story.state.intervention.empty());
  }
}
