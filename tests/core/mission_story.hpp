#pragma once
// Tells a mission's story event by event: each answer names the kind of the intent that it answers.

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "actors/receipt_minter.hpp"
#include "runtime/core/gate.hpp"
#include "runtime/core/state.hpp"

namespace muster::test {

class Story {
 public:
  State state;

  explicit Story(MissionKind kind = MissionKind::run, MissionLimits limits = {},
                 bool approve = false) {
    MissionStarted start;
    start.mission = "m1";
    start.objective = "Build it";
    start.kind = kind;
    start.limits = limits;
    start.approve_plan = approve;
    feed(start);
  }

  void feed(const EventBody& event) {
    muster::apply(state, event);
    for (auto intents = decide(state); !intents.empty(); intents = decide(state))
      for (const auto& intent : intents) muster::apply(state, intent);
  }

  /// The open intent of that kind (and task).
  IntentId open(IntentKind kind, const std::string& task = {}) const {
    for (const auto& [id, intent] : state.open)
      if (intent.kind == kind && (task.empty() || intent.task == task)) return id;
    FAIL("no open " << name_of(kind) << " of '" << task << "'");
    return 0;
  }
  bool is_open(IntentKind kind, const std::string& task = {}) const {
    for (const auto& [id, intent] : state.open)
      if (intent.kind == kind && (task.empty() || intent.task == task)) return true;
    return false;
  }

  static Receipt receipt(const std::string& check, bool pass, const std::string& tree,
                         std::vector<std::string> prints = {}) {
    ReceiptFacts facts;
    facts.check = check;
    facts.command = "make " + check;
    facts.exit_code = pass ? 0 : 2;
    facts.tree_before = facts.tree_after = tree;
    facts.fingerprints = std::move(prints);
    return ReceiptMinter::mint(facts);
  }

  static TaskSpec task(const std::string& id, std::vector<std::string> files = {},
                       std::vector<std::string> after = {}) {
    TaskSpec spec;
    spec.id = id;
    spec.title = "title of " + id;
    spec.files = std::move(files);
    spec.depends_on = std::move(after);
    spec.verification = {{"make test", {}, {}, {}}};
    return spec;
  }

  void discovered(bool with_tests = true) {
    ContextDiscovered event{open(IntentKind::discover), "base", "tree0", {}, {}, {}};
    if (with_tests) event.commands = {{"test", "test", "make test", "", "Makefile"}};
    feed(event);
  }
  void baseline(bool green, std::vector<std::string> prints = {}) {
    feed(BaselineRecorded{open(IntentKind::baseline),
                          {receipt("test", green, "tree0", std::move(prints))}});
  }
  void planned(std::vector<TaskSpec> tasks) {
    discovered();
    baseline(true);
    feed(Triaged{open(IntentKind::triage), TriageKind::large, {}, {}, {}});
    feed(PlanSubmitted{open(IntentKind::plan), std::move(tasks), {}});
  }
  void prepared(const std::string& task) {
    feed(SnapshotReady{open(IntentKind::prepare, task), state.tip, {}});
  }
  void worked(const std::string& task, IntentKind kind = IntentKind::work) {
    feed(WorkSubmitted{open(kind, task), "did it", 3, true, {}});
  }
  void verified(const std::string& task, bool pass = true, std::vector<std::string> prints = {}) {
    auto tree = "tree of " + task;
    feed(TaskVerified{open(IntentKind::verify, task),
                      tree,
                      {receipt(task + "#1", pass, tree, std::move(prints))},
                      {},
                      {}});
  }
  void reviewed(const std::string& task, bool approve, const std::string& message = "wrong") {
    VerdictGiven verdict{open(IntentKind::review, task), approve, "s", {}};
    if (!approve) verdict.findings = {{"a.c", 3, message, "error"}};
    feed(verdict);
  }
  void landed(const std::string& task) {
    auto commit = "commit of " + task;
    feed(Merged{open(IntentKind::merge, task), commit, "tree after " + task, state.tip, false, {}});
    feed(Landed{open(IntentKind::land, task), commit, "tree after " + task});
  }
  void done(const std::string& task) {
    prepared(task);
    worked(task);
    verified(task);
    reviewed(task, true);
    landed(task);
  }
  void finally_verified(bool pass = true, std::vector<std::string> prints = {}) {
    feed(IntegratedVerified{open(IntentKind::final_verify),
                            state.tip_tree,
                            {receipt("test", pass, state.tip_tree, std::move(prints))}});
  }
  void master(bool approve) {
    VerdictGiven verdict{open(IntentKind::master_review), approve, "s", {}};
    if (!approve) verdict.findings = {{"b.c", 1, "the objective is not met", "error"}};
    feed(verdict);
  }
  void sealed() {
    feed(SealRequested{open(IntentKind::request_seal), "all done"});
    feed(Sealed{open(IntentKind::seal), state.tip, "muster/m1", true, {}});
  }
  Stage stage(const std::string& task) const { return state.task(task)->stage; }
};

}  // namespace muster::test
