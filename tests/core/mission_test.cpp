#include <catch2/catch_test_macros.hpp>

#include "tests/core/mission_story.hpp"

using namespace muster;
using muster::test::Story;

TEST_CASE("a mission of two tasks goes through every stage and is sealed") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"}, {"M1.T1"})});
  CHECK(story.stage("M1.T2") == Stage::pending);
  story.done("M1.T1");
  CHECK(story.stage("M1.T1") == Stage::done);
  story.done("M1.T2");
  CHECK(story.state.phase == Phase::master_review);
  story.finally_verified();
  story.master(true);
  story.sealed();
  CHECK(story.state.phase == Phase::sealed);
  CHECK(todo_count(story.state).done == 2);
}

TEST_CASE("a question is answered without a plan and never sealed") {
  Story story;
  story.discovered();
  story.baseline(true);
  story.feed(Triaged{story.open(IntentKind::triage), TriageKind::question, {}, "42", {}});
  CHECK(story.state.phase == Phase::answered);
  CHECK(story.state.answer == "42");
  CHECK(story.state.open.empty());
}

TEST_CASE("a small mission has one task, no planner and the same gate") {
  Story story;
  story.discovered();
  story.baseline(true);
  story.feed(Triaged{
      story.open(IntentKind::triage), TriageKind::small, {}, {}, Story::task("M1.T1", {"a.c"})});
  CHECK_FALSE(story.is_open(IntentKind::plan));
  story.done("M1.T1");
  story.finally_verified();
  story.master(true);
  CHECK(story.state.phase == Phase::sealing);
}

TEST_CASE("M3 no completion while work is pending") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"})});
  story.done("M1.T1");
  CHECK(story.state.phase == Phase::executing);
  CHECK_FALSE(evaluate_gate(story.state).open);
}

TEST_CASE("M4 the barrier counts reviews, not only workers") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"})});
  for (const char* task : {"M1.T1", "M1.T2"}) {
    story.prepared(task);
    story.worked(task);
    story.verified(task);
  }
  CHECK(story.state.phase == Phase::executing);
  story.reviewed("M1.T1", true);
  story.landed("M1.T1");
  CHECK(story.state.phase == Phase::executing);
  story.reviewed("M1.T2", true);
  story.landed("M1.T2");
  CHECK(story.state.phase == Phase::master_review);
}

TEST_CASE("M5 a stale receipt, an open issue and a check worse than the baseline do not seal") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.done("M1.T1");
  SECTION("a receipt of another tree") {
    story.feed(IntegratedVerified{story.open(IntentKind::final_verify),
                                  story.state.tip_tree,
                                  {Story::receipt("test", true, "older tree")}});
    CHECK(story.is_open(IntentKind::final_verify));
    CHECK_FALSE(story.state.final_done);
  }
  SECTION("an open issue becomes a task of the next iteration") {
    story.feed(IssueRaised{"I1", {}, "leaks", "", "reviewer"});
    story.finally_verified();
    story.master(true);
    CHECK(story.state.phase == Phase::executing);
    CHECK(story.state.iteration == 2);
    CHECK(story.state.task("M2.T1")->spec.title == "Resolve I1: leaks");
    story.done("M2.T1");
    CHECK_FALSE(story.state.issues[0].open);
  }
  SECTION("a check that was green fails") {
    story.finally_verified(false);
    CHECK(story.state.phase == Phase::executing);
    CHECK(story.state.iteration == 2);
  }
  SECTION("a missing check of the baseline") {
    story.feed(IntegratedVerified{story.open(IntentKind::final_verify),
                                  story.state.tip_tree,
                                  {Story::receipt("other", true, story.state.tip_tree)}});
    story.master(true);
    story.feed(SealRequested{story.open(IntentKind::request_seal), {}});
    CHECK(story.state.phase == Phase::master_review);
    CHECK(story.state.wants_user);
  }
}

TEST_CASE("M5 a repository that was red before can seal when nothing got worse") {
  Story story;
  story.discovered();
  story.baseline(false, {"f1", "f2"});
  story.feed(Triaged{story.open(IntentKind::triage), TriageKind::large, {}, {}, {}});
  story.feed(PlanSubmitted{story.open(IntentKind::plan), {Story::task("M1.T1", {"a.c"})}, {}});
  story.done("M1.T1");
  SECTION("the same findings") {
    story.finally_verified(false, {"f2"});
    auto gate = evaluate_gate(story.state);
    REQUIRE(gate.checks.size() == 1);
    CHECK(gate.checks[0].second == CheckVerdict::red_before);
    story.master(true);
    story.sealed();
    CHECK(story.state.phase == Phase::sealed);
  }
  SECTION("a new finding") {
    story.finally_verified(false, {"f2", "f3"});
    CHECK(story.state.phase == Phase::executing);
  }
}

TEST_CASE("a waived check is said in the gate's report") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.done("M1.T1");
  story.feed(UserWaived{"test"});
  story.finally_verified(false);
  story.master(true);
  story.sealed();
  CHECK(story.state.phase == Phase::sealed);
  CHECK(evaluate_gate(story.state).waived == 1);
}

TEST_CASE("M7 the same error three times parks the task and asks; three different ones do not") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  auto kind = IntentKind::work;
  auto fail_with = [&](const std::string& print) {
    story.worked("M1.T1", kind);
    story.verified("M1.T1", false, {print});
    kind = story.is_open(IntentKind::fix) ? IntentKind::fix : IntentKind::work;
  };
  SECTION("the same") {
    fail_with("f1");
    fail_with("f1");
    CHECK(story.stage("M1.T1") == Stage::working);
    fail_with("f1");
    CHECK(story.stage("M1.T1") == Stage::parked);
    REQUIRE(story.state.questions.size() == 1);
    CHECK(story.state.wants_user);
    story.feed(UserAnswered{story.state.questions[0].id, "use the other library"});
    CHECK_FALSE(story.state.wants_user);
    CHECK(story.stage("M1.T1") == Stage::preparing);
    CHECK(story.state.task("M1.T1")->guidance.back() == "use the other library");
  }
  SECTION("different") {
    fail_with("f1");
    fail_with("f2");
    fail_with("f3");
    CHECK(story.stage("M1.T1") == Stage::working);
  }
}

TEST_CASE("M8 attempts, rounds and iterations stop the work by force") {
  MissionLimits limits;
  SECTION("after the review rounds a fresh snapshot is tried, after the attempts the task fails") {
    limits.attempts_per_task = 5;
    limits.review_rounds = 2;
    Story story(MissionKind::run, limits);
    story.planned({Story::task("M1.T1", {"a.c"})});
    int attempts = 0;
    int fresh = 0;
    while (story.stage("M1.T1") != Stage::dropped && story.state.phase == Phase::executing) {
      if (story.is_open(IntentKind::prepare)) {
        story.prepared("M1.T1");
        ++fresh;
      }
      story.worked("M1.T1", story.is_open(IntentKind::fix) ? IntentKind::fix : IntentKind::work);
      story.verified("M1.T1");
      story.reviewed("M1.T1", false, "wrong " + std::to_string(++attempts));
    }
    CHECK(attempts == 5);
    CHECK(fresh == 2);
    CHECK(story.stage("M1.T1") == Stage::failed);
    CHECK(story.state.phase == Phase::planning);
    CHECK(story.state.iteration == 2);
  }
  SECTION("iterations") {
    limits.iterations = 2;
    Story story(MissionKind::run, limits);
    story.planned({Story::task("M1.T1", {"a.c"})});
    story.done("M1.T1");
    story.finally_verified();
    story.master(false);
    CHECK(story.state.iteration == 2);
    story.done("M2.T1");
    story.finally_verified();
    story.master(false);
    CHECK(story.state.phase == Phase::failed);
    CHECK(story.state.outcome_code == ErrorCode::limit_reached);
  }
  SECTION("tokens, money and time") {
    limits.max_tokens = 100;
    limits.max_cost_usd = 1.0;
    limits.max_time_ms = 1000;
    Story story(MissionKind::run, limits);
    story.discovered();
    SECTION("tokens") { story.feed(UsageRecorded{"S1", "commander", "", 60, 0, 60, 0}); }
    SECTION("money") { story.feed(UsageRecorded{"S1", "commander", "", 0, 0, 0, 1.5}); }
    SECTION("time") { story.feed(TimePassed{5000}); }
    CHECK(story.state.phase == Phase::failed);
    CHECK(story.state.limits_hit.size() == 1);
  }
}

TEST_CASE(
    "M9 a rejection reaches the fixer, an approval without an executed verification is refused") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  story.worked("M1.T1");
  story.verified("M1.T1");
  SECTION("rejected") {
    story.reviewed("M1.T1", false, "off by one");
    CHECK(story.is_open(IntentKind::fix, "M1.T1"));
    REQUIRE(story.state.task("M1.T1")->findings.size() == 1);
    CHECK(story.state.task("M1.T1")->findings[0].message == "off by one");
  }
  SECTION("approved on receipts that are stale") {
    story.state.task("M1.T1")->tree = "another tree";
    story.reviewed("M1.T1", true);
    CHECK_FALSE(story.is_open(IntentKind::merge));
    CHECK(story.is_open(IntentKind::fix));
  }
}

TEST_CASE("a verification without a receipt goes to the fixer") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  story.worked("M1.T1");
  story.feed(TaskVerified{story.open(IntentKind::verify), "t", {}, {}, {}});
  CHECK(story.is_open(IntentKind::fix));
}

TEST_CASE("T2 a submission without a tool call and without a change is no success") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  story.feed(WorkSubmitted{story.open(IntentKind::work), "done!", 0, false, {}});
  CHECK(story.is_open(IntentKind::work));
  CHECK_FALSE(story.is_open(IntentKind::verify));
}

TEST_CASE("one file has one writer, first come first served") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"a.c", "b.c"}),
                 Story::task("M1.T3", {"c.c"})});
  CHECK(story.is_open(IntentKind::prepare, "M1.T1"));
  CHECK_FALSE(story.is_open(IntentKind::prepare, "M1.T2"));
  CHECK(story.is_open(IntentKind::prepare, "M1.T3"));
  story.done("M1.T1");
  CHECK(story.is_open(IntentKind::prepare, "M1.T2"));
}

TEST_CASE("landing is serial; where the base moved the merged tree is verified again") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"})});
  for (const char* task : {"M1.T1", "M1.T2"}) {
    story.prepared(task);
    story.worked(task);
    story.verified(task);
    story.reviewed(task, true);
  }
  CHECK(story.is_open(IntentKind::merge, "M1.T1"));
  CHECK_FALSE(story.is_open(IntentKind::merge, "M1.T2"));
  story.landed("M1.T1");
  story.feed(Merged{story.open(IntentKind::merge, "M1.T2"), "c2", "t2", story.state.tip, true, {}});
  CHECK_FALSE(story.is_open(IntentKind::land));
  SECTION("it passes") {
    story.feed(TaskVerified{
        story.open(IntentKind::reverify), "t2", {Story::receipt("x", true, "t2")}, {}, {}});
    story.feed(Landed{story.open(IntentKind::land), "c2", "t2"});
    CHECK(story.state.phase == Phase::master_review);
  }
  SECTION("it fails: rebased and fixed") {
    story.feed(TaskVerified{
        story.open(IntentKind::reverify), "t2", {Story::receipt("x", false, "t2", {"f"})}, {}, {}});
    story.feed(SnapshotReady{story.open(IntentKind::rebase), story.state.tip, {}});
    CHECK(story.is_open(IntentKind::fix, "M1.T2"));
    CHECK(story.state.landing_task.empty());
  }
}

TEST_CASE("the branch's tip is known even when the user drops a task while it lands") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"})});
  story.prepared("M1.T1");
  story.worked("M1.T1");
  story.verified("M1.T1");
  story.reviewed("M1.T1", true);
  story.feed(Merged{story.open(IntentKind::merge), "c1", "t1", story.state.tip, false, {}});
  auto landing = story.open(IntentKind::land);
  story.feed(TodoDecided{"M1.T1", false});
  story.feed(Landed{landing, "c1", "t1"});
  CHECK(story.state.tip == "c1");
  CHECK(story.state.tip_tree == "t1");
  CHECK(story.stage("M1.T1") == Stage::dropped);
}

TEST_CASE("a merge conflict goes to the fixer with both sides") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  story.worked("M1.T1");
  story.verified("M1.T1");
  story.reviewed("M1.T1", true);
  story.feed(Merged{story.open(IntentKind::merge), {}, {}, "base", true, {"a.c"}});
  story.feed(SnapshotReady{story.open(IntentKind::rebase), "base", {"a.c"}});
  CHECK(story.is_open(IntentKind::fix));
  CHECK(story.state.task("M1.T1")->findings.back().file == "a.c");
}

TEST_CASE("a failed task skips its dependants and is planned again") {
  MissionLimits limits;
  limits.attempts_per_task = 1;
  Story story(MissionKind::run, limits);
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"}, {"M1"})});
  CHECK(story.state.tasks.empty());  // a task that depends on its own group is refused
  story.feed(
      PlanSubmitted{story.open(IntentKind::plan),
                    {Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"}, {"M1.T1"})},
                    {}});
  story.prepared("M1.T1");
  story.worked("M1.T1");
  story.verified("M1.T1", false, {"f"});
  CHECK(story.stage("M1.T1") == Stage::failed);
  CHECK(story.stage("M1.T2") == Stage::skipped);
  CHECK(story.is_open(IntentKind::plan));
  story.feed(PlanSubmitted{story.open(IntentKind::plan), {Story::task("M2.T1", {"a.c"})}, {}});
  CHECK(story.stage("M1.T1") == Stage::dropped);
  CHECK(story.stage("M2.T1") == Stage::preparing);
}

TEST_CASE("the user approves the plan, or has it changed") {
  Story story(MissionKind::run, {}, true);
  story.planned({Story::task("M1.T1", {"a.c"})});
  CHECK(story.state.wants_user);
  CHECK(story.state.open.empty());
  SECTION("approved") {
    story.feed(UserAnswered{"plan", "approve"});
    CHECK(story.is_open(IntentKind::prepare));
  }
  SECTION("changed") {
    story.feed(UserAnswered{"plan", "no new dependencies"});
    CHECK(story.is_open(IntentKind::plan));
    CHECK(story.state.guidance.back() == "no new dependencies");
  }
}

TEST_CASE("a pause holds everything still, cancelled attempts do not count") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"})});
  story.prepared("M1.T1");
  CHECK(story.state.task("M1.T1")->attempt == 1);
  story.feed(UserPaused{});
  story.feed(StepFailed{story.open(IntentKind::work), {ErrorCode::cancelled, "paused", {}}});
  CHECK(story.state.open.empty());
  story.feed(UserResumed{});
  CHECK(story.is_open(IntentKind::work));
  CHECK(story.state.task("M1.T1")->attempt == 1);
}

TEST_CASE("quota and key errors ask the user at once instead of trying again") {
  Story story;
  story.discovered();
  story.baseline(true);
  story.feed(StepFailed{story.open(IntentKind::triage), {ErrorCode::unauthenticated, "401", {}}});
  CHECK(story.state.wants_user);
  CHECK_FALSE(story.is_open(IntentKind::triage));
  story.feed(UserAnswered{story.state.questions.back().id, "mended"});
  CHECK(story.is_open(IntentKind::triage));
}

TEST_CASE("todo accept and drop decide a task, stop ends the mission") {
  Story story;
  story.planned({Story::task("M1.T1", {"a.c"}), Story::task("M1.T2", {"b.c"}, {"M1.T1"})});
  story.feed(TodoDecided{"M1.T1", false});
  CHECK(story.stage("M1.T1") == Stage::dropped);
  CHECK(story.is_open(IntentKind::prepare, "M1.T2"));
  story.feed(UserStopped{});
  CHECK(story.state.phase == Phase::stopped);
  CHECK(decide(story.state).empty());
}

TEST_CASE("a review mission answers with the verdict and changes nothing") {
  Story story(MissionKind::review);
  story.discovered();
  story.finally_verified();
  story.master(false);
  CHECK(story.state.phase == Phase::answered);
  CHECK_FALSE(story.state.answer_positive);
}

TEST_CASE("a plan mission ends with the plan") {
  Story story(MissionKind::plan);
  story.discovered();
  story.feed(PlanSubmitted{story.open(IntentKind::plan), {Story::task("M1.T1", {"a.c"})}, {}});
  CHECK(story.state.phase == Phase::answered);
  CHECK(story.state.tasks.size() == 1);
}

TEST_CASE("a late or doubled receipt changes nothing") {
  Story story;
  auto id = story.open(IntentKind::discover);
  story.discovered();
  story.feed(ContextDiscovered{id, "other", "x", {}, {}, {}});
  CHECK(story.state.base == "base");
  story.feed(VerdictGiven{story.open(IntentKind::triage), true, {}, {}});
  CHECK(story.is_open(IntentKind::triage));
}
