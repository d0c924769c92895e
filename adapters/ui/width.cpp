#include "adapters/ui/width.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace muster::ui {
namespace {

using Range = std::pair<char32_t, char32_t>;

// Unicode 15, EastAsianWidth W and F, and what terminals show as emoji. Sorted.
constexpr std::array<Range, 59> wide{
    {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
     {0x23F0, 0x23F0},   {0x23F3, 0x23F3},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
     {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
     {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},
     {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F3},   {0x26F5, 0x26F5},
     {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
     {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},
     {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27B0},   {0x27BF, 0x27BF},
     {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
     {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97F},
     {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},
     {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18DFF}, {0x1AFF0, 0x1B2FF},
     {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A},
     {0x1F1E6, 0x1F1FF}, {0x1F200, 0x1F320}, {0x1F321, 0x1F64F}, {0x1F680, 0x1F6FF},
     {0x1F7E0, 0x1F7F0}, {0x1F90C, 0x1FAFF}, {0x20000, 0x3FFFD}}};

// Marks that stand on the character before them, and characters that show nothing. Sorted.
constexpr std::array<Range, 24> zero{
    {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},  {0x064B, 0x065F},
     {0x06D6, 0x06DC}, {0x0730, 0x074A}, {0x0900, 0x0902}, {0x093C, 0x093C},  {0x0941, 0x0948},
     {0x094D, 0x094D}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},  {0x1AB0, 0x1AFF},
     {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064},  {0x20D0, 0x20FF},
     {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}}};

template <std::size_t N>
bool inside(const std::array<Range, N>& ranges, char32_t c) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t value, const Range& r) { return value < r.first; });
  return after != ranges.begin() && c <= std::prev(after)->second;
}

std::size_t width_of(char32_t c) {
  if (c < 0x300) return 1;
  if (inside(zero, c)) return 0;
  return inside(wide, c) ? 2 : 1;
}

/// The next code point and its length in bytes. Bytes that are no UTF-8 count one by one.
std::pair<char32_t, std::size_t> next(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 1
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 1;
  if (length == 1) return {first < 0x80 ? first : U'\xFFFD', 1};
  if (text.size() < length) return {U'\xFFFD', 1};
  char32_t c = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {U'\xFFFD', 1};
    c = (c << 6U) | (byte(i) & 0x3FU);
  }
  return {c, length};
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto [c, length] = next(text);
    columns += width_of(c);
    text.remove_prefix(length);
  }
  return columns;
}

std::size_t wrapped_rows(std::string_view text, std::size_t columns) {
  columns = std::max<std::size_t>(columns, 2);
  std::size_t rows = 1;
  std::size_t used = 0;
  while (!text.empty()) {
    const auto [c, length] = next(text);
    const std::size_t wide = width_of(c);
    if (used + wide > columns) {
      ++rows;
      used = 0;
    }
    used += wide;
    text.remove_prefix(length);
  }
  return rows;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (columns == 0) return {};
  std::size_t used = 0;
  std::size_t keep = 0;  // bytes that leave room for the mark
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, length] = next(text.substr(at));
    used += width_of(c);
    if (used > columns) return std::string(text.substr(0, keep)) + "…";
    at += length;
    if (used < columns) keep = at;
  }
  return std::string(text);
}

std::string pad(std::string_view text, std::size_t columns) {
  std::string out = cut(text, columns);
  return out.append(columns - std::min(columns, display_width(out)), ' ');
}

}  // namespace muster::ui
