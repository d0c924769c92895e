// tsc, eslint's stylish format, and what jest, vitest and node:test print for people.

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_suites = 1000;

/// "  12:5  error  text  rule": the columns are two or more blanks apart.
struct LintRow {
  int line = 0;
  int column = 0;
  bool warning = false;
  std::string_view message;
  std::string_view rule;
};

std::optional<LintRow> lint_row(std::string_view line) {
  LintRow out;
  auto at = indent_of(line);
  if (at == 0) return std::nullopt;
  auto row = number_at(line, at);
  if (!row || at >= line.size() || line[at] != ':') return std::nullopt;
  auto column = number_at(line, ++at);
  auto rest = trim(line.substr(at));
  out.warning = rest.starts_with("warning  ");
  if (!column || (!out.warning && !rest.starts_with("error  "))) return std::nullopt;
  out.line = *row;
  out.column = *column;
  out.message = trim(rest.substr(out.warning ? 7 : 5));
  auto gap = out.message.rfind("  ");
  if (gap == std::string_view::npos) return out;
  auto rule = out.message.substr(gap + 2);
  if (rule.find(' ') != std::string_view::npos) return out;
  out.rule = rule;
  out.message = trim(out.message.substr(0, gap));
  return out;
}

/// "✖ 2 problems (1 error, 1 warning)", eslint's last line.
bool is_lint_total(std::string_view line) {
  auto rest = after_prefix(trim(line), "✖ ");
  std::size_t at = 0;
  return rest && number_at(*rest, at) && rest->substr(at).starts_with(" problem");
}

/// Lines that belong to the frame around a message, not to it.
bool is_frame(std::string_view text) {
  auto bar = text.find('|');
  return text.starts_with("at ") || text.starts_with("❯ ") || text.starts_with("> ") ||
         text.starts_with("⎯") || (bar != std::string_view::npos && bar < 8);
}

/// What is said from the line `from` ahead on: at most `max_lines` lines that are not empty, up to
/// a stack or a quotation of the source.
std::string message_ahead(const OutputCursor& at, std::size_t from, int max_lines) {
  std::string out;
  for (auto n = from; n < from + 12 && max_lines > 0; ++n) {
    auto text = trim(at.ahead(n));
    if (text.empty()) continue;
    if (is_frame(text)) break;
    out += (out.empty() ? "" : " ") + std::string(bounded_head(text, 400));
    --max_lines;
  }
  return out;
}

std::optional<Place> frame_ahead(const OutputCursor& at, std::size_t from) {
  for (auto n = from; n < max_look_ahead; ++n) {
    auto text = trim(at.ahead(n));
    if (text.starts_with("● ") || text.starts_with("FAIL ") || text.starts_with("✖ ")) break;
    if (auto place = javascript_frame(text)) return place;
    if (text.starts_with("❯ ") && text.find("node_modules") == std::string_view::npos) {
      auto name = text.substr(std::string_view("❯ ").size());
      if (auto place = place_of(name.substr(name.rfind(' ') + 1))) return place;
    }
  }
  return std::nullopt;
}

void add_test(FindingSink& found, Finding finding, std::string_view test,
              const std::optional<Place>& place) {
  finding.test = std::string(test);
  if (place) set_place(finding, *place);
  found.add(std::move(finding));
}

/// " FAIL  src/a.test.ts > math > adds", with the reason below; several may share one.
bool read_vitest(OutputCursor& at, FindingSink& found, std::string_view name) {
  auto cut = name.find(" > ");
  if (cut == std::string_view::npos) cut = name.find(" [ ");
  if (cut == std::string_view::npos) return false;
  bool suite = name[cut + 1] == '[';
  auto file = name.substr(0, cut);
  if (auto project = file.rfind(' '); project != std::string_view::npos)
    file.remove_prefix(project + 1);
  std::size_t from = 1;
  while (from < 12 && trim(at.ahead(from)).starts_with("FAIL ")) ++from;
  auto text = message_ahead(at, from, 1);
  auto test = suite ? file : name.substr(cut + 3);
  auto out = make_finding("vitest", text.empty() ? test : std::string_view(text));
  out.file = std::string(file);
  add_test(found, std::move(out), test, frame_ahead(at, from));
  return true;
}

/// "FAIL src/a.test.js (5.1 s)": the failures of that file follow.
bool read_fail(OutputCursor& at, FindingSink& found) {
  auto name = after_prefix(trim(at.line()), "FAIL ");
  if (!name || name->find('.') == std::string_view::npos) return false;
  if (read_vitest(at, found, *name)) return true;
  auto file = *name;
  if (auto time = file.rfind(" ("); time != std::string_view::npos) file = file.substr(0, time);
  at.file = file.substr(file.rfind(' ') + 1);
  return file.find('/') != std::string_view::npos || file.find(".js") != std::string_view::npos ||
         file.find(".ts") != std::string_view::npos;
}

/// "  ● math › adds" below the FAIL of its file.
bool read_jest(OutputCursor& at, FindingSink& found) {
  auto name = after_prefix(trim(at.line()), "● ");
  if (!name || at.file.empty() || *name == "Console") return false;
  bool suite = *name == "Test suite failed to run";
  auto text = message_ahead(at, 1, suite ? 2 : 3);
  auto out = make_finding("jest", text.empty() ? *name : std::string_view(text));
  out.file = std::string(at.file);
  add_test(found, std::move(out), suite ? at.file : *name, frame_ahead(at, 1));
  return true;
}

/// node:test's spec reporter: "✖ adds two numbers (1.2ms)", at the end again below "test at
/// a.test.js:4:1".
bool read_spec(OutputCursor& at, FindingSink& found) {
  if (auto suite = after_prefix(trim(at.line()), "▶ "); suite && at.suites.size() < max_suites)
    at.suites.emplace(bounded_head(*suite, 400));
  auto text = after_prefix(trim(at.line()), "✖ ");
  if (!text) return false;
  if (*text == "failing tests:" || is_lint_total(at.line())) return true;
  if (text->ends_with("# TODO") || text->ends_with("# SKIP")) return true;  // harmless
  auto name = *text;
  if (auto open = name.rfind(" ("); open != std::string_view::npos && name.ends_with(')'))
    name = name.substr(0, open);
  auto place = after_prefix(trim(at.back(1)), "test at ");
  auto reason = place || indent_of(at.ahead(1)) > indent_of(at.line()) ? message_ahead(at, 1, 3)
                                                                       : std::string();
  // A suite fails because of its tests; they are said for themselves.
  if (reason.empty() && at.suites.contains(bounded_head(name, 400))) return true;
  if (reason.find("subtest failed") != std::string::npos ||
      reason.find("subtests failed") != std::string::npos)
    return true;
  auto out = make_finding("tap", reason.empty() ? name : std::string_view(reason));
  auto frame = frame_ahead(at, 1);
  add_test(found, std::move(out), name, frame ? frame : place ? place_of(*place) : std::nullopt);
  return true;
}

}  // namespace

/// "src/a.ts(3,7): error TS2304: text" and "src/a.ts:3:7 - error TS2304: text".
bool read_typescript(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  auto word = line.find("error TS");
  if (word == std::string_view::npos || word < 4) return false;
  auto colon = line.find(':', word);
  if (colon == std::string_view::npos) return false;
  auto out = make_finding("tsc", trim(line.substr(colon + 1)));
  out.code = std::string(bounded_head(line.substr(word + 6, colon - word - 6), 20));
  auto place = line.substr(0, word);
  auto open = place.find_first_of("(:");
  out.file = std::string(trim(place.substr(0, open)));
  auto cursor = open + 1;
  if (open != std::string_view::npos) out.line = number_at(place, cursor).value_or(0);
  if (++cursor < place.size()) out.column = number_at(place, cursor).value_or(0);
  found.add(std::move(out));
  return true;
}

bool read_eslint(OutputCursor& at, FindingSink& found) {
  if (is_lint_total(at.line())) return true;
  auto row = lint_row(at.line());
  if (!row || at.heading.empty()) return false;
  auto out = make_finding("eslint", row->message, row->warning ? "warning" : "error");
  out.code = std::string(bounded_head(row->rule, 100));
  set_place(out, {std::string(at.heading), row->line, row->column});
  found.add(std::move(out));
  return true;
}

bool read_javascript_tests(OutputCursor& at, FindingSink& found) {
  return read_fail(at, found) || read_jest(at, found) || read_spec(at, found);
}

}  // namespace muster
