#pragma once
// How the JSON of what a language server says is read.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "adapters/lsp/text_positions.hpp"
#include "runtime/core/diagnostic.hpp"

namespace muster::lsp {

/// Ranges of what is read are in the server's encoding.
using Location = TextLocation;

[[nodiscard]] Position read_position(const nlohmann::json& in);
[[nodiscard]] Range read_range(const nlohmann::json& in);
/// Diagnostics of the protocol. Without a severity: an error. What is no object is left out.
[[nodiscard]] std::vector<Diagnostic> read_diagnostics(const nlohmann::json& list);
/// Diagnostics of tsserver's *DiagnosticsSync commands, which count lines and UTF-16 units from 1.
[[nodiscard]] std::vector<Diagnostic> read_tsserver_diagnostics(const nlohmann::json& list);
/// null, Location, Location[] or LocationLink[]. What is in no file is left out.
[[nodiscard]] std::vector<Location> read_locations(const nlohmann::json& in);
/// A WorkspaceEdit, `changes` or `documentChanges`; nullopt when it holds more than edits of files
/// (creating, renaming or deleting them) or names what is no file.
[[nodiscard]] std::optional<std::vector<FileEdits>> read_workspace_edit(const nlohmann::json& in);
/// The text of a Hover's contents, in any of their three forms.
[[nodiscard]] std::string read_hover(const nlohmann::json& in);

/// Sorted by place, each once.
void tidy(std::vector<Diagnostic>& diagnostics);

}  // namespace muster::lsp
