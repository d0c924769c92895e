#pragma once
// What the verification of one task says for and against it.

#include <string>
#include <vector>

#include "runtime/core/state.hpp"

namespace muster {

struct Judgement {
  std::vector<ReviewFinding> errors;    ///< each of them rejects the work
  std::vector<ReviewFinding> warnings;  ///< for the reviewer
  std::vector<std::string> fingerprints;
};

/// Receipts that are stale, fail, or are missing are errors; what failed in the same way at the
/// baseline is a warning.
[[nodiscard]] Judgement judge_verification(const State& state, const TaskVerified& event);

}  // namespace muster
