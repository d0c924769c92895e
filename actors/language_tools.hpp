#pragma once
// The tools that ask language servers, but for the asking: from a call to a question, from an
// answer to text. They look at files: sessions run them on the pool.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/diagnostics_check.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/diagnostics.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster {

/// definition, references, hover, diagnostics: change nothing.
[[nodiscard]] bool is_language_reading_tool(const std::string& name) noexcept;
/// The above, and rename.
[[nodiscard]] bool is_language_tool(const std::string& name) noexcept;
/// All of them: what is left out of an agent's tools where no server could answer.
[[nodiscard]] const std::set<std::string>& language_tools();

/// Where a tool is called.
struct LanguageToolPlace {
  std::string root;           ///< absolute, of the session's tree
  std::set<std::string> own;  ///< files that it changes: servers take them as they are now
};

/// What a call asks.
struct LanguageToolPlan {
  std::vector<std::string> paths;  ///< that it names
  std::string name;                ///< at the place that it names; empty: none
  std::string new_name;
  DiagnosticsPlan plan;
  LanguageQuestion::Kind kind = LanguageQuestion::Kind::diagnostics;
};

/// Errors are written for the model: invalid_argument, not_found (no server knows such a file, or
/// it is not installed).
[[nodiscard]] Result<LanguageToolPlan> plan_language_tool(LanguagePort& port, WorkspaceFiles& files,
                                                          const LanguageToolPlace& place,
                                                          const std::string& tool,
                                                          const std::string& arguments);
/// What the model is told of diagnostics.
[[nodiscard]] std::string diagnostics_for_model(const LanguageToolPlan& asked,
                                                const DiagnosticsFound& found);
/// What it is told of another answer: places as path:line:col and the line's text, those outside of
/// the tree by their path alone.
[[nodiscard]] std::string answer_for_model(WorkspaceFiles& files, const std::string& root,
                                           const LanguageToolPlan& asked,
                                           const LanguageAnswer& answer);
/// What a rename makes of the files. conflict: a file is not what the server saw;
/// permission_denied: it would change a file outside of the tree.
[[nodiscard]] Result<std::vector<FileRewrite>> rewrites_of(WorkspaceFiles& files,
                                                           const std::string& root,
                                                           const LanguageToolPlan& asked,
                                                           const LanguageAnswer& answer);

}  // namespace muster
