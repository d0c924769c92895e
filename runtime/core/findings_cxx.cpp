// Compilers that write as gcc does (clang, javac), ctest, Catch2 and GoogleTest.

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

/// "text [-Wx]": what is in the brackets is the code.
void split_warning_code(Finding& finding) {
  auto open = finding.message.rfind(" [-W");
  if (open == std::string::npos || !finding.message.ends_with(']')) return;
  finding.code = finding.message.substr(open + 2, finding.message.size() - open - 3);
  finding.message.resize(open);
}

std::optional<Finding> complaint(std::string_view text) {
  for (const char* severity : {"fatal error:", "error:", "warning:"})
    if (auto message = after_prefix(text, severity)) {
      auto out = make_finding("gcc", *message, severity[0] == 'w' ? "warning" : "error");
      split_warning_code(out);
      return out;
    }
  return std::nullopt;
}

/// "path:12:5: error: text [-Wx]" and "path:12: error: text".
std::optional<Finding> compiler_line(std::string_view line) {
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
    auto out = complaint(trim(line.substr(rest)));
    if (!out) return std::nullopt;
    set_place(*out, {std::string(line.substr(0, at)), *row, column});
    if (out->file.ends_with(".java")) out->tool = "javac";
    return out;
  }
  return std::nullopt;
}

/// "  3/9 Test #3: name ....***Failed   0.01 sec"
std::optional<Finding> ctest_line(std::string_view line) {
  auto at = line.find(" Test ");
  auto stars = line.find("***");
  if (at == std::string_view::npos || stars == std::string_view::npos) return std::nullopt;
  auto colon = line.find(": ", at);
  if (colon == std::string_view::npos || colon > stars) return std::nullopt;
  auto name = line.substr(colon + 2, stars - colon - 2);
  name = trim(name.substr(0, name.find(" .")));
  auto how = line.substr(stars + 3);
  auto out =
      make_finding("ctest", std::string(name) + " " + std::string(how.substr(0, how.find("  "))));
  out.test = std::string(name);
  return out;
}

bool is_rule(std::string_view line) {
  return line.size() >= 60 && line.find_first_not_of('-') == std::string_view::npos;
}

/// Catch2: the assertion, and what it came to.
std::string assertion_text(const OutputCursor& at) {
  auto text = std::string(trim(at.ahead(1)));
  for (std::size_t n = 2; n < 12; ++n)
    if (trim(at.ahead(n)).starts_with("with expansion:"))
      return text + " with expansion: " + std::string(trim(at.ahead(n + 1)));
  return text;
}

/// "file.cpp:12: FAILED:" and the name of its test between two rules above.
bool read_catch2(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  // Below the second rule stands where the test is.
  if (is_rule(line) && !trim(at.ahead(1)).empty() && !place_of(trim(at.ahead(1))))
    at.test = trim(at.ahead(1));
  if (!line.ends_with(": FAILED:")) return false;
  auto place = place_of(line.substr(0, line.size() - 9));
  if (!place) return false;
  auto text = assertion_text(at);
  auto out = make_finding("catch2", text.empty() ? "an assertion failed" : text);
  set_place(out, *place);
  out.test = std::string(at.test);
  found.add(std::move(out));
  return true;
}

/// "[  FAILED  ] Suite.Test (0 ms)"; the summary names it again, without a time.
bool read_gtest_end(OutputCursor& at, FindingSink& found) {
  auto name = after_prefix(at.line(), "[  FAILED  ]");
  if (!name) return false;
  auto test = name->substr(0, name->find_first_of(" ,"));
  if (test.find('.') == std::string_view::npos) return true;  // "1 test, listed below:"
  if (found.knows_test("gtest", test)) return true;
  auto out = make_finding("gtest", test);
  out.test = std::string(test);
  found.add(std::move(out));
  return true;
}

/// "a_test.cc:7: Failure", and what was expected.
bool read_gtest(OutputCursor& at, FindingSink& found) {
  if (auto test = after_prefix(at.line(), "[ RUN      ]")) {
    at.test = *test;
    return true;
  }
  if (read_gtest_end(at, found)) return true;
  if (!at.line().ends_with(": Failure")) return false;
  auto place = place_of(at.line().substr(0, at.line().size() - 9));
  if (!place) return false;
  std::string text;
  for (std::size_t n = 1; n < 8; ++n) {
    auto line = trim(at.ahead(n));
    if (line.empty() || line.starts_with('[')) break;
    text += (text.empty() ? "" : " ") + std::string(line);
  }
  auto out = make_finding("gtest", text.empty() ? "an assertion failed" : text);
  set_place(out, *place);
  out.test = std::string(at.test);
  found.add(std::move(out));
  return true;
}

}  // namespace

bool read_cxx(OutputCursor& at, FindingSink& found) {
  for (auto reader : {compiler_line, ctest_line})
    if (auto finding = reader(at.line())) {
      found.add(std::move(*finding));
      return true;
    }
  return read_catch2(at, found) || read_gtest(at, found);
}

}  // namespace muster
