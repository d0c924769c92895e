#pragma once
// How the property tests over random event orders are run: how many, from which seed, of what.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

namespace muster::test {

inline std::vector<std::uint32_t> random_choices(std::mt19937& random) {
  std::vector<std::uint32_t> out(random() % 300);
  for (auto& value : out) value = static_cast<std::uint32_t>(random());
  return out;
}

/// $MUSTER_PROPERTY_SEQUENCES, else 100,000.
inline std::size_t sequences() {
  const char* wanted = std::getenv("MUSTER_PROPERTY_SEQUENCES");
  return wanted ? static_cast<std::size_t>(std::strtoull(wanted, nullptr, 10)) : 100000;
}

/// $MUSTER_SEED, else another one each time.
inline std::uint32_t seed_of_run() {
  const char* wanted = std::getenv("MUSTER_SEED");
  return wanted ? static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10))
                : std::random_device{}();
}

}  // namespace muster::test
