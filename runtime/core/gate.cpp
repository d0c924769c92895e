#include "runtime/core/gate.hpp"

#include <algorithm>

namespace muster {
namespace {

/// Fails now as it failed before: the baseline was red and no finding is new. Without findings to
/// compare, red stays red.
bool not_worse(const ReceiptFacts& before, const ReceiptFacts& now) {
  if (before.timed_out != now.timed_out) return false;
  return std::includes(before.fingerprints.begin(), before.fingerprints.end(),
                       now.fingerprints.begin(), now.fingerprints.end());
}

void judge_tasks(const State& state, GateReport& report) {
  for (const auto& task : state.tasks)
    if (task.stage != Stage::done && task.stage != Stage::dropped)
      report.reasons.push_back(task.spec.id + " is " + std::string(name_of(task.stage)) +
                               (task.reason.empty() ? "" : ": " + task.reason));
}

void judge_checks(const State& state, GateReport& report) {
  for (const auto& [name, receipt] : state.baseline)
    if (!state.final_receipts.contains(name) && !state.waived.contains(name))
      report.reasons.push_back("check '" + name + "' of the baseline did not run again");
  for (const auto& [name, receipt] : state.final_receipts) {
    auto verdict = judge_check(state, receipt);
    report.checks.emplace_back(name, verdict);
    if (verdict == CheckVerdict::waived) ++report.waived;
    if (verdict == CheckVerdict::failed) {
      ++report.failing;
      report.reasons.push_back("check '" + name + "' fails: " + receipt.facts().command);
    }
    if (verdict == CheckVerdict::stale)
      report.reasons.push_back("check '" + name + "' did not run on the integrated tree");
  }
}

}  // namespace

CheckVerdict judge_check(const State& state, const Receipt& receipt) {
  const auto& facts = receipt.facts();
  if (!receipt.fresh_for(state.tip_tree)) return CheckVerdict::stale;
  if (receipt.passed()) return CheckVerdict::passed;
  if (state.waived.contains(facts.check)) return CheckVerdict::waived;
  auto before = state.baseline.find(facts.check);
  bool was_red = before != state.baseline.end() && !before->second.passed();
  if (was_red && not_worse(before->second.facts(), facts)) return CheckVerdict::red_before;
  return CheckVerdict::failed;
}

GateReport evaluate_gate(const State& state) {
  GateReport report;
  judge_tasks(state, report);
  if (state.tasks.empty()) report.reasons.emplace_back("there is no task");
  if (!state.open.empty()) report.reasons.emplace_back("work is still under way");
  if (!state.final_done || state.final_tree != state.tip_tree)
    report.reasons.emplace_back("the integrated tree has not been verified");
  if (state.final_done && state.final_receipts.empty())
    report.reasons.emplace_back("no check verifies the integrated tree");
  judge_checks(state, report);
  if (!state.master_approved) report.reasons.emplace_back("the master review has not approved");
  for (const auto& issue : state.issues)
    if (issue.open) report.reasons.push_back("issue " + issue.id + " is open: " + issue.title);
  report.open = report.reasons.empty();
  return report;
}

}  // namespace muster
