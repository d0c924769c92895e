// The JSON of eslint (--format json), and of jest and vitest (--json, --reporter=json): one line.

#include <nlohmann/json.hpp>

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/json_read.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

constexpr int max_depth = 12;

/// The line as JSON without what nobody reads: whole sources, and anything nested deeper than these
/// formats are. Discarded when it is none.
json read_line(std::string_view line) {
  std::string skipped;
  auto filter = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > max_depth) return false;
    if (event != json::parse_event_t::key) return true;
    const auto& key = value.get_ref<const std::string&>();
    return key != "source" && key != "output" && key != "coverageMap" && key != "snapshot";
  };
  return json::parse(line, filter, false);
}

const json& list_of(const json& in, const char* key) {
  static const json none = json::array();
  if (!in.is_object()) return none;
  auto found = in.find(key);
  return found != in.end() && found->is_array() ? *found : none;
}

int small(std::int64_t value) {
  return value < 0 || value > 999'999'999 ? 0 : static_cast<int>(value);
}

void add_lint(const json& files, FindingSink& found) {
  for (const auto& file : files)
    for (const auto& message : list_of(file, "messages")) {
      auto out = make_finding("eslint", json_text(message, "message"),
                              json_int(message, "severity") == 1 ? "warning" : "error");
      out.code = json_text(message, "ruleId");
      set_place(out, {json_text(file, "filePath"), small(json_int(message, "line")),
                      small(json_int(message, "column"))});
      found.add(std::move(out));
    }
}

std::string first_lines(const std::string& text) {
  std::string out;
  int taken = 0;
  for (auto line : split_lines(bounded_head(text, 4000), 40)) {
    auto clean = trim(line);
    if (clean.empty()) continue;
    if (clean.starts_with("at ") || ++taken > 3) break;
    out += (out.empty() ? "" : " ") + std::string(clean);
  }
  return out;
}

void add_test(const json& suite, const json& test, FindingSink& found) {
  if (json_text(test, "status") != "failed") return;
  std::string reason;
  for (const auto& message : list_of(test, "failureMessages"))
    if (message.is_string() && reason.empty())
      reason = first_lines(strip_terminal_escapes(message.get_ref<const std::string&>()));
  auto name = json_text(test, "fullName");
  auto out = make_finding("jest", reason.empty() ? name : reason);
  out.test = name;
  auto location = json_object(test, "location");
  set_place(out, {json_text(suite, "name"), small(json_int(location, "line")),
                  small(json_int(location, "column"))});
  found.add(std::move(out));
}

void add_suites(const json& suites, FindingSink& found) {
  for (const auto& suite : suites) {
    const auto& tests = list_of(suite, "assertionResults");
    for (const auto& test : tests) add_test(suite, test, found);
    if (!tests.empty() || json_text(suite, "status") != "failed") continue;
    auto out = make_finding("jest", first_lines(json_text(suite, "message")));
    out.file = out.test = json_text(suite, "name");
    found.add(std::move(out));
  }
}

}  // namespace

bool read_javascript_json(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  bool lint = line.starts_with(R"([{"filePath":)");
  bool tests = line.starts_with(R"({"numFailedTestSuites":)") ||
               line.starts_with(R"({"numTotalTestSuites":)");
  if (!lint && !tests) return false;
  auto report = read_line(line);
  if (lint && report.is_array()) add_lint(report, found);
  if (tests) add_suites(list_of(report, "testResults"), found);
  return !report.is_discarded();
}

}  // namespace muster
