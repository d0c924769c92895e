#pragma once
// What was found, for people and for programs.

#include <nlohmann/json.hpp>
#include <string>

#include "adapters/lsp/diagnostics_run.hpp"

namespace muster::lsp {

/// `file:line:col: error: message [code] (server)` a line, columns in UTF-16 units from 1; hints
/// are left out. Every word of the servers is escaped for a terminal and stands on one line.
[[nodiscard]] std::string diagnostics_text(const DiagnosticsReport& report);

/// What was not checked, a line for each reason, and the sums; for stderr. Escaped as above.
[[nodiscard]] std::string summary_text(const DiagnosticsReport& report);

/// {"schema_version": 1, "errors", "warnings", "checked", "unchecked": [...], "skipped": [...],
/// "diagnostics": [...]}; lines and columns (UTF-16) count from 1, ends are exclusive.
[[nodiscard]] nlohmann::json diagnostics_json(const DiagnosticsReport& report);

/// A SARIF 2.1.0 log: a run for each server, what it could not check as notifications of an
/// invocation that did not succeed. `workspace` is absolute.
[[nodiscard]] nlohmann::json diagnostics_sarif(const DiagnosticsReport& report,
                                               const std::string& workspace);

}  // namespace muster::lsp
