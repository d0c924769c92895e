#include "adapters/process/output_ring.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

using muster::OutputRing;

TEST_CASE("the ring keeps the end of what was added, for all sizes", "[process][ring]") {
  for (std::size_t capacity = 0; capacity <= 9; ++capacity) {
    for (std::size_t piece = 1; piece <= 21; ++piece) {
      OutputRing ring(capacity);
      std::string all;
      for (int round = 0; round < 7; ++round) {
        std::string bytes;
        for (std::size_t i = 0; i < piece; ++i) {
          bytes.push_back(static_cast<char>('a' + (all.size() + i) % 26));
        }
        ring.add(bytes);
        all += bytes;
        for (std::size_t wanted = 0; wanted <= capacity + 2; ++wanted) {
          const auto count = std::min({wanted, capacity, all.size()});
          REQUIRE(ring.tail(wanted) == all.substr(all.size() - count));
        }
        REQUIRE(ring.total() == all.size());
      }
    }
  }
}

TEST_CASE("pieces of mixed sizes leave the ring in order", "[process][ring]") {
  OutputRing ring(5);
  ring.add("abc");
  ring.add("");
  ring.add("defg");
  CHECK(ring.tail(99) == "cdefg");
  ring.add("0123456789");
  CHECK(ring.tail(99) == "56789");
  ring.add("x");
  CHECK(ring.tail(99) == "6789x");
  CHECK(ring.tail(2) == "9x");
}
