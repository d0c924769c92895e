#include "runtime/core/text.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace muster {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "\xE2\x80\xA6";
/// A terminal's string sequence longer than this, or across lines, is taken for a broken one.
constexpr std::size_t max_string_sequence = 4096;

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool is_continuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

struct Sequence {
  std::size_t length = 1;  // bytes to take
  bool valid = false;
};

/// Length of the well-formed sequence at `at`, or of the maximal subpart of an ill-formed one
/// (Unicode table 3-7: the second byte has a narrower range after E0, ED, F0 and F4).
Sequence sequence_at(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  if (lead < 0x80) return {1, true};
  const std::size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return {};
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  const unsigned char second = byte_at(text, at + 1);
  if (at + 1 >= text.size() || second < low || second > high) return {};
  std::size_t length = 2;
  while (length < want && is_continuation(byte_at(text, at + length))) ++length;
  return {length, length == want};
}

/// Index after the terminator (BEL or ST) of a string sequence whose content starts at `at`.
std::optional<std::size_t> string_end(std::string_view text, std::size_t at) {
  const std::size_t limit = std::min(text.size(), at + max_string_sequence);
  for (; at < limit && text[at] != '\n'; ++at) {
    if (text[at] == '\x07') return at + 1;
    if (text[at] == '\x1B' && byte_at(text, at + 1) == '\\') return at + 2;
    if (byte_at(text, at) == 0xC2 && byte_at(text, at + 1) == 0x9C) return at + 2;
  }
  return std::nullopt;
}

/// CSI: parameters 0x30-0x3F, intermediates 0x20-0x2F, one final byte 0x40-0x7E.
std::size_t csi_end(std::string_view text, std::size_t at) {
  while (byte_at(text, at) >= 0x30 && byte_at(text, at) <= 0x3F) ++at;
  while (byte_at(text, at) >= 0x20 && byte_at(text, at) <= 0x2F) ++at;
  const unsigned char last = byte_at(text, at);
  return last >= 0x40 && last <= 0x7E ? at + 1 : at;
}

/// Index after the sequence whose introducer was `kind` (as its 7-bit second byte), content at
/// `at`.
std::size_t sequence_end(std::string_view text, unsigned char kind, std::size_t at) {
  if (kind == '[') return csi_end(text, at);
  if (kind == ']' || kind == 'P' || kind == 'X' || kind == '^' || kind == '_')
    return string_end(text, at).value_or(at);
  return at;
}

/// Index after the escape sequence that starts with ESC at `at`.
std::size_t escape_end(std::string_view text, std::size_t at) {
  const unsigned char kind = byte_at(text, at + 1);
  if (kind >= 0x20 && kind <= 0x2F) {  // intermediates, then a final byte: "ESC ( B"
    ++at;
    while (byte_at(text, at) >= 0x20 && byte_at(text, at) <= 0x2F) ++at;
    return byte_at(text, at) >= 0x30 && byte_at(text, at) <= 0x7E ? at + 1 : at;
  }
  if (kind < 0x30 || kind > 0x7E) return at + 1;
  return sequence_end(text, kind, at + 2);
}

/// LRM, RLM, ALM, the embeddings, overrides and isolates; they reorder what a person sees.
bool is_bidi_control(std::string_view symbol) {
  if (symbol == "\xD8\x9C") return true;
  if (symbol.size() != 3 || symbol[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(symbol[2]);
  if (symbol[1] == '\x80') return last == 0x8E || last == 0x8F || (last >= 0xAA && last <= 0xAE);
  return symbol[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Handles one symbol of the strip; returns the index after what was consumed.
std::size_t strip_symbol(std::string_view text, std::size_t at, std::string& out) {
  const unsigned char c = byte_at(text, at);
  if (c == 0x1B) return escape_end(text, at);
  if (c == '\r') {
    if (byte_at(text, at + 1) != '\n') out += '\n';
    return at + 1;
  }
  if (c < 0x80) {
    if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7F)) out += static_cast<char>(c);
    return at + 1;
  }
  const Sequence sequence = sequence_at(text, at);
  const auto symbol = text.substr(at, sequence.length);
  if (!sequence.valid) {
    out += replacement;
  } else if (c == 0xC2 && byte_at(text, at + 1) < 0xA0) {  // C1: same as ESC and byte - 0x40
    const auto kind = static_cast<unsigned char>(byte_at(text, at + 1) - 0x40);
    return sequence_end(text, kind, at + 2);
  } else if (!is_bidi_control(symbol)) {
    out += symbol;
  }
  return at + sequence.length;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Sequence sequence = sequence_at(text, at);
    out += sequence.valid ? text.substr(at, sequence.length) : replacement;
    at += sequence.length;
  }
  return out;
}

std::string strip_terminal_escapes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) at = strip_symbol(text, at, out);
  return out;
}

std::string one_line(std::string_view text, std::size_t max_bytes) {
  std::string out;
  bool gap = false;
  for (const char c : strip_terminal_escapes(text)) {
    if (is_space(c)) {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
    if (out.size() > max_bytes + 4) break;
  }
  if (out.size() <= max_bytes) return out;
  if (max_bytes < ellipsis.size()) return std::string(bounded_head(out, max_bytes));
  out.resize(bounded_head(out, max_bytes - ellipsis.size()).size());
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out.append(ellipsis);
}

std::string_view bounded_head(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  // A sequence is at most four bytes: what looks longer is no UTF-8 and may be cut anywhere.
  for (int back = 0; back < 3 && end > 0 && is_continuation(byte_at(text, end)); ++back) --end;
  return text.substr(0, is_continuation(byte_at(text, end)) ? max_bytes : end);
}

std::string_view bounded_tail(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t begin = text.size() - max_bytes;
  for (int skip = 0; skip < 3 && is_continuation(byte_at(text, begin)); ++skip) ++begin;
  return text.substr(std::min(begin, text.size()));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool iequals(std::string_view a, std::string_view b) { return to_lower(a) == to_lower(b); }

std::vector<std::string_view> split_lines(std::string_view text, std::size_t max_lines) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < max_lines) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool uses_crlf(std::string_view text) {
  bool any = false;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return false;
    any = true;
  }
  return any;
}

std::string to_crlf(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) result += '\r';
    result += text[i];
  }
  return result;
}

}  // namespace muster
