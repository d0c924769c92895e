#include "runtime/core/xml_text.hpp"

#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

void append_ascii(std::string& out, char c, bool keep_breaks) {
  switch (c) {
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";  // "]]>" must not occur in character data
      return;
    case '&':
      out += "&amp;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\n':
      out += keep_breaks ? "\n" : "&#10;";
      return;
    case '\t':
      out += keep_breaks ? "\t" : "&#9;";
      return;
    case '\r':
      out += "&#13;";
      return;
    default:
      if (static_cast<unsigned char>(c) < 0x20)
        out += replacement;
      else
        out += c;
  }
}

std::string escaped(std::string_view text, bool keep_breaks) {
  auto valid = valid_utf8(text);
  std::string out;
  out.reserve(valid.size() + valid.size() / 8);
  for (std::size_t at = 0; at < valid.size(); ++at) {
    // U+FFFE and U+FFFF are UTF-8, but no characters of XML.
    auto three = std::string_view(valid).substr(at, 3);
    if (three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") {
      out += replacement;
      at += 2;
    } else {
      append_ascii(out, valid[at], keep_breaks);
    }
  }
  return out;
}

}  // namespace

std::string xml_text(std::string_view text) { return escaped(text, false); }
std::string xml_content(std::string_view text) { return escaped(text, true); }

}  // namespace muster
