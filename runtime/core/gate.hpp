#pragma once
// The gate: may this mission be sealed? Decided on State and its receipts only.

#include <string>
#include <vector>

#include "runtime/core/state.hpp"

namespace muster {

/// How one check of the final verification compares with the baseline.
enum class CheckVerdict {
  passed,
  waived,      ///< fails, and the user said so be it
  red_before,  ///< fails as it did at the baseline, and not worse
  failed,      ///< fails: new, or worse than the baseline
  stale,       ///< its receipt is not of the integrated tree
};
template <>
struct EnumNames<CheckVerdict> {
  static constexpr std::array<std::pair<CheckVerdict, std::string_view>, 5> table{
      {{CheckVerdict::passed, "passed"},
       {CheckVerdict::waived, "waived"},
       {CheckVerdict::red_before, "red_before"},
       {CheckVerdict::failed, "failed"},
       {CheckVerdict::stale, "stale"}}};
};

struct GateReport {
  bool open = false;
  std::vector<std::string> reasons;  ///< why it is shut, one sentence each
  std::vector<std::pair<std::string, CheckVerdict>>
      checks;  ///< all checks of the final verification
  int waived = 0;
  int failing = 0;
  /// Failing checks / checks, at the tree that is to be sealed.
  [[nodiscard]] double error_rate() const {
    return checks.empty() ? 0.0 : static_cast<double>(failing) / static_cast<double>(checks.size());
  }
};

[[nodiscard]] CheckVerdict judge_check(const State& state, const Receipt& receipt);
[[nodiscard]] GateReport evaluate_gate(const State& state);

}  // namespace muster
