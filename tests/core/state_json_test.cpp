// Snapshots: a state that went through JSON is the same state.
#include "runtime/core/state_json.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/core/mission_machine.hpp"
#include "tests/core/property_run.hpp"

using namespace muster;
using muster::test::MissionMachine;
using muster::test::random_choices;
using muster::test::seed_of_run;
using muster::test::sequences;

namespace {

std::string text_of(const State& state) { return state_to_json(state).dump(); }

State through_json(const State& state) {
  auto read = state_from_json(nlohmann::json::parse(text_of(state)));
  INFO((read.ok() ? "" : read.error().text()));
  REQUIRE(read.ok());
  return std::move(*read);
}

std::string text_of(const std::vector<IntentIssued>& intents) {
  std::string out;
  for (const auto& intent : intents) out += event_to_json(intent).dump() + "\n";
  return out;
}

std::vector<EventBody> log_of(const std::vector<std::uint32_t>& choices) {
  MissionMachine machine(choices);
  (void)machine.run();  // what it may find is another test's
  return machine.log;
}

}  // namespace

TEST_CASE("a state that went through a snapshot is equal, decides the same and goes on the same",
          "[property]") {
  auto seed = seed_of_run();
  WARN("seed " << seed << " (MUSTER_SEED replays it)");
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < sequences() / 50; ++i) {
    auto log = log_of(random_choices(random));
    auto cut = random() % (log.size() + 1);
    State live;
    for (std::size_t at = 0; at < cut; ++at) muster::apply(live, log[at]);
    auto again = through_json(live);
    INFO("sequence " << i << ", cut at event " << cut << " of " << log.size());
    REQUIRE(text_of(again) == text_of(live));
    REQUIRE(again.leases == live.leases);
    REQUIRE(again.index == live.index);
    REQUIRE(text_of(decide(again)) == text_of(decide(live)));
    for (auto at = cut; at < log.size(); ++at) {
      muster::apply(live, log[at]);
      muster::apply(again, log[at]);
      if (at % 16 != 0) continue;
      auto other = again;
      auto one = live;
      REQUIRE(text_of(decide(other)) == text_of(decide(one)));
    }
    REQUIRE(text_of(again) == text_of(live));
  }
}

TEST_CASE("a snapshot of another version, or of nonsense, is refused with the reason") {
  State state;
  state.mission = "m";
  auto good = state_to_json(state);
  CHECK(state_from_json(good)->mission == "m");
  auto newer = good;
  newer["v"] = state_version + 1;
  CHECK(state_from_json(newer).error().code == ErrorCode::invalid_argument);
  CHECK(state_from_json(newer).error().message.find("form 2") != std::string::npos);
  for (const auto* text : {"{}", "[]", "null", "7", R"({"v":1})", R"({"v":"1"})"})
    CHECK_FALSE(state_from_json(nlohmann::json::parse(text)).ok());
  auto wrong_type = good;
  wrong_type["tasks"] = "none";
  CHECK(state_from_json(wrong_type).error().code == ErrorCode::corrupt);
  auto beyond = good;
  beyond["dirty"] = {3};
  CHECK(state_from_json(beyond).error().code == ErrorCode::corrupt);
  auto unknown_stage = good;
  unknown_stage["phase"] = "dreaming";
  CHECK(state_from_json(unknown_stage).error().code == ErrorCode::corrupt);
}

TEST_CASE("an event that a newer muster wrote is refused as such, an unknown one as corrupt") {
  auto event = event_to_json(UserTold{"", "hello"});
  CHECK(event_from_json(event).ok());
  event["v"] = event_version + 1;
  CHECK(event_from_json(event).error().code == ErrorCode::invalid_argument);
  CHECK(event_from_json({{"type", "dreamt"}}).error().code == ErrorCode::corrupt);
}

TEST_CASE("a notice is known until the next of its type, told once a front end showed it") {
  State state;
  muster::apply(state, MissionStarted{"m", "o"});
  muster::apply(state, NoticePosted{"N1", "needs_user", "{}"});
  auto read = event_from_json(event_to_json(NoticePosted{"N2", "needs_user", R"({"a":1})"}));
  REQUIRE(read.ok());
  muster::apply(state, *read);
  muster::apply(state, NoticeTold{"N1"});
  REQUIRE(state.notices.size() == 1);
  CHECK_FALSE(state.notices.at("needs_user").told);
  CHECK(state.notices_posted == 2);
  muster::apply(state, UserStopped{});
  muster::apply(state, NoticePosted{"N3", "mission_ended", "{}"});
  muster::apply(state, NoticeTold{"N3"});
  muster::apply(state, NoticeTold{"N2"});
  CHECK(state.notices.at("mission_ended").told);
  CHECK(state.notices.at("needs_user").told);
}

namespace {

/// Lands tasks one after another, all of which succeed.
class LongMission {
 public:
  explicit LongMission(std::size_t tasks) {
    MissionStarted start{"m", "o"};
    start.baseline = false;
    start.limits.max_tasks = tasks;
    start.limits.active_tasks = 1;
    muster::apply(state, start);
    run(tasks);
  }
  State state;
  std::vector<EventBody> log;

 private:
  EventBody answer(const IntentIssued& intent, std::size_t tasks) const;
  void take(const EventBody& event) {
    log.push_back(event);
    muster::apply(state, event);
  }
  void run(std::size_t tasks) {
    for (auto intents = decide(state); !intents.empty() && !is_terminal(state.phase);
         intents = decide(state))
      for (const auto& intent : intents) {
        take(intent);
        take(answer(intent, tasks));
      }
  }
};

std::vector<TaskSpec> many_tasks(std::size_t count) {
  std::vector<TaskSpec> out;
  for (std::size_t i = 1; i <= count; ++i) {
    TaskSpec spec;
    spec.id = "M1.T" + std::to_string(i);
    spec.title = "task " + std::to_string(i);
    spec.description = std::string(500, 'd');
    spec.files = {"f" + std::to_string(i)};
    spec.verification = {{"make test", {}, {}, {}}};
    out.push_back(spec);
  }
  return out;
}

EventBody LongMission::answer(const IntentIssued& intent, std::size_t tasks) const {
  auto id = intent.id;
  auto tree = "t" + std::to_string(id);
  auto receipt = [](const std::string& of) {
    ReceiptFacts facts;
    facts.check = "test";
    facts.command = "make test";
    facts.exit_code = 0;
    facts.output_tail = std::string(1000, 'o');
    facts.tree_before = facts.tree_after = of;
    return ReceiptMinter::mint(facts);
  };
  switch (intent.kind) {
    case IntentKind::discover:
      return ContextDiscovered{id, "base", "tree0", {}, {{"test", "test", "make test", "", ""}},
                               {}};
    case IntentKind::triage:
      return Triaged{id, TriageKind::large, {}, {}, {}};
    case IntentKind::plan:
      return PlanSubmitted{id, many_tasks(tasks), {}};
    case IntentKind::prepare:
      return SnapshotReady{id, state.tip, {}};
    case IntentKind::work:
      return WorkSubmitted{id, "done", 3, true, {}};
    case IntentKind::verify:
      return TaskVerified{id, tree, {receipt(tree)}, {"f"}, {}};
    case IntentKind::merge:
      return Merged{id, "c" + std::to_string(id), tree, state.tip, false, {}};
    case IntentKind::land:
      return Landed{id, state.task(intent.task)->merge.commit, state.task(intent.task)->merge.tree};
    case IntentKind::final_verify:
      return IntegratedVerified{id, state.tip_tree, {receipt(state.tip_tree)}};
    case IntentKind::request_seal:
      return SealRequested{id, "done"};
    case IntentKind::seal:
      return Sealed{id, state.tip, "muster/m", true, {}};
    default:
      return VerdictGiven{id, true, "yes", {}};
  }
}

}  // namespace

TEST_CASE("D6 of 1,500 finished tasks the oldest 500 keep id, title, stage and commit alone") {
  LongMission mission(1500);
  const auto& state = mission.state;
  REQUIRE(state.phase == Phase::sealed);
  REQUIRE(state.tasks.size() == 1500);
  CHECK(todo_count(state).done == 1500);
  CHECK(state.finished.size() == max_finished_tasks);
  for (std::size_t i = 0; i < state.tasks.size(); ++i) {
    const auto& task = state.tasks[i];
    REQUIRE(task.forgotten == (i < 500));
    REQUIRE(task.spec.title == "task " + std::to_string(i + 1));
    REQUIRE(task.stage == Stage::done);
    REQUIRE_FALSE(task.commit.empty());
    REQUIRE(task.receipts.empty() == task.forgotten);
    REQUIRE(task.spec.description.empty() == task.forgotten);
  }
  State again;
  muster::apply(again, [] {
    MissionStarted start{"m", "o"};
    start.baseline = false;
    start.limits.max_tasks = 1500;
    start.limits.active_tasks = 1;
    return start;
  }());
  for (const auto& event : mission.log) muster::apply(again, event);
  again.dirty = state.dirty;  // decide() takes marks away; nobody decided here
  CHECK(text_of(again) == text_of(state));
  CHECK(text_of(through_json(state)) == text_of(state));
}
