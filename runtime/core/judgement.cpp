#include "runtime/core/judgement.hpp"

#include <algorithm>

namespace muster {
namespace {

/// A receipt that fails exactly as the same command failed at the baseline is not this task's
/// doing.
bool red_before(const State& state, const ReceiptFacts& now) {
  for (const auto& [name, receipt] : state.baseline) {
    const auto& before = receipt.facts();
    if (before.command != now.command || receipt.passed()) continue;
    return std::includes(before.fingerprints.begin(), before.fingerprints.end(),
                         now.fingerprints.begin(), now.fingerprints.end());
  }
  return false;
}

}  // namespace

Judgement judge_verification(const State& state, const TaskVerified& event) {
  Judgement out;
  for (const auto& finding : event.findings)
    (finding.severity == "error" ? out.errors : out.warnings).push_back(finding);
  const bool executed = std::any_of(
      event.receipts.begin(), event.receipts.end(),
      [](const Receipt& receipt) { return receipt.facts().check != diagnostics_check; });
  if (!executed && out.errors.empty())  // errors before the checks end it there
    out.errors.push_back({"", 0, "no verification was executed", "error"});
  for (const auto& receipt : event.receipts) {
    const auto& facts = receipt.facts();
    if (!receipt.fresh_for(event.tree)) {
      out.errors.push_back({"", 0, "the tree changed while '" + facts.command + "' ran", "error"});
    } else if (!receipt.passed() && red_before(state, facts)) {
      out.warnings.push_back(
          {"", 0, "'" + facts.command + "' fails as it did before the mission", "warning"});
    } else if (!receipt.passed() && facts.check == diagnostics_check && !out.errors.empty()) {
      out.fingerprints.insert(out.fingerprints.end(), facts.fingerprints.begin(),
                              facts.fingerprints.end());
    } else if (!receipt.passed() && is_reached_check(facts.check)) {
      out.warnings.push_back(
          {"", 0,
           "'" + facts.command + "', tests that reach the change, failed:\n" + facts.output_tail,
           "warning"});
    } else if (!receipt.passed()) {
      auto how = facts.timed_out ? std::string("timed out")
                                 : "exit code " + std::to_string(facts.exit_code);
      out.errors.push_back(
          {"", 0, "'" + facts.command + "' failed (" + how + "):\n" + facts.output_tail, "error"});
      out.fingerprints.insert(out.fingerprints.end(), facts.fingerprints.begin(),
                              facts.fingerprints.end());
    }
  }
  return out;
}

}  // namespace muster
