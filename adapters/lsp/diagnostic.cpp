#include "adapters/lsp/diagnostic.hpp"

#include <algorithm>
#include <utility>

#include "adapters/lsp/file_uri.hpp"
#include "runtime/core/json_read.hpp"

namespace muster::lsp {
namespace {

using nlohmann::json;

/// A wild number must not overflow what is computed with it.
std::int64_t bounded(std::int64_t value) {
  return std::clamp<std::int64_t>(value, 0, 2'147'483'647);
}

std::string code_text(const json& in) {
  const auto code = in.find("code");
  if (code == in.end()) return {};
  if (code->is_string()) return code->get<std::string>();
  return code->is_number_integer() ? std::to_string(code->get<std::int64_t>()) : std::string();
}

Severity severity_of(const json& in) {
  const auto number = json_int(in, "severity", 1);
  return number >= 1 && number <= 4 ? static_cast<Severity>(number) : Severity::error;
}

Position tsserver_position(const json& in) {
  return {bounded(json_int(in, "line", 1) - 1), bounded(json_int(in, "offset", 1) - 1)};
}

Diagnostic read_tsserver_diagnostic(const json& in) {
  Diagnostic out;
  out.range = {tsserver_position(json_object(in, "start")),
               tsserver_position(json_object(in, "end"))};
  const auto category = json_text(in, "category");
  out.severity = category == "warning"      ? Severity::warning
                 : category == "suggestion" ? Severity::hint
                 : category == "message"    ? Severity::information
                                            : Severity::error;
  out.code = code_text(in);
  out.source = "ts";
  out.message = json_text(in, "text");
  return out;
}

std::optional<Location> read_location(const json& in) {
  const bool link = in.is_object() && in.contains("targetUri");
  const auto path = path_of_uri(json_text(in, link ? "targetUri" : "uri"));
  if (!path) return std::nullopt;
  return Location{*path, read_range(json_object(in, link ? "targetSelectionRange" : "range"))};
}

std::vector<TextEdit> read_edits(const json& list) {
  std::vector<TextEdit> out;
  if (!list.is_array()) return out;
  for (const auto& edit : list)
    out.push_back({read_range(json_object(edit, "range")), json_text(edit, "newText")});
  return out;
}

std::string marked_text(const json& in) {
  return in.is_string() ? in.get<std::string>() : json_text(in, "value");
}

}  // namespace

Position read_position(const json& in) {
  return {bounded(json_int(in, "line")), bounded(json_int(in, "character"))};
}

Range read_range(const json& in) {
  return {read_position(json_object(in, "start")), read_position(json_object(in, "end"))};
}

std::vector<Diagnostic> read_diagnostics(const json& list) {
  std::vector<Diagnostic> out;
  if (!list.is_array()) return out;
  for (const auto& in : list) {
    if (!in.is_object()) continue;
    out.push_back({read_range(json_object(in, "range")), severity_of(in), code_text(in),
                   json_text(in, "source"), json_text(in, "message")});
  }
  return out;
}

std::vector<Diagnostic> read_tsserver_diagnostics(const json& list) {
  std::vector<Diagnostic> out;
  if (!list.is_array()) return out;
  for (const auto& in : list)
    if (in.is_object()) out.push_back(read_tsserver_diagnostic(in));
  return out;
}

std::vector<Location> read_locations(const json& in) {
  std::vector<Location> out;
  const auto take = [&](const json& one) {
    if (auto location = read_location(one)) out.push_back(std::move(*location));
  };
  if (in.is_array())
    std::for_each(in.begin(), in.end(), take);
  else
    take(in);
  return out;
}

std::optional<std::vector<FileEdits>> read_workspace_edit(const json& in) {
  std::vector<FileEdits> out;
  const auto add = [&](const std::string& uri, const json& edits) {
    const auto path = path_of_uri(uri);
    if (path) out.push_back({*path, read_edits(edits)});
    return path.has_value();
  };
  const auto changes = json_object(in, "changes");
  const auto documents = in.is_object() ? in.find("documentChanges") : in.end();
  if (in.is_object() && documents != in.end() && documents->is_array()) {
    for (const auto& change : *documents) {
      const auto uri = json_text(json_object(change, "textDocument"), "uri");
      if (uri.empty() || !add(uri, change.value("edits", json::array()))) return std::nullopt;
    }
    return out;
  }
  for (const auto& [uri, edits] : changes.items())
    if (!add(uri, edits)) return std::nullopt;
  return out;
}

std::string read_hover(const json& in) {
  if (!in.is_object() || !in.contains("contents")) return {};
  const auto& contents = in["contents"];
  if (!contents.is_array()) return marked_text(contents);
  std::string out;
  for (const auto& part : contents) out += (out.empty() ? "" : "\n\n") + marked_text(part);
  return out;
}

void tidy(std::vector<Diagnostic>& diagnostics) {
  std::sort(diagnostics.begin(), diagnostics.end());
  diagnostics.erase(std::unique(diagnostics.begin(), diagnostics.end()), diagnostics.end());
}

}  // namespace muster::lsp
