#include "adapters/lsp/diagnostics_report.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "adapters/lsp/file_uri.hpp"
#include "runtime/core/text.hpp"

namespace muster::lsp {
namespace {

using nlohmann::json;

constexpr std::size_t max_line = 2000;
constexpr std::size_t max_name = 400;
constexpr std::size_t shown_files = 5;
constexpr const char* source_root = "SRCROOT";

std::string counted(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string line_of(const FileCheck& check, const Diagnostic& one) {
  auto out = one_line(check.path, max_name) + ":" + std::to_string(one.range.start.line + 1) + ":" +
             std::to_string(one.range.start.character + 1) + ": " +
             std::string(to_string(one.severity)) + ": " + one_line(one.message, max_line);
  if (!one.code.empty()) out += " [" + one_line(one.code, max_name) + "]";
  return out + " (" + one_line(check.server, max_name) + ")\n";
}

/// "a.ts, b.ts and 4998 more".
std::string some_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < shown_files; ++i)
    out += (i == 0 ? "" : ", ") + one_line(names[i], max_name);
  if (names.size() > shown_files)
    out += " and " + std::to_string(names.size() - shown_files) + " more";
  return out;
}

json place_json(const Position& position) {
  return {{"line", position.line + 1}, {"column", position.character + 1}};
}

json json_of(const FileCheck& check, const Diagnostic& one) {
  return {{"path", check.path},
          {"language", check.language},
          {"server", check.server},
          {"severity", to_string(one.severity)},
          {"start", place_json(one.range.start)},
          {"end", place_json(one.range.end)},
          {"code", one.code},
          {"source", one.source},
          {"message", one.message}};
}

const char* sarif_level(Severity severity) {
  if (severity == Severity::error) return "error";
  return severity == Severity::warning ? "warning" : "note";
}

json sarif_artifact(const FileCheck& check) {
  // A path out of the workspace has no place under its root.
  if (check.path.starts_with('/')) return {{"uri", file_uri(check.path)}};
  return {{"uri", uri_escape(check.path)}, {"uriBaseId", source_root}};
}

json sarif_result(const FileCheck& check, const Diagnostic& one) {
  const auto& [start, end] = one.range;
  json out{{"level", sarif_level(one.severity)},
           {"message", {{"text", one.message.empty() ? "(no message)" : one.message}}},
           {"locations", json::array()}};
  out["locations"].push_back({{"physicalLocation",
                               {{"artifactLocation", sarif_artifact(check)},
                                {"region",
                                 {{"startLine", start.line + 1},
                                  {"startColumn", start.character + 1},
                                  {"endLine", std::max(start, end).line + 1},
                                  {"endColumn", std::max(start, end).character + 1}}}}}});
  if (!one.code.empty()) out["ruleId"] = one.code;
  return out;
}

json sarif_notification(const FileCheck& check) {
  json out{{"level", "error"},
           {"message", {{"text", check.path + " was not checked: " + check.reason}}},
           {"locations", json::array()}};
  out["locations"].push_back({{"physicalLocation", {{"artifactLocation", sarif_artifact(check)}}}});
  return out;
}

/// One run while it is filled.
class SarifRun {
 public:
  void add(const FileCheck& check) {
    for (const auto& one : check.diagnostics) {
      results_.push_back(sarif_result(check, one));
      if (!one.code.empty()) rules_.insert(one.code);
    }
    if (!check.checked) notifications_.push_back(sarif_notification(check));
  }

  [[nodiscard]] json finish(const std::string& name, const std::string& workspace) {
    auto rules = json::array();
    for (const auto& rule : rules_) rules.push_back({{"id", rule}});
    json invocation{{"executionSuccessful", notifications_.empty()}};
    if (!notifications_.empty())
      invocation["toolExecutionNotifications"] = std::move(notifications_);
    json out{{"tool", {{"driver", {{"name", name}, {"rules", std::move(rules)}}}}},
             {"columnKind", "utf16CodeUnits"},
             {"invocations", json::array()},
             {"results", std::move(results_)}};
    out["invocations"].push_back(std::move(invocation));
    out["originalUriBaseIds"][source_root]["uri"] =
        file_uri(workspace) + (workspace.ends_with('/') ? "" : "/");
    return out;
  }

 private:
  json results_ = json::array();
  json notifications_ = json::array();
  std::set<std::string> rules_;
};

}  // namespace

std::string diagnostics_text(const DiagnosticsReport& report) {
  std::string out;
  for (const auto& check : report.checks)
    for (const auto& one : check.diagnostics)
      if (one.severity != Severity::hint) out += line_of(check, one);
  return out;
}

std::string summary_text(const DiagnosticsReport& report) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> unchecked;
  std::size_t checked = 0;
  for (const auto& check : report.checks) {
    if (check.checked)
      ++checked;
    else
      unchecked[{check.language, check.reason}].push_back(check.path);
  }
  std::string out;
  for (const auto& [why, files] : unchecked)
    out += "not checked: " + (why.first.empty() ? "" : one_line(why.first, max_name) + ": ") +
           one_line(why.second, max_line) + ": " + some_of(files) + "\n";
  if (!report.skipped.empty()) out += "no language server for: " + some_of(report.skipped) + "\n";
  out += counted(report.count(Severity::error), "error") + ", " +
         counted(report.count(Severity::warning), "warning") + " in " +
         counted(checked, "checked file");
  if (!report.all_checked())
    out += ", " + std::to_string(report.checks.size() - checked) + " not checked";
  return out + "\n";
}

json diagnostics_json(const DiagnosticsReport& report) {
  auto unchecked = json::array();
  auto diagnostics = json::array();
  for (const auto& check : report.checks) {
    for (const auto& one : check.diagnostics) diagnostics.push_back(json_of(check, one));
    if (!check.checked)
      unchecked.push_back({{"path", check.path},
                           {"language", check.language},
                           {"server", check.server},
                           {"reason", check.reason}});
  }
  const auto checked = report.checks.size() - unchecked.size();
  return {{"schema_version", 1},
          {"errors", report.count(Severity::error)},
          {"warnings", report.count(Severity::warning)},
          {"checked", checked},
          {"unchecked", std::move(unchecked)},
          {"skipped", report.skipped},
          {"diagnostics", std::move(diagnostics)}};
}

json diagnostics_sarif(const DiagnosticsReport& report, const std::string& workspace) {
  std::map<std::string, SarifRun> runs;
  for (const auto& check : report.checks)
    runs[check.server.empty() ? "muster" : check.server].add(check);
  if (runs.empty()) runs["muster"];  // a log without a run says nothing at all
  auto list = json::array();
  for (auto& [name, run] : runs) list.push_back(run.finish(name, workspace));
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", std::move(list)}};
}

}  // namespace muster::lsp
