#include "runtime/core/text_positions.hpp"

#include <algorithm>
#include <utility>

namespace muster {
namespace {

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

/// Bytes of the character that begins at `at`; 1 for what is no UTF-8.
std::size_t width(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(at);
  std::size_t length = 1;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  for (std::size_t i = 1; i < length; ++i)
    if (!continues(text, at + i)) return 1;
  if (length < 3) return length;
  const auto second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool outside = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || outside ? 1 : length;
}

/// Code units of a character of so many bytes.
std::int64_t units(std::size_t bytes, TextEncoding encoding) {
  if (encoding == TextEncoding::utf8) return static_cast<std::int64_t>(bytes);
  return encoding == TextEncoding::utf16 && bytes == 4 ? 2 : 1;
}

}  // namespace

TextPositions::TextPositions(std::string text) : text_(std::move(text)), starts_{0} {
  for (std::size_t at = 0; at < text_.size(); ++at) {
    const bool pair = text_[at] == '\r' && at + 1 < text_.size() && text_[at + 1] == '\n';
    if ((text_[at] == '\n' || text_[at] == '\r') && !pair) starts_.push_back(at + 1);
  }
}

std::string_view TextPositions::line(std::size_t number) const {
  if (number >= starts_.size()) return {};
  const auto begin = starts_[number];
  auto end = number + 1 < starts_.size() ? starts_[number + 1] : text_.size();
  if (number + 1 < starts_.size()) --end;
  if (end > begin && text_[end] == '\n' && text_[end - 1] == '\r') --end;
  return std::string_view(text_).substr(begin, end - begin);
}

std::size_t TextPositions::offset(TextPosition position, TextEncoding encoding) const {
  if (position.line < 0) return 0;
  const auto number = static_cast<std::uint64_t>(position.line);
  if (number >= starts_.size()) return text_.size();
  const auto here = line(number);
  std::int64_t left = position.character;
  std::size_t at = 0;
  while (at < here.size() && left > 0) {
    const auto bytes = width(here, at);
    left -= units(bytes, encoding);
    if (left < 0) break;
    at += bytes;
  }
  return starts_[number] + at;
}

TextPosition TextPositions::position(std::size_t offset, TextEncoding encoding) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  const auto number = static_cast<std::size_t>(after - starts_.begin()) - 1;
  const auto here = line(number);
  const auto wanted = offset - starts_[number];
  TextPosition out{static_cast<std::int64_t>(number), 0};
  for (std::size_t at = 0; at < here.size();) {
    const auto bytes = width(here, at);
    if (at + bytes > wanted) break;
    out.character += units(bytes, encoding);
    at += bytes;
  }
  return out;
}

std::string_view TextPositions::text_of(const TextRange& range, TextEncoding encoding) const {
  const auto from = offset(range.start, encoding);
  const auto to = offset(range.end, encoding);
  return to > from ? std::string_view(text_).substr(from, to - from) : std::string_view();
}

TextPosition TextPositions::convert(TextPosition position, TextEncoding from,
                                    TextEncoding to) const {
  return this->position(offset(position, from), to);
}

}  // namespace muster
