// pytest and unittest.

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_noted = 1000;  // failing tests whose lines are kept

/// "______ TestSum.test_sum ______"
std::optional<std::string_view> section_name(std::string_view line) {
  if (!line.starts_with("__") || !line.ends_with("__")) return std::nullopt;
  auto from = line.find_first_not_of('_');
  auto to = line.find_last_not_of('_');
  if (from == std::string_view::npos || line[from] != ' ' || line[to] != ' ' || to < from + 2)
    return std::nullopt;
  auto name = line.substr(from + 1, to - from - 1);
  return name.substr(name.rfind('.') == std::string_view::npos ? 0 : name.rfind('.') + 1);
}

/// "tests/test_a.py:5: AssertionError" in the section of a test: where it failed, for the summary.
void note_place(OutputCursor& at) {
  auto line = at.line();
  if (auto name = section_name(line)) at.test = *name;
  auto colon = line.find(".py:");
  if (at.test.empty() || colon == std::string_view::npos || indent_of(line) > 0) return;
  auto cursor = colon + 4;
  auto row = number_at(line, cursor);
  if (row && line.substr(cursor).starts_with(':') && at.lines_of.size() < max_noted)
    at.lines_of.insert_or_assign(std::string(bounded_head(at.test, 400)), *row);
}

/// "FAILED tests/test_a.py::test_b - AssertionError: text", "ERROR tests/..".
bool read_pytest(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  bool failed = line.starts_with("FAILED ");
  if (!failed && !line.starts_with("ERROR ")) return false;
  auto rest = line.substr(failed ? 7 : 6);
  if (rest.find(".py") == std::string_view::npos) return false;
  auto dash = rest.find(" - ");
  auto out = make_finding("pytest", dash == std::string_view::npos ? rest : rest.substr(dash + 3));
  auto test = trim(rest.substr(0, dash));
  out.test = std::string(test);
  out.file = std::string(test.substr(0, test.find("::")));
  auto name = test.substr(test.rfind(':') == std::string_view::npos ? 0 : test.rfind(':') + 1);
  if (auto known = at.lines_of.find(name); known != at.lines_of.end()) out.line = known->second;
  found.add(std::move(out));
  return true;
}

/// `  File "tests/test_a.py", line 5, in test_sum`
std::optional<Place> traceback_place(std::string_view line) {
  auto rest = after_prefix(trim(line), "File \"");
  if (!rest) return std::nullopt;
  auto close = rest->find("\", line ");
  if (close == std::string_view::npos) return std::nullopt;
  auto at = close + 8;
  auto number = number_at(*rest, at);
  if (!number) return std::nullopt;
  return Place{std::string(rest->substr(0, close)), *number, 0};
}

/// "FAIL: test_sum (tests.test_a.TestSum)" between rules, and its traceback.
bool read_unittest(OutputCursor& at, FindingSink& found) {
  auto name = after_prefix(at.line(), "FAIL: ");
  if (!name) name = after_prefix(at.line(), "ERROR: ");
  if (!name || !at.back(1).starts_with("=====") || name->find(" (") == std::string_view::npos)
    return false;
  std::optional<Place> place;
  std::string_view reason;
  for (std::size_t n = 1; n < max_look_ahead && !at.ahead(n).starts_with("====="); ++n) {
    auto line = at.ahead(n);
    if (auto here = traceback_place(line)) place = here;
    bool stands_out = !line.empty() && indent_of(line) == 0;
    if (place && stands_out && reason.empty()) reason = line;
  }
  auto out = make_finding("unittest", reason.empty() ? *name : reason);
  out.test = std::string(*name);
  if (place) set_place(out, *place);
  found.add(std::move(out));
  return true;
}

}  // namespace

bool read_python(OutputCursor& at, FindingSink& found) {
  note_place(at);
  return read_pytest(at, found) || read_unittest(at, found);
}

}  // namespace muster
