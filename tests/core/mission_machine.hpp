#pragma once
// Drives the mission machine with arbitrary choices: whatever the outside may answer, in any order,
// twice, or too late. A run is a list of numbers, so a failing one can be shrunk and replayed.

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "actors/receipt_minter.hpp"
#include "runtime/core/gate.hpp"
#include "runtime/core/ladder.hpp"
#include "runtime/core/state.hpp"
#include "tests/support/rebuilt_state.hpp"

namespace muster::test {

/// A stream of choices; past its end every choice is 0, which the driver takes as the dullest one.
class Choices {
 public:
  explicit Choices(std::vector<std::uint32_t> values) : values_(std::move(values)) {}
  std::uint32_t next(std::uint32_t bound) {
    if (bound == 0) return 0;
    return at_ < values_.size() ? values_[at_++] % bound : 0;
  }
  [[nodiscard]] bool exhausted() const { return at_ >= values_.size(); }

 private:
  std::vector<std::uint32_t> values_;
  std::size_t at_ = 0;
};

class MissionMachine {
 public:
  explicit MissionMachine(std::vector<std::uint32_t> choices, MissionLimits limits = {})
      : choices_(std::move(choices)) {
    MissionStarted start;
    start.mission = "m";
    start.objective = "o";
    start.limits = limits;
    feed(start);
  }

  /// Plays the choices, then only what succeeds. "" or what went wrong.
  std::string run() {
    for (int step = 0;
         step < 400 && problem_.empty() && !choices_.exhausted() && !is_terminal(state.phase);
         ++step)
      chaos();
    for (int step = 0; step < 4000 && problem_.empty() && !is_terminal(state.phase); ++step)
      succeed();
    if (problem_.empty() && !is_terminal(state.phase))
      problem_ = "does not end: " + std::string(name_of(state.phase)) + ", open " +
                 std::to_string(state.open.size());
    return problem_;
  }

  State state;
  std::vector<EventBody> log;

 private:
  // ---- feeding and checking
  void feed(EventBody event) {
    log.push_back(event);
    muster::apply(state, event);
    check("after " + std::string(event_name(event)));
    if (auto stale = detect_no_progress(state)) {
      log.push_back(*stale);
      muster::apply(state, *stale);
      check("after no progress");
      if (detect_no_progress(state)) fail("says twice that there is no progress");
    }
    auto intents = decide(state);
    while (!intents.empty() && problem_.empty()) {
      for (const auto& intent : intents) {
        check_new(intent);
        log.push_back(intent);
        muster::apply(state, intent);
        if (!state.open.contains(intent.id)) fail("an issued intent was refused");
      }
      check("after intents");
      intents = decide(state);
    }
  }

  void fail(const std::string& what) {
    if (problem_.empty()) problem_ = what + " (event " + std::to_string(log.size()) + ")";
  }

  void check_new(const IntentIssued& intent) {
    for (const auto& [id, open] : state.open)
      if (open.task == intent.task && (!intent.task.empty() || open.kind == intent.kind))
        fail("repeats the intent " + std::string(name_of(intent.kind)) + " of '" + intent.task +
             "' before its receipt");
    if (state.paused || is_terminal(state.phase)) fail("issues an intent while it should not");
  }

  void check(const std::string& when) {
    std::map<std::string, std::string> writer;
    std::size_t active = 0;
    std::size_t unfinished = 0;
    std::size_t landing = 0;
    for (const auto& task : state.tasks) {
      if (is_active(task.stage)) ++active;
      if (!is_terminal(task.stage)) ++unfinished;
      if (task.stage == Stage::merging || task.stage == Stage::merged ||
          task.stage == Stage::reverifying || task.stage == Stage::landing)
        ++landing;
      if (!is_active(task.stage)) continue;
      if (!state.leases.holds(task.spec.id) && !task.spec.files.empty())
        fail(when + ": " + task.spec.id + " is at work without a lease");
      for (const auto& file : task.spec.files)
        if (auto [at, fresh] = writer.emplace(file, task.spec.id); !fresh)
          fail(when + ": two writers of " + file);
    }
    if (active != state.active_tasks || unfinished != state.unfinished_tasks)
      fail(when + ": the counters are wrong");
    if (active > static_cast<std::size_t>(state.limits.active_tasks))
      fail(when + ": over the worker places");
    if (landing > 1) fail(when + ": two landings at once");
    if (state.phase == Phase::sealed) check_seal();
  }

  /// Independent of the gate's own code: what "sealed" promises.
  void check_seal() {
    if (state.final_receipts.empty()) fail("sealed without a receipt");
    for (const auto& [name, receipt] : state.final_receipts) {
      if (receipt.facts().tree_before != state.tip_tree ||
          receipt.facts().tree_after != state.tip_tree)
        fail("sealed on a stale receipt");
      bool was_red = state.baseline.contains(name) && !state.baseline.at(name).passed();
      if (!receipt.passed() && !was_red && !state.waived.contains(name))
        fail("sealed with a failing check");
    }
    for (const auto& task : state.tasks)
      if (task.stage != Stage::done && task.stage != Stage::dropped)
        fail("sealed with an unfinished task");
    for (const auto& issue : state.issues)
      if (issue.open) fail("sealed with an open issue");
    if (!state.master_approved) fail("sealed without the master review");
  }

  // ---- the outside world
  IntentIssued pick_open() {
    auto at = state.open.begin();
    std::advance(at, choices_.next(static_cast<std::uint32_t>(state.open.size())));
    return at->second;
  }

  Receipt receipt(const std::string& check, bool pass, const std::string& tree,
                  bool stale = false) {
    ReceiptFacts facts;
    facts.check = check;
    facts.command = "make " + check;
    facts.exit_code = pass ? 0 : 1;
    facts.tree_before = tree;
    facts.tree_after = stale ? tree + "'" : tree;
    if (!pass) facts.fingerprints = {"f" + std::to_string(choices_.next(6))};
    return ReceiptMinter::mint(facts);
  }

  TaskSpec task_spec(const std::string& id) {
    TaskSpec spec;
    spec.id = id;
    spec.title = "t";
    spec.files = {"f" + std::to_string(choices_.next(5))};
    if (choices_.next(3) == 1) spec.files.push_back("f" + std::to_string(5 + choices_.next(3)));
    spec.verification = {{"make test", {}, {}, {}}};
    return spec;
  }

  std::vector<TaskSpec> plan() {
    std::vector<TaskSpec> tasks;
    auto count = 1 + choices_.next(6);
    int number = 1;
    while (tasks.size() < count) {
      auto id = "M" + std::to_string(state.iteration) + ".T" + std::to_string(number++);
      if (state.index.contains(id)) continue;
      auto spec = task_spec(id);
      if (!tasks.empty() && choices_.next(2) == 1)
        spec.depends_on = {tasks[choices_.next(static_cast<std::uint32_t>(tasks.size()))].id};
      tasks.push_back(spec);
    }
    return tasks;
  }

  /// A receipt event for an open intent; `good`: the one that moves the mission on.
  EventBody answer(const IntentIssued& intent, bool good) {
    auto id = intent.id;
    auto tree = "tree" + std::to_string(id);
    auto bad = [&](std::uint32_t n) { return good ? 0U : choices_.next(n); };
    if (!good && choices_.next(5) == 1) {
      static constexpr std::array codes{ErrorCode::network, ErrorCode::cancelled,
                                        ErrorCode::internal, ErrorCode::unauthenticated,
                                        ErrorCode::no_progress};
      return StepFailed{id, {codes[choices_.next(5)], "e" + std::to_string(choices_.next(5)), {}}};
    }
    switch (intent.kind) {
      case IntentKind::discover: {
        ContextDiscovered event{id, "base", "tree0", {}, {}, {}};
        if (choices_.next(3) != 1) event.commands = {{"test", "test", "make test", "", "Makefile"}};
        return event;
      }
      case IntentKind::baseline:
        return BaselineRecorded{id, {receipt("test", bad(2) == 0, "tree0")}};
      case IntentKind::triage: {
        auto kind = choices_.next(4) == 1 ? TriageKind::small : TriageKind::large;
        return Triaged{
            id,
            kind,
            {},
            {},
            kind == TriageKind::small ? std::optional(task_spec("M1.T1")) : std::nullopt};
      }
      case IntentKind::plan: {
        auto tasks = plan();
        if (bad(6) == 1) tasks.push_back(tasks.front());  // an id twice: must be refused
        return PlanSubmitted{id, tasks, {}};
      }
      case IntentKind::decompose: {
        auto whole = intent.task;
        std::vector<TaskSpec> parts{task_spec(whole + ".S1"), task_spec(whole + ".S2")};
        parts[1].depends_on = {parts[0].id};
        if (bad(6) == 1) parts[0].depends_on = {whole};  // would wait for itself: must be refused
        return PlanSubmitted{id, parts, {}};
      }
      case IntentKind::prepare:
        return SnapshotReady{id, state.tip, {}};
      case IntentKind::rebase:
        return SnapshotReady{
            id, state.tip,
            bad(2) == 1 ? std::vector<std::string>{"f1"} : std::vector<std::string>{}};
      case IntentKind::work:
      case IntentKind::fix:
        return WorkSubmitted{id, "s", bad(5) == 1 ? 0 : 3, bad(5) != 1, {}};
      case IntentKind::verify:
      case IntentKind::reverify: {
        TaskVerified event{id, tree, {receipt("t", bad(3) != 1, tree, bad(9) == 1)}, {"f1"}, {}};
        if (bad(9) == 1) event.receipts.clear();
        return event;
      }
      case IntentKind::review:
      case IntentKind::master_review:
        if (bad(3) == 1)
          return VerdictGiven{
              id, false, "no", {{"f2", 1, "wrong " + std::to_string(choices_.next(4)), "error"}}};
        return VerdictGiven{id, true, "yes", {}};
      case IntentKind::merge: {
        if (bad(5) == 1) return Merged{id, {}, {}, state.tip, true, {"f1"}};
        return Merged{id, "c" + std::to_string(id), tree, state.tip, choices_.next(2) == 1, {}};
      }
      case IntentKind::land: {
        if (bad(6) == 1) return StepFailed{id, {ErrorCode::conflict, "the tip moved", {}}};
        const auto& merge = state.task(intent.task)->merge;
        return Landed{id, merge.commit, merge.tree};
      }
      case IntentKind::final_verify:
        return IntegratedVerified{id,
                                  bad(9) == 1 ? "other" : state.tip_tree,
                                  {receipt("test", bad(3) != 1, state.tip_tree, bad(9) == 1)}};
      case IntentKind::request_seal:
        return SealRequested{id, "done"};
      case IntentKind::seal:
        return Sealed{id, state.tip, "muster/m", true, {}};
    }
    return TimePassed{};
  }

  void user_move() {
    switch (choices_.next(9)) {
      case 0:
        return feed(UserPaused{});
      case 1:
        return feed(UserResumed{});
      case 2:
        return feed(UserTold{"M1.T1", "hint"});
      case 3:
        return feed(IssueRaised{
            "I" + std::to_string(state.issues.size() + 1), {}, "issue", {}, "reviewer"});
      case 4:
        if (!state.issues.empty())
          return feed(IssueResolved{
              state.issues[choices_.next(static_cast<std::uint32_t>(state.issues.size()))].id,
              "ok"});
        return;
      case 5:
        if (!state.tasks.empty())
          return feed(TodoDecided{
              state.tasks[choices_.next(static_cast<std::uint32_t>(state.tasks.size()))].spec.id,
              choices_.next(2) == 1});
        return;
      case 6:
        return feed(TaskProposed{task_spec("M9.T" + std::to_string(1 + choices_.next(3)))});
      case 7:
        if (!state.tasks.empty())
          return feed(LeaseExtended{
              state.tasks[choices_.next(static_cast<std::uint32_t>(state.tasks.size()))].spec.id,
              {"x" + std::to_string(choices_.next(3))}});
        return;
      default:
        return answer_question();
    }
  }

  void answer_question() {
    if (state.questions.empty()) return;
    auto id = state.questions[choices_.next(static_cast<std::uint32_t>(state.questions.size()))].id;
    feed(UserAnswered{id, choices_.next(4) == 1 ? "skip" : "approve"});
  }

  /// A session that goes round in circles: the rung is said, and carried out when it ends.
  void get_stuck() {
    if (state.open.empty()) return;
    auto intent = pick_open();
    static constexpr std::array kinds{StuckKind::same_output, StuckKind::same_call,
                                      StuckKind::silent_stream};
    StuckSeen seen{kinds[choices_.next(3)], "d", choices_.next(3) == 1};
    auto rung = next_rung(state, intent, seen);
    feed(StuckDetected{intent.id, "s", "r", intent.task, seen.kind, rung, seen.detail,
                       seen.progressed});
    if (rung > Rung::intervene) feed(StepFailed{intent.id, {ErrorCode::no_progress, "d", {}}});
  }

  void chaos() {
    auto what = choices_.next(12);
    if (what == 4) return get_stuck();
    if (what == 1) return user_move();
    if (what == 2 && !log.empty())
      return feed(log[choices_.next(static_cast<std::uint32_t>(log.size()))]);  // again, late
    if (what == 3) return compare_rebuilt();
    if (state.open.empty()) {
      if (state.paused) return feed(UserResumed{});
      return answer_question();
    }
    feed(answer(pick_open(), false));
  }

  void succeed() {
    if (state.paused) return feed(UserResumed{});
    if (state.open.empty() && !state.questions.empty())
      return feed(UserAnswered{state.questions.front().id, "approve"});
    if (state.open.empty())
      return fail("stuck: nothing is open, nobody is asked, phase " +
                  std::string(name_of(state.phase)));
    feed(answer(state.open.begin()->second, true));
  }

  /// Folding the log again, through its JSON, gives a state that decides and behaves the same.
  void compare_rebuilt() {
    State again;
    for (const auto& event : log) {
      auto read = event_from_json(event_to_json(event));
      if (!read) return fail("an event does not survive its JSON: " + read.error().text());
      muster::apply(again, *read);
    }
    if (!decide_alike(state, std::move(again))) fail("a rebuilt state differs");
  }

  Choices choices_;
  std::string problem_;
};

/// Shorter and smaller choices that still fail.
inline std::vector<std::uint32_t> shrink(
    std::vector<std::uint32_t> failing,
    const std::function<bool(const std::vector<std::uint32_t>&)>& fails) {
  for (std::size_t chunk = failing.size() / 2 + 1; chunk > 0; chunk /= 2)
    for (std::size_t from = 0; from + chunk <= failing.size();) {
      auto shorter = failing;
      shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(from),
                    shorter.begin() + static_cast<std::ptrdiff_t>(from + chunk));
      if (fails(shorter))
        failing = shorter;
      else
        from += chunk;
    }
  for (auto& value : failing) {
    auto kept = value;
    value = 0;
    if (!fails(failing)) value = kept;
  }
  return failing;
}

}  // namespace muster::test
