#include "adapters/model/scenario_scan.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace muster::scripted {
namespace {

constexpr int kMaxDepth = 256;
constexpr std::uint32_t kReplacement = 0xfffd;

bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool is_scalar_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' || c == '-' ||
         c == '.';
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto push = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return push(point);
  if (point < 0x800) {
    push(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      push(0xe0 | point >> 12);
    } else {
      push(0xf0 | point >> 18);
      push(0x80 | (point >> 12 & 0x3f));
    }
    push(0x80 | (point >> 6 & 0x3f));
  }
  push(0x80 | (point & 0x3f));
}

/// The four hex digits at `at`, or nothing.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(at, 4)) {
    value <<= 4;
    if (c >= '0' && c <= '9')
      value |= static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      value |= static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      value |= static_cast<std::uint32_t>(c - 'A' + 10);
    else
      return std::nullopt;
  }
  return value;
}

/// Reads what follows `\u` at `at` and moves behind it; a pair of surrogates is one character.
std::uint32_t unicode_escape(std::string_view text, std::size_t& at) {
  const auto first = hex4(text, at);
  if (!first) return kReplacement;
  at += 4;
  if (*first < 0xd800 || *first > 0xdfff) return *first;
  const bool pair = *first < 0xdc00 && text.substr(at, 2) == "\\u";
  const auto second = pair ? hex4(text, at + 2) : std::nullopt;
  if (!second || *second < 0xdc00 || *second > 0xdfff) return kReplacement;
  at += 6;
  return 0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00);
}

char plain_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

bool is_continuation(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Bytes of the valid UTF-8 character (beyond ASCII) at `at`; 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[at + i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[at + 1]);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool beyond = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : size;
}

void append_control(std::string& out, unsigned char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += digits[c >> 4];
  out += digits[c & 15];
}

}  // namespace

char JsonCursor::peek() noexcept {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonCursor::take(char wanted) noexcept {
  if (peek() != wanted || at_ >= text_.size()) return false;
  ++at_;
  return true;
}

std::optional<std::string_view> JsonCursor::string() noexcept {
  if (!take('"')) return std::nullopt;
  const auto begin = at_;
  while (at_ < text_.size()) {
    const void* found = std::memchr(text_.data() + at_, '"', text_.size() - at_);
    if (found == nullptr) return std::nullopt;
    const auto quote = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
    auto slashes = quote;
    while (slashes > begin && text_[slashes - 1] == '\\') --slashes;
    at_ = quote + 1;
    if ((quote - slashes) % 2 == 0) return text_.substr(begin, quote - begin);
  }
  return std::nullopt;
}

bool JsonCursor::open(char bracket, bool& has_element) noexcept {
  if (!take(bracket)) return false;
  has_element = !take(bracket == '{' ? '}' : ']');
  return true;
}

bool JsonCursor::next(char closing, bool& more) noexcept {
  more = take(',');
  return more || take(closing);
}

std::optional<std::string_view> JsonCursor::key() noexcept {
  const auto name = string();
  if (!name || !take(':')) return std::nullopt;
  return name;
}

bool JsonCursor::skip_scalar() noexcept {
  const auto begin = at_;
  while (at_ < text_.size() && is_scalar_char(text_[at_])) ++at_;
  const auto word = text_.substr(begin, at_ - begin);
  if (word.empty()) return false;
  const bool number = word.front() == '-' || (word.front() >= '0' && word.front() <= '9');
  return number || word == "true" || word == "false" || word == "null";
}

bool JsonCursor::skip(int depth) noexcept {
  const char first = peek();
  if (first == '"') return string().has_value();
  if (first != '{' && first != '[') return skip_scalar();
  bool more = false;
  if (depth >= kMaxDepth || !open(first, more)) return false;
  const char closing = first == '{' ? '}' : ']';
  while (more) {
    if (first == '{' && !key()) return false;
    if (!skip(depth + 1) || !next(closing, more)) return false;
  }
  return true;
}

std::optional<std::string_view> JsonCursor::value() noexcept {
  peek();
  const auto begin = at_;
  if (!skip(0)) return std::nullopt;
  return text_.substr(begin, at_ - begin);
}

std::string unescape_json(std::string_view escaped, std::size_t max_bytes) {
  std::string out;
  out.reserve(std::min(escaped.size(), max_bytes));
  std::size_t at = 0;
  while (at < escaped.size() && out.size() <= max_bytes) {
    const auto slash = std::min(escaped.find('\\', at), escaped.size());
    out.append(escaped.substr(at, std::min(slash - at, max_bytes + 1)));
    at = slash;
    if (at + 1 >= escaped.size()) break;
    const char kind = escaped[at + 1];
    at += 2;
    if (kind == 'u') {
      append_utf8(out, unicode_escape(escaped, at));
    } else {
      out += plain_escape(kind);
    }
  }
  out.resize(utf8_prefix(out, max_bytes));
  return out;
}

void append_escaped(std::string& out, std::string_view text) {
  std::size_t clean = 0;  // where the bytes that need nothing begin
  std::size_t at = 0;
  const auto flush = [&](std::size_t skip) {
    out.append(text.substr(clean, at - clean));
    at += skip;
    clean = at;
  };
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x80) {
      const auto size = utf8_length(text, at);
      if (size > 0) {
        at += size;
        continue;
      }
      flush(1);
      append_utf8(out, kReplacement);
    } else if (c == '"' || c == '\\') {
      flush(0);
      out += '\\';
      ++at;
    } else if (c < 0x20) {
      flush(1);
      append_control(out, c);
    } else {
      ++at;
    }
  }
  out.append(text.substr(clean));
}

std::size_t utf8_prefix(std::string_view text, std::size_t max_bytes) noexcept {
  if (text.size() <= max_bytes) return text.size();
  auto end = max_bytes;
  while (end > 0 && max_bytes - end < 4 && is_continuation(text[end])) --end;
  return is_continuation(text[end]) ? max_bytes : end;
}

}  // namespace muster::scripted
