#pragma once
// What a tree says is wrong with its text. Internal to this adapter.

#include <vector>

#include "adapters/treesitter/source_tree.hpp"
#include "runtime/ports/syntax.hpp"

namespace muster::treesitter {

/// A problem and where it begins in the text.
struct PlacedProblem {
  SyntaxProblem problem;
  std::size_t offset = 0;
};

inline constexpr std::size_t max_syntax_problems = 50;

/// The ERROR and MISSING nodes of a tree, in order of place, none within another; one more than
/// max_syntax_problems at most. Looks only at what has errors.
[[nodiscard]] std::vector<PlacedProblem> problems_of(const SourceTree& tree);

}  // namespace muster::treesitter
