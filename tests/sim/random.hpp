#pragma once
// Small seeded randomness. A stream of its own for every purpose, so that taking one thing out of a
// run (a fault, a task) leaves the choices of all others as they were.

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace muster::sim {

/// splitmix64. A value.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    auto z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  /// In [0, bound); 0 for bound 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  /// In [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    if (high <= low) return low;
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11U) * 0x1.0p-53 < probability;
  }

 private:
  std::uint64_t state_;
};

/// FNV-1a, 64 bits.
class Hash {
 public:
  Hash& add(std::string_view text) {
    for (char c : text) add_byte(static_cast<unsigned char>(c));
    return add_byte(0xff);
  }
  Hash& add(std::uint64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      add_byte(static_cast<unsigned char>(number >> shift));
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  Hash& add_byte(unsigned char byte) {
    value_ = (value_ ^ byte) * 0x100000001b3ULL;
    return *this;
  }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

/// The stream of a purpose: the same names give the same choices.
inline Rng stream(std::uint64_t seed, std::initializer_list<std::string_view> names) {
  Hash hash;
  hash.add(seed);
  for (auto name : names) hash.add(name);
  return Rng(hash.value());
}

}  // namespace muster::sim
