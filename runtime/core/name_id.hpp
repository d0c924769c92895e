#pragma once
// Names as numbers.

#include <cstdint>
#include <string_view>

namespace muster {

/// A number that stands for a name: the same on every machine. Two names share one so rarely
/// (64 bits) that ranking need not care; who shows a name looks at its text. FNV-1a, its bits
/// mixed. Pure.
[[nodiscard]] constexpr std::uint64_t name_id(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU;
  return hash ^ (hash >> 33U);
}

}  // namespace muster
