#pragma once
// Places in a text: byte offsets here, line and character on the wire.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/diagnostic.hpp"

namespace muster {

/// The lines of a text, which end at LF, CR LF or a lone CR. Bytes that are no UTF-8 count as one
/// character each. Holds a copy of the text. Pure.
class TextPositions {
 public:
  explicit TextPositions(std::string text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::size_t lines() const noexcept { return starts_.size(); }

  /// The byte at a position. Past the end of a line: the line's end, before its line break. Past
  /// the last line: the text's end. Negative: 0. Inside a character (between two surrogates): its
  /// begin.
  [[nodiscard]] std::size_t offset(TextPosition position, TextEncoding encoding) const;
  /// The position of a byte; inside a character: that of its begin. Past the end: the end.
  [[nodiscard]] TextPosition position(std::size_t offset, TextEncoding encoding) const;
  /// The text of a range; empty when its end is before its begin.
  [[nodiscard]] std::string_view text_of(const TextRange& range, TextEncoding encoding) const;
  /// A line without its break, from 0; empty past the last.
  [[nodiscard]] std::string_view line(std::size_t number) const;
  /// A position in another encoding.
  [[nodiscard]] TextPosition convert(TextPosition position, TextEncoding from,
                                     TextEncoding to) const;

 private:
  std::string text_;
  std::vector<std::size_t> starts_;  ///< byte at which each line begins; never empty
};

}  // namespace muster
