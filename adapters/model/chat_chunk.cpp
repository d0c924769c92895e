#include "adapters/model/chat_chunk.hpp"

#include <cstdint>

#include "runtime/core/text.hpp"

namespace muster::model {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Walks over JSON text. Every function says whether what it was asked for stood there; after a
/// "no" the cursor is of no more use.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool take(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool peek(char c) {
    skip_space();
    return at_ != end_ && *at_ == c;
  }

  bool at_end() {
    skip_space();
    return at_ == end_;
  }

  /// The content of a string, still escaped.
  bool string(std::string_view& content) {
    if (!take('"')) return false;
    const char* const begin = at_;
    while (at_ != end_ && *at_ != '"') {
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ == '\\' && ++at_ == end_) return false;
      ++at_;
    }
    if (at_ == end_) return false;
    content = {begin, static_cast<std::size_t>(at_ - begin)};
    ++at_;
    return true;
  }

  bool word(std::string_view word) {
    skip_space();
    const std::string_view rest{at_, static_cast<std::size_t>(end_ - at_)};
    if (!rest.starts_with(word)) return false;
    at_ += word.size();
    return at_ == end_ || is_space(*at_) || *at_ == ',' || *at_ == '}' || *at_ == ']';
  }

  bool null() { return word("null"); }

  /// A string or null; null leaves `content` empty.
  bool string_or_null(std::string_view& content) { return peek('"') ? string(content) : null(); }

  /// Any value that is neither object nor array.
  bool scalar() {
    std::string_view ignored;
    if (peek('"')) return string(ignored);
    if (peek('t')) return word("true");
    if (peek('f')) return word("false");
    if (peek('n')) return null();
    return number();
  }

  bool number() {
    skip_space();
    const char* const begin = at_;
    while (at_ != end_ && is_number_char(*at_)) ++at_;
    return at_ != begin && at_[-1] >= '0' && at_[-1] <= '9';
  }

 private:
  static bool is_number_char(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
  }

  void skip_space() {
    while (at_ != end_ && is_space(*at_)) ++at_;
  }

  const char* at_;
  const char* end_;
};

/// Calls member(cursor, key) for each member of the object at the cursor until one says no.
template <class Member>
bool object(Cursor& cursor, Member member) {
  if (!cursor.take('{')) return false;
  if (cursor.take('}')) return true;
  do {
    std::string_view key;
    if (!cursor.string(key) || !cursor.take(':') || !member(key)) return false;
  } while (cursor.take(','));
  return cursor.take('}');
}

bool delta(Cursor& cursor, PlainChunk& chunk) {
  return object(cursor, [&](std::string_view key) {
    std::string_view ignored;
    if (key == "content") return cursor.string_or_null(chunk.text);
    if (key == "role") return cursor.string_or_null(ignored);
    if (key == "reasoning_content" || key == "reasoning") {
      std::string_view text;
      if (!cursor.string_or_null(text)) return false;
      // Some send the same words under both names.
      if (chunk.reasoning.empty()) chunk.reasoning = text;
      return true;
    }
    return cursor.null();
  });
}

bool choice(Cursor& cursor, PlainChunk& chunk) {
  return object(cursor, [&](std::string_view key) {
    if (key == "delta") return delta(cursor, chunk);
    if (key == "index") return cursor.word("0");
    if (key == "finish_reason") return cursor.string_or_null(chunk.finish_reason);
    if (key == "native_finish_reason") return cursor.scalar();
    return cursor.null();
  });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The four digits of \uXXXX; -1 when there are not four.
std::int32_t hex4(std::string_view digits) {
  if (digits.size() < 4) return -1;
  std::int32_t value = 0;
  for (const char c : digits.substr(0, 4)) {
    const int digit = hex_digit(c);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void append_code_point(std::string& out, std::uint32_t c) {
  const auto byte = [&out](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xC0U | c >> 6U);
  } else if (c < 0x10000) {
    byte(0xE0U | c >> 12U);
    byte(0x80U | (c >> 6U & 0x3FU));
  } else {
    byte(0xF0U | c >> 18U);
    byte(0x80U | (c >> 12U & 0x3FU));
    byte(0x80U | (c >> 6U & 0x3FU));
  }
  byte(0x80U | (c & 0x3FU));
}

/// Reads \uXXXX (or a surrogate pair) at the front of `rest`, which begins behind "\u".
bool append_unicode_escape(std::string& out, std::string_view& rest) {
  const auto first = hex4(rest);
  if (first < 0) return false;
  rest.remove_prefix(4);
  if (first < 0xD800 || first > 0xDFFF) {
    append_code_point(out, static_cast<std::uint32_t>(first));
    return true;
  }
  const auto second = rest.starts_with("\\u") ? hex4(rest.substr(2)) : -1;
  if (first > 0xDBFF || second < 0xDC00 || second > 0xDFFF) {
    append_code_point(out, 0xFFFD);
    return true;
  }
  rest.remove_prefix(6);
  const auto high = static_cast<std::uint32_t>(first - 0xD800);
  const auto low = static_cast<std::uint32_t>(second - 0xDC00);
  append_code_point(out, 0x10000U + (high << 10U) + low);
  return true;
}

/// The value of a one-letter escape; '\0' when there is none of that name.
char short_escape(char name) {
  switch (name) {
    case '"':
    case '\\':
    case '/':
      return name;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

void append_valid(std::string& out, std::string_view piece) {
  unsigned char bits = 0;
  for (const char c : piece) bits |= static_cast<unsigned char>(c);
  if (bits < 0x80) {
    out += piece;
  } else {
    out += valid_utf8(piece);
  }
}

}  // namespace

std::optional<PlainChunk> scan_plain_chunk(std::string_view json) {
  Cursor cursor{json};
  PlainChunk chunk;
  bool has_choice = false;
  const bool plain = object(cursor, [&](std::string_view key) {
    if (key == "choices") {
      if (has_choice) return false;
      has_choice = true;
      return cursor.take('[') && choice(cursor, chunk) && cursor.take(']');
    }
    // An escaped key could be any of the names below.
    if (key.find('\\') != std::string_view::npos) return false;
    if (key == "usage" || key == "error") return cursor.null();
    return cursor.scalar();
  });
  if (!plain || !has_choice || !cursor.at_end()) return std::nullopt;
  return chunk;
}

bool append_unescaped(std::string& out, std::string_view content) {
  while (true) {
    const auto escape = content.find('\\');
    append_valid(out, content.substr(0, escape));
    if (escape == std::string_view::npos) return true;
    content.remove_prefix(escape + 1);
    if (content.empty()) return false;
    const char name = content.front();
    content.remove_prefix(1);
    if (name == 'u') {
      if (!append_unicode_escape(out, content)) return false;
      continue;
    }
    const char value = short_escape(name);
    if (value == '\0') return false;
    out += value;
  }
}

}  // namespace muster::model
