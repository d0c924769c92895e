// Maven (compiler and surefire) and Gradle (tests, and Kotlin's compiler).

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

/// "at com.example.AppTest.adds(AppTest.java:10)": the line of `file`, or of the first file when it
/// is "".
std::optional<Place> java_frame(std::string_view line, std::string_view file) {
  auto text = after_prefix(trim(line), "at ");
  if (!text || !text->ends_with(')')) return std::nullopt;
  auto open = text->rfind('(');
  if (open == std::string_view::npos) return std::nullopt;
  auto place = place_of(text->substr(open + 1, text->size() - open - 2));
  if (!place || (!file.empty() && place->file.substr(0, place->file.find('.')) != file))
    return std::nullopt;
  return place;
}

std::string_view last_part(std::string_view name, char separator) {
  auto at = name.rfind(separator);
  return at == std::string_view::npos ? name : name.substr(at + 1);
}

/// "/w/src/App.java:[5,9] cannot find symbol"
bool read_compiler(std::string_view text, bool warning, FindingSink& found) {
  auto open = text.find(":[");
  if (open == std::string_view::npos) return false;
  auto at = open + 2;
  auto line = number_at(text, at);
  if (!line || at >= text.size() || text[at] != ',') return false;
  auto column = number_at(text, ++at);
  if (!column || at >= text.size() || text[at] != ']') return false;
  auto message = trim(text.substr(at + 1));
  if (auto rest = after_prefix(message, "error:")) message = *rest;
  auto out = make_finding("maven", message, warning ? "warning" : "error");
  set_place(out, {std::string(text.substr(0, open)), *line, *column});
  found.add(std::move(out));
  return true;
}

/// "com.example.AppTest.adds  Time elapsed: 0.01 s  <<< FAILURE!", before surefire 3
/// "adds(com.example.AppTest)  Time elapsed: ...", and the exception below.
bool read_surefire(OutputCursor& at, std::string_view text, FindingSink& found) {
  auto mark = text.find("<<< ");
  if (mark == std::string_view::npos || text.starts_with("Tests run:")) return false;
  auto end = std::min(text.find(" Time elapsed"), text.find(" -- Time elapsed"));
  auto name = trim(text.substr(0, std::min(end, mark)));
  if (name.find('.') == std::string_view::npos || name.find(' ') != std::string_view::npos)
    return false;
  auto test = std::string(name);
  if (auto open = name.find('(');
      open != std::string_view::npos && name.ends_with(')') && open + 2 < name.size() && open > 0)
    test = std::string(name.substr(open + 1, name.size() - open - 2)) + "." +
           std::string(name.substr(0, open));
  auto reason = trim(at.ahead(1));
  auto out = make_finding("maven", reason.empty() ? test : std::string(reason));
  auto type = last_part(std::string_view(test).substr(0, test.rfind('.')), '.');
  for (std::size_t n = 2; n < max_look_ahead && !trim(at.ahead(n)).empty(); ++n)
    if (auto place = java_frame(at.ahead(n), type.substr(0, type.find('$')))) {
      set_place(out, *place);
      break;
    }
  out.test = std::move(test);
  found.add(std::move(out));
  return true;
}

/// "  AppTest.adds:10 expected: <4> but was: <3>" of surefire's summary, for an output whose
/// beginning was cut off.
bool read_summary(std::string_view text, FindingSink& found) {
  auto colon = text.find(':');
  auto test = text.substr(0, colon);
  auto dot = test.find('.');
  if (colon == std::string_view::npos || dot == std::string_view::npos || dot == 0 ||
      test.find_first_of(" /\\") != std::string_view::npos)
    return false;
  auto at = colon + 1;
  auto line = number_at(text, at);
  if (!line || at >= text.size() || (text[at] != ' ' && text[at] != '-')) return false;
  if (found.knows_test("maven", test)) return true;
  auto out = make_finding("maven", trim(text.substr(at)));
  set_place(out, {std::string(test.substr(0, dot)) + ".java", *line, 0});
  out.test = std::string(test);
  found.add(std::move(out));
  return true;
}

/// "AppTest > adds() FAILED", and the exception below.
bool read_gradle_test(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  auto cut = line.find(" > ");
  if (!line.ends_with(" FAILED") || cut == std::string_view::npos || line.starts_with(">") ||
      indent_of(line) > 0)
    return false;
  auto test = trim(line.substr(0, line.size() - 7));
  auto reason = indent_of(at.ahead(1)) > 0 ? trim(at.ahead(1)) : std::string_view();
  std::optional<Place> place;
  if (auto where = reason.rfind(" at "); where != std::string_view::npos) {
    place = place_of(reason.substr(where + 4));
    if (place) reason = reason.substr(0, where);
  }
  auto type = last_part(line.substr(0, cut), '.');
  for (std::size_t n = 2; !place && n < max_look_ahead && indent_of(at.ahead(n)) > 0; ++n)
    place = java_frame(at.ahead(n), type);
  auto out = make_finding("gradle", reason.empty() ? test : reason);
  out.test = std::string(test);
  if (place) set_place(out, *place);
  found.add(std::move(out));
  return true;
}

/// "e: file:///w/A.kt:3:5 text", before Kotlin 1.8 "e: /w/A.kt: (3, 5): text".
bool read_kotlin(std::string_view line, FindingSink& found) {
  bool warning = line.starts_with("w: ");
  if (!warning && !line.starts_with("e: ")) return false;
  auto end = line.find(".kt:");
  if (end == std::string_view::npos) return false;
  auto file = line.substr(3, end);  // with ".kt"
  if (file.starts_with("file://")) file.remove_prefix(7);
  auto at = end + 4;
  if (line.substr(at).starts_with(" (")) at += 2;
  auto row = number_at(line, at);
  if (!row) return false;
  at = line.find_first_not_of(":, ", at);
  if (at == std::string_view::npos) return false;
  auto column = number_at(line, at);
  auto out = make_finding("kotlin", trim(line.substr(std::min(line.find(' ', at), line.size()))),
                          warning ? "warning" : "error");
  set_place(out, {std::string(file), *row, column.value_or(0)});
  found.add(std::move(out));
  return true;
}

}  // namespace

bool read_maven(OutputCursor& at, FindingSink& found) {
  auto text = after_prefix(at.line(), "[ERROR] ");
  bool warning = !text;
  if (warning) text = after_prefix(at.line(), "[WARNING] ");
  if (!text) return false;
  if (read_compiler(*text, warning, found)) return true;
  return !warning && (read_surefire(at, *text, found) || read_summary(*text, found));
}

/// What went wrong counts when nothing else says more.
bool read_gradle(OutputCursor& at, FindingSink& found) {
  if (read_gradle_test(at, found) || read_kotlin(at.line(), found)) return true;
  if (at.line() != "* What went wrong:") return false;
  if (!found.any_error() && !at.ahead(1).empty())
    found.add(make_finding("gradle", std::string(trim(at.ahead(1))) + " " +
                                         std::string(trim(bounded_head(at.ahead(2), 400)))));
  return true;
}

}  // namespace muster
