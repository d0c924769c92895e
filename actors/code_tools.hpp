#pragma once
// The tools that look at code by its structure, or change it so. They block: sessions run them on
// the pool.

#include <string>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/ports/workspace_code.hpp"

namespace muster {

/// ast_search, outline, symbols, refs, repo_map: change nothing, may run side by side.
[[nodiscard]] bool is_code_tool(const std::string& name) noexcept;
/// Carries one of them out; bounded text for the model. Errors are written for the model.
Result<std::string> run_code_tool(WorkspaceCode& code, const std::string& name,
                                  const std::string& arguments);

/// Whether a call changes files that only the code itself tells: ast_rewrite, and edit by symbol.
[[nodiscard]] bool is_code_change(const std::string& name, const std::string& arguments);
/// What such a call comes to; nothing is written. not_found: nothing is there to be changed.
Result<std::vector<FileRewrite>> plan_code_change(WorkspaceCode& code, const std::string& name,
                                                  const std::string& arguments);

}  // namespace muster
