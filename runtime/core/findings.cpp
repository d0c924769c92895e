#include "runtime/core/findings.hpp"

#include <array>
#include <cctype>

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_input = 4U << 20U;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The order matters where two tools' lines look alike: the more particular comes first.
constexpr std::array<FindingReader, 12> readers{
    read_junit_xml, read_javascript_json, read_typescript, read_maven,  read_gradle,
    read_cxx,       read_python,          read_tap,        read_eslint, read_rust,
    read_go,        read_javascript_tests};

bool speaks_of_trouble(std::string_view line) {
  auto text = to_lower(line);
  for (const char* word :
       {"error", "fail", "fatal", "assert", "exception", "panic", "not found", "undefined"})
    if (text.find(word) != std::string::npos) return true;
  return false;
}

bool read_line(OutputCursor& at, FindingSink& found) {
  for (auto reader : readers)
    if (reader(at, found)) return true;
  return false;
}

}  // namespace

std::string fingerprint_of(std::string_view tool, std::string_view test, std::string_view message) {
  std::string normal;
  bool in_word = false;
  for (std::size_t i = 0; i < message.size(); ++i) {
    char c = message[i];
    bool hex_prefix = c == '0' && i + 1 < message.size() && message[i + 1] == 'x';
    if (hex_prefix || (is_digit(c) && !in_word)) {
      // A number that stands for itself says where or when, not what.
      while (i + 1 < message.size() && (std::isxdigit(static_cast<unsigned char>(message[i + 1])) ||
                                        message[i + 1] == 'x' || message[i + 1] == '.'))
        ++i;
      normal += '#';
      in_word = true;
      continue;
    }
    if (c == '/') {
      // Of a path only the last part counts: snapshots lie in other folders.
      while (!normal.empty() &&
             (std::isalnum(static_cast<unsigned char>(normal.back())) ||
              std::string_view("._-~#").find(normal.back()) != std::string_view::npos))
        normal.pop_back();
      in_word = false;
      continue;
    }
    in_word = std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    normal += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return sha256_hex(std::string(tool) + "\n" + std::string(test) + "\n" + normal).substr(0, 16);
}

std::vector<Finding> parse_findings(std::string_view output) {
  auto clean = strip_terminal_escapes(bounded_tail(output, max_input));
  OutputCursor at(clean);
  FindingSink all;
  std::string_view last;
  std::vector<std::string_view> suspects;
  for (; !at.at_end() && !all.full(); at.advance()) {
    auto line = at.line();
    if (trim(line).empty()) continue;
    last = line;
    if (!read_line(at, all) && suspects.size() < max_findings && speaks_of_trouble(line))
      suspects.push_back(line);
  }
  if (!all.any_error()) {
    for (auto line : suspects) all.add(make_finding("plain", trim(line)));
    if (suspects.empty() && !last.empty()) all.add(make_finding("plain", trim(last)));
  }
  return all.take();
}

}  // namespace muster
