// PageRank on graphs whose ranks are known.
#include "runtime/core/page_rank.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <numeric>

using Catch::Approx;
using muster::page_rank;

TEST_CASE("ranks sum to 1, and a ring is all alike") {
  const auto ring = page_rank(3, {{0, 1, 1}, {1, 2, 1}, {2, 0, 1}}, {});
  for (const auto rank : ring) CHECK(rank == Approx(1.0 / 3));
  CHECK(page_rank(0, {}, {}).empty());
  CHECK(page_rank(2, {}, {}) == std::vector<double>{0.5, 0.5});
}

TEST_CASE("two nodes: the closed form") {
  // r1 = (1-d)/2 + d (r0 + r1/2), with node 1 leading nowhere: 1/(2+d) and (1+d)/(2+d).
  const auto ranks = page_rank(2, {{0, 1, 1}}, {}, 0.85);
  CHECK(ranks[0] == Approx(1 / 2.85).epsilon(1e-6));
  CHECK(ranks[1] == Approx(1.85 / 2.85).epsilon(1e-6));
}

TEST_CASE("weights, several edges of a pair, and a preference") {
  const auto one = page_rank(3, {{0, 1, 3}, {0, 2, 1}}, {});
  const auto two = page_rank(3, {{0, 1, 1}, {0, 1, 2}, {0, 2, 1}}, {});
  CHECK(one[1] > one[2]);
  for (int i = 0; i < 3; ++i) CHECK(one[i] == Approx(two[i]));
  const auto wished = page_rank(3, {{0, 1, 3}, {0, 2, 1}}, {0, 0, 5});
  CHECK(wished[2] == Approx(1));
  const auto sum = std::accumulate(one.begin(), one.end(), 0.0);
  CHECK(sum == Approx(1));
}
