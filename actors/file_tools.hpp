#pragma once
// The tools that touch files only. They block: sessions run them on the pool.

#include <string>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster {

/// What a tool call came to.
struct FileToolOutcome {
  std::string text;                   ///< for the model
  std::vector<WriteReceipt> written;  ///< of what changed files, one for each
};

/// read, list, glob, grep: change nothing, may run side by side.
[[nodiscard]] bool is_reading_tool(const std::string& name) noexcept;
/// write, edit.
[[nodiscard]] bool is_writing_tool(const std::string& name) noexcept;
/// The path that a writing tool wants to change, normalised; invalid_argument when there is none.
Result<std::string> written_path(const std::string& arguments);
/// Carries a reading or writing tool out. `arguments` is the model's text; errors are written for
/// the model.
Result<FileToolOutcome> run_file_tool(WorkspaceFiles& files, const std::string& name,
                                      const std::string& arguments);
/// Changes several files as one, for the same model.
Result<FileToolOutcome> run_rewrite(WorkspaceFiles& files,
                                    const std::vector<FileRewrite>& rewrites);
/// An edit that was interrupted and may have been made: made when the file shows that it was not,
/// "done" when it shows that it was; else its model is told to look. Same arguments and errors as
/// run_file_tool.
Result<FileToolOutcome> finish_edit(WorkspaceFiles& files, const std::string& name,
                                    const std::string& arguments);
/// A short line for people: "read src/a.cpp", "shell: npm test".
[[nodiscard]] std::string describe_call(const std::string& name, const std::string& arguments);

}  // namespace muster
