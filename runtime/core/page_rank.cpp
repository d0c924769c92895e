#include "runtime/core/page_rank.hpp"

#include <cmath>
#include <numeric>

namespace muster {
namespace {

constexpr int kMaxRounds = 100;
constexpr double kEnough = 1e-9;

/// Scales to a sum of 1.
void normalise(std::vector<double>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  const double all_alike = 1.0 / static_cast<double>(values.size());
  for (auto& value : values) value = sum > 0 ? value / sum : all_alike;
}

/// One round of the iteration. `out`: the weight that leaves each node.
std::vector<double> next_ranks(const std::vector<double>& rank, const std::vector<RankEdge>& edges,
                               const std::vector<double>& out,
                               const std::vector<double>& preference, double damping) {
  double stuck = 0;  // where no edge leads on
  for (std::size_t i = 0; i < rank.size(); ++i)
    if (out[i] <= 0) stuck += rank[i];
  std::vector<double> next(rank.size());
  for (std::size_t i = 0; i < rank.size(); ++i)
    next[i] = (1 - damping + damping * stuck) * preference[i];
  for (const auto& edge : edges)
    if (edge.weight > 0) next[edge.to] += damping * rank[edge.from] * edge.weight / out[edge.from];
  return next;
}

}  // namespace

std::vector<double> page_rank(std::size_t nodes, const std::vector<RankEdge>& edges,
                              std::vector<double> preference, double damping) {
  if (nodes == 0) return {};
  preference.resize(nodes);
  normalise(preference);
  std::vector<double> out(nodes);
  for (const auto& edge : edges) out[edge.from] += edge.weight;
  auto rank = preference;
  for (int round = 0; round < kMaxRounds; ++round) {
    auto next = next_ranks(rank, edges, out, preference, damping);
    double change = 0;
    for (std::size_t i = 0; i < nodes; ++i) change += std::abs(next[i] - rank[i]);
    rank.swap(next);
    if (change < kEnough) break;
  }
  return rank;
}

}  // namespace muster
