// TAP, as node:test, bats and others write it.

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && (text[0] == '\'' || text[0] == '"') && text.back() == text[0])
    return text.substr(1, text.size() - 2);
  return text;
}

/// What the block below a "not ok" says.
struct Detail {
  std::optional<Place> place;
  std::string error;
  bool only_subtests = false;  ///< it failed because tests below it did
};

/// "error: text", or "error: |-" and an indented text.
std::string error_text(const OutputCursor& at, std::size_t n, std::string_view value) {
  if (!value.starts_with('|') && !value.starts_with('>')) return std::string(unquoted(value));
  std::string out;
  auto indent = indent_of(at.ahead(n));
  for (int taken = 0; taken < 3 && n < max_look_ahead;) {
    auto line = at.ahead(++n);
    if (trim(line).empty()) continue;
    if (indent_of(line) <= indent) break;
    out += (out.empty() ? "" : " ") + std::string(trim(line));
    ++taken;
  }
  return out;
}

void read_yaml_line(const OutputCursor& at, std::size_t n, Detail& out) {
  auto text = trim(at.ahead(n));
  if (auto where = after_prefix(text, "location:")) out.place = place_of(unquoted(*where));
  if (auto error = after_prefix(text, "error:")) out.error = error_text(at, n, *error);
  if (auto error = after_prefix(text, "message:"); error && out.error.empty())
    out.error = error_text(at, n, *error);
  if (text == "failureType: 'subtestsFailed'") out.only_subtests = true;
}

/// bats: "# (in test file a.bats, line 3)" and "#   `[ 1 -eq 2 ]' failed".
void read_comment(std::string_view text, Detail& out) {
  auto in = text.find("in test file ");
  auto line = text.rfind(", line ");
  if (in != std::string_view::npos && line != std::string_view::npos && line > in + 13) {
    auto at = line + 7;
    auto number = number_at(text, at);
    if (number) out.place = Place{std::string(text.substr(in + 13, line - in - 13)), *number, 0};
  } else if (out.error.empty() && text.ends_with("failed")) {
    out.error = std::string(trim(text.substr(1)));
  }
}

Detail detail_below(const OutputCursor& at) {
  Detail out;
  bool yaml = trim(at.ahead(1)) == "---";
  for (std::size_t n = yaml ? 2 : 1; n < max_look_ahead; ++n) {
    auto text = trim(at.ahead(n));
    if (text.starts_with("not ok") || (yaml ? text == "..." : !text.starts_with("# "))) break;
    if (yaml)
      read_yaml_line(at, n, out);
    else if (!text.starts_with("# Subtest"))
      read_comment(text, out);
  }
  return out;
}

/// The name in "not ok 3 - adds two numbers".
std::string_view name_in(std::string_view rest) {
  rest = trim(rest);
  std::size_t at = 0;
  (void)number_at(rest, at);
  rest = trim(rest.substr(at));
  if (rest.starts_with("-")) rest = trim(rest.substr(1));
  return rest.empty() ? "a test failed" : rest;
}

}  // namespace

/// A TODO or SKIP directive makes a failure harmless.
bool read_tap(OutputCursor& at, FindingSink& found) {
  auto text = trim(at.line());
  if (!text.starts_with("not ok")) return false;
  if (text.find("# TODO") != std::string_view::npos ||
      text.find("# SKIP") != std::string_view::npos)
    return false;
  auto detail = detail_below(at);
  if (detail.only_subtests) return true;
  auto name = name_in(text.substr(6));
  auto out = make_finding("tap", detail.error.empty() ? name : std::string_view(detail.error));
  out.test = one_line(bounded_head(name, 1000), 400);
  if (detail.place) set_place(out, *detail.place);
  found.add(std::move(out));
  return true;
}

}  // namespace muster
