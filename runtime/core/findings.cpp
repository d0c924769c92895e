#include "runtime/core/findings.hpp"

#include <array>
#include <cctype>
#include <optional>
#include <set>

#include "runtime/core/sha256.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_message = 400;
constexpr std::size_t max_input = 4U << 20U;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads a number at `at`; nullopt when there is none.
std::optional<int> number_at(std::string_view text, std::size_t& at) {
  auto from = at;
  int value = 0;
  while (at < text.size() && is_digit(text[at]) && at - from < 9)
    value = value * 10 + (text[at++] - '0');
  if (at == from) return std::nullopt;
  return value;
}

Finding make(const char* tool, std::string_view message, std::string_view severity = "error") {
  Finding out;
  out.tool = tool;
  out.severity = std::string(severity);
  out.message = one_line(message, max_message);
  return out;
}

/// "path:12:5: error: text [-Wx]" and "path:12: error: text".
std::optional<Finding> gcc_line(std::string_view line) {
  for (auto at = line.find(':'); at != std::string_view::npos; at = line.find(':', at + 1)) {
    auto cursor = at + 1;
    auto row = number_at(line, cursor);
    if (!row || cursor >= line.size() || line[cursor] != ':') continue;
    int column = 0;
    auto rest = cursor + 1;
    if (auto found = number_at(line, rest); found && rest < line.size() && line[rest] == ':') {
      column = *found;
      ++rest;
    } else {
      rest = cursor + 1;
    }
    auto text = trim(line.substr(rest));
    for (const char* severity : {"fatal error", "error", "warning"}) {
      auto prefix = std::string(severity) + ":";
      if (!text.starts_with(prefix)) continue;
      auto out =
          make("gcc", trim(text.substr(prefix.size())), severity[0] == 'w' ? "warning" : "error");
      out.file = std::string(line.substr(0, at));
      out.line = *row;
      out.column = column;
      if (auto open = out.message.rfind(" [-W");
          open != std::string::npos && out.message.ends_with(']')) {
        out.code = out.message.substr(open + 2, out.message.size() - open - 3);
        out.message.resize(open);
      }
      return out;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

/// "src/a.ts(3,7): error TS2304: text" and "src/a.ts:3:7 - error TS2304: text".
std::optional<Finding> tsc_line(std::string_view line) {
  auto at = line.find("error TS");
  if (at == std::string_view::npos || at < 4) return std::nullopt;
  auto colon = line.find(':', at);
  if (colon == std::string_view::npos) return std::nullopt;
  auto out = make("tsc", trim(line.substr(colon + 1)));
  out.code = std::string(line.substr(at + 6, colon - at - 6));
  auto place = line.substr(0, at);
  auto open = place.find_first_of("(:");
  out.file = std::string(trim(place.substr(0, open)));
  auto cursor = open + 1;
  if (open != std::string_view::npos) out.line = number_at(place, cursor).value_or(0);
  if (++cursor < place.size()) out.column = number_at(place, cursor).value_or(0);
  return out;
}

/// "FAILED tests/test_a.py::test_b - AssertionError: text", "ERROR tests/..".
std::optional<Finding> pytest_line(std::string_view line) {
  bool failed = line.starts_with("FAILED ");
  if (!failed && !line.starts_with("ERROR ")) return std::nullopt;
  auto rest = line.substr(failed ? 7 : 6);
  if (rest.find(".py") == std::string_view::npos) return std::nullopt;
  auto dash = rest.find(" - ");
  auto out = make("pytest", dash == std::string_view::npos ? rest : rest.substr(dash + 3));
  out.test = std::string(trim(rest.substr(0, dash)));
  out.file = out.test.substr(0, out.test.find("::"));
  return out;
}

/// "not ok 3 - adds two numbers"; a TODO or SKIP directive makes it harmless.
std::optional<Finding> tap_line(std::string_view line) {
  auto text = trim(line);
  if (!text.starts_with("not ok")) return std::nullopt;
  if (text.find("# TODO") != std::string_view::npos ||
      text.find("# SKIP") != std::string_view::npos)
    return std::nullopt;
  auto rest = trim(text.substr(6));
  std::size_t at = 0;
  (void)number_at(rest, at);
  rest = trim(rest.substr(at));
  if (rest.starts_with("-")) rest = trim(rest.substr(1));
  auto out = make("tap", rest.empty() ? "a test failed" : rest);
  out.test = out.message;
  return out;
}

/// node:test's spec reporter: "✖ adds two numbers (1.2ms)".
std::optional<Finding> spec_line(std::string_view line) {
  auto text = trim(line);
  if (!text.starts_with("✖ ")) return std::nullopt;
  auto rest = trim(text.substr(std::string_view("✖ ").size()));
  if (rest == "failing tests:") return std::nullopt;
  if (auto open = rest.rfind(" ("); open != std::string_view::npos) rest = rest.substr(0, open);
  auto out = make("tap", rest);
  out.test = out.message;
  return out;
}

/// "--- FAIL: TestAdd (0.00s)" and "    add_test.go:12: got 3".
std::optional<Finding> go_line(std::string_view line) {
  auto text = trim(line);
  if (text.starts_with("--- FAIL: ")) {
    auto name = text.substr(10);
    auto out = make("go", name.substr(0, name.find(" (")));
    out.test = out.message;
    return out;
  }
  if (text.starts_with("panic: ")) return make("go", text);
  auto at = text.find(".go:");
  if (at == std::string_view::npos || text.substr(0, at).find(' ') != std::string_view::npos)
    return std::nullopt;
  auto cursor = at + 4;
  auto row = number_at(text, cursor);
  if (!row || cursor >= text.size() || text[cursor] != ':') return std::nullopt;
  ++cursor;
  auto column_at = cursor;
  int column = 0;
  if (auto found = number_at(text, column_at);
      found && column_at < text.size() && text[column_at] == ':') {
    column = *found;
    cursor = column_at + 1;
  }
  auto out = make("go", trim(text.substr(cursor)));
  out.file = std::string(text.substr(0, at + 3));
  out.line = *row;
  out.column = column;
  return out;
}

/// "error[E0308]: mismatched types", "test a::b ... FAILED".
std::optional<Finding> rust_line(std::string_view line) {
  if (line.starts_with("error[E")) {
    auto close = line.find("]:");
    if (close == std::string_view::npos) return std::nullopt;
    auto out = make("rustc", trim(line.substr(close + 2)));
    out.code = std::string(line.substr(6, close - 6));
    return out;
  }
  if (line.starts_with("test ") && line.ends_with("... FAILED")) {
    auto out = make("rustc", trim(line.substr(5, line.size() - 15)));
    out.test = out.message;
    return out;
  }
  return std::nullopt;
}

/// "  3/9 Test #3: name ....***Failed   0.01 sec" and Catch2's "file.cpp:12: FAILED:".
std::optional<Finding> ctest_line(std::string_view line) {
  if (auto at = line.find(" Test ");
      at != std::string_view::npos && line.find("***") != std::string_view::npos) {
    auto colon = line.find(": ", at);
    if (colon == std::string_view::npos) return std::nullopt;
    auto name = line.substr(colon + 2);
    name = name.substr(0, std::min(name.find(" ."), name.find("***")));
    auto how = line.substr(line.find("***") + 3);
    auto out =
        make("ctest", std::string(trim(name)) + " " + std::string(how.substr(0, how.find("  "))));
    out.test = std::string(trim(name));
    return out;
  }
  if (!line.ends_with(": FAILED:")) return std::nullopt;
  auto place = line.substr(0, line.size() - 9);
  auto colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto out = make("catch2", "an assertion failed");
  out.file = std::string(place.substr(0, colon));
  auto cursor = colon + 1;
  out.line = number_at(place, cursor).value_or(0);
  return out;
}

using Parser = std::optional<Finding> (*)(std::string_view);
constexpr std::array<Parser, 8> parsers{tsc_line,  gcc_line,  pytest_line, tap_line,
                                        spec_line, rust_line, ctest_line,  go_line};

bool speaks_of_trouble(std::string_view line) {
  auto text = to_lower(line);
  for (const char* word :
       {"error", "fail", "fatal", "assert", "exception", "panic", "not found", "undefined"})
    if (text.find(word) != std::string::npos) return true;
  return false;
}

class Collector {
 public:
  void add(Finding finding) {
    if (found_.size() >= max_findings) return;
    finding.fingerprint =
        fingerprint_of(finding.tool, finding.test, finding.message + finding.code);
    if (seen_.insert(finding.fingerprint).second) found_.push_back(std::move(finding));
  }
  [[nodiscard]] bool any_error() const {
    for (const auto& finding : found_)
      if (finding.severity == "error") return true;
    return false;
  }
  std::vector<Finding> take() { return std::move(found_); }

 private:
  std::vector<Finding> found_;
  std::set<std::string> seen_;
};

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
  Collector all;
  std::string_view last;
  std::vector<std::string_view> suspects;
  std::size_t from = 0;
  std::string_view text = clean;
  while (from < text.size()) {
    auto end = std::min(text.find('\n', from), text.size());
    auto line = text.substr(from, end - from);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    from = end + 1;
    if (trim(line).empty()) continue;
    last = line;
    bool known = false;
    for (auto parser : parsers)
      if (auto finding = parser(line)) {
        all.add(std::move(*finding));
        known = true;
        break;
      }
    if (!known && suspects.size() < max_findings && speaks_of_trouble(line))
      suspects.push_back(line);
  }
  if (!all.any_error()) {
    for (auto line : suspects) all.add(make("plain", trim(line)));
    if (suspects.empty() && !last.empty()) all.add(make("plain", trim(last)));
  }
  return all.take();
}

}  // namespace muster
