#pragma once
// Whether a text that still grows has come to one short unit, over and over: what a stuck decoder
// writes until it is cut. Pure.

#include <cstddef>
#include <string_view>

namespace muster {

/// What counts as stuck. Rulers, tables, hex and base64 repeat much, but never one unit for so
/// long.
struct RepetitionLimits {
  std::size_t max_unit = 256;  ///< bytes of the longest unit
  std::size_t window = 8192;   ///< bytes at the end that are nothing but the unit
  std::size_t stride = 1024;   ///< new bytes between two looks
};

/// Watches one text. Costs nothing below `window` bytes, and no memory ever.
class RepetitionDetector {
 public:
  explicit RepetitionDetector(RepetitionLimits limits = {}) : limits_(limits) {}

  /// `text` is all of it so far; it only ever grows. True once its end repeats: then it stays true.
  bool stuck(std::string_view text);
  /// The unit, as a part of the last text given; empty while not stuck.
  [[nodiscard]] std::size_t unit_bytes() const noexcept { return unit_; }

 private:
  RepetitionLimits limits_;
  std::size_t looked_at_ = 0;
  std::size_t unit_ = 0;
};

}  // namespace muster
