#pragma once
// PageRank with a preference (Page, Brin, Motwani, Winograd 1999; Haveliwala 2002).

#include <cstdint>
#include <vector>

namespace muster {

/// A directed edge; weights must not be negative, several of one pair add up.
struct RankEdge {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  double weight = 0;
};

/// How often a reader is at each of `nodes` nodes who follows edges by their weight, and with the
/// probability 1 - damping, or where no edge leads on, begins anew at a node chosen by `preference`
/// (one weight a node; empty or all zero = all alike). Sums to 1. Power iteration until the change
/// (L1) is below 1e-9, at most 100 rounds. The same input gives the same bits. Pure.
[[nodiscard]] std::vector<double> page_rank(std::size_t nodes, const std::vector<RankEdge>& edges,
                                            std::vector<double> preference, double damping = 0.85);

}  // namespace muster
