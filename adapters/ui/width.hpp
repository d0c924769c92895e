#pragma once
// How many columns text takes on a terminal.

#include <cstddef>
#include <string>
#include <string_view>

namespace muster::ui {

/// Columns of UTF-8 text without control characters. Where terminals disagree (joined emoji), the
/// larger number, so that a line that fits here fits everywhere.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// Rows that the text takes on a terminal of so many columns which wraps it; at least 1. A
/// character of two columns does not stand across the edge.
[[nodiscard]] std::size_t wrapped_rows(std::string_view text, std::size_t columns);

/// The text cut to at most `columns`; what was cut ends in "…".
[[nodiscard]] std::string cut(std::string_view text, std::size_t columns);
/// cut(), filled with blanks on the right to exactly `columns`.
[[nodiscard]] std::string pad(std::string_view text, std::size_t columns);

}  // namespace muster::ui
