// The mission's state machine: apply and decide over whole missions whose every step succeeds.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "actors/receipt_minter.hpp"
#include "runtime/core/state.hpp"

namespace muster::bench {
namespace {

Receipt receipt(const std::string& check, const std::string& tree) {
  ReceiptFacts facts;
  facts.check = check;
  facts.command = "make " + check;
  facts.tree_before = facts.tree_after = tree;
  return ReceiptMinter::mint(facts);
}

/// Layers of ten: each task needs two of the layer before and has three files of its own.
std::vector<TaskSpec> plan(std::size_t count) {
  std::vector<TaskSpec> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    TaskSpec task;
    auto number = std::to_string(i + 1);
    task.id = "M1.T" + number;
    task.title = "Part " + number;
    for (const char* part : {"src/a", "src/b", "tests/t"})
      task.files.push_back(part + number + ".cpp");
    if (i >= 10) task.depends_on = {"M1.T" + std::to_string(i - 9)};
    if (i >= 11) task.depends_on.push_back("M1.T" + std::to_string(i - 10));
    task.verification = {{"make test", {}, {}, {}}};
    tasks.push_back(std::move(task));
  }
  return tasks;
}

/// What the outside answers to an intent, when all goes well.
EventBody answer(const State& state, const IntentIssued& intent, std::size_t tasks) {
  auto id = intent.id;
  auto tree = "tree" + std::to_string(id);
  switch (intent.kind) {
    case IntentKind::discover:
      return ContextDiscovered{
          id, "base", "tree0", {}, {{"test", "test", "make test", "", "Makefile"}}, {}};
    case IntentKind::baseline:
      return BaselineRecorded{id, {receipt("test", "tree0")}};
    case IntentKind::triage:
      return Triaged{id, TriageKind::large, {}, {}, {}};
    case IntentKind::plan:
      return PlanSubmitted{id, plan(tasks), {}};
    case IntentKind::prepare:
    case IntentKind::rebase:
    case IntentKind::decompose:
      return SnapshotReady{id, state.tip, {}};
    case IntentKind::work:
    case IntentKind::fix:
      return WorkSubmitted{id, "did it", 12, true, {}};
    case IntentKind::verify:
    case IntentKind::reverify:
      return TaskVerified{id, tree, {receipt("test", tree)}, {}, {}};
    case IntentKind::review:
    case IntentKind::master_review:
      return VerdictGiven{id, true, "good", {}};
    case IntentKind::merge:
      return Merged{id, "commit" + std::to_string(id), tree, state.tip, false, {}};
    case IntentKind::land: {
      const auto& merge = state.task(intent.task)->merge;
      return Landed{id, merge.commit, merge.tree};
    }
    case IntentKind::final_verify:
      return IntegratedVerified{id, state.tip_tree, {receipt("test", state.tip_tree)}};
    case IntentKind::request_seal:
      return SealRequested{id, "all done"};
    case IntentKind::seal:
      return Sealed{id, state.tip, "muster/m", true, {}};
  }
  return TimePassed{};
}

struct Story {
  std::vector<EventBody> outside;  ///< answers only: the machine issues the intents itself
  std::vector<EventBody> all;      ///< what the journal of the mission holds
  bool sealed = false;
};

Story tell(std::size_t tasks) {
  Story story;
  State state;
  auto feed = [&](EventBody event) {
    muster::apply(state, event);
    story.outside.push_back(event);
    story.all.push_back(std::move(event));
    for (const auto& intent : decide(state)) {
      muster::apply(state, intent);
      story.all.emplace_back(intent);
    }
  };
  MissionStarted start;
  start.mission = "m";
  start.objective = "Build it";
  start.limits.max_tasks = tasks;
  feed(start);
  while (!state.open.empty() && story.all.size() < 100 * tasks + 1000)
    feed(answer(state, state.open.begin()->second, tasks));
  story.sealed = state.phase == Phase::sealed;
  return story;
}

/// As the mission actor does it: each answer is applied, then what is to do next is decided.
void apply_decide(benchmark::State& state) {
  const auto story = tell(static_cast<std::size_t>(state.range(0)));
  if (!story.sealed) return state.SkipWithError("the mission was not sealed");
  for (auto _ : state) {
    State mission;
    for (const auto& event : story.outside) {
      muster::apply(mission, event);
      for (const auto& intent : decide(mission)) muster::apply(mission, intent);
    }
    benchmark::DoNotOptimize(mission);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(story.all.size()));
  state.counters["events"] = static_cast<double>(story.all.size());
}

/// As a resume does it: the journal is folded, then decided upon once.
void fold(benchmark::State& state) {
  const auto story = tell(static_cast<std::size_t>(state.range(0)));
  if (!story.sealed) return state.SkipWithError("the mission was not sealed");
  for (auto _ : state) {
    State mission;
    for (const auto& event : story.all) muster::apply(mission, event);
    mark_all(mission);
    auto next = decide(mission);
    benchmark::DoNotOptimize(next);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(story.all.size()));
  state.counters["events"] = static_cast<double>(story.all.size());
}

BENCHMARK(apply_decide)->Arg(25)->Arg(200)->Arg(1600)->Unit(benchmark::kMillisecond);
BENCHMARK(fold)->Arg(200)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace muster::bench
