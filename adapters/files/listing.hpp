#pragma once
// What list, glob and grep say to a model: bounded text.

#include <cstddef>

#include "adapters/files/ripgrep.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster::files {

/// A folder to a depth: files by path, deeper folders with the number of their files, and at its
/// top the folders that ignore files hide. Depth below 1 is 1.
ToolText folder_text(int folder, const FileList& files, int depth);
/// Paths, one a line.
ToolText paths_text(const FileList& files);
constexpr std::size_t max_shown_matches = 300;
/// "path:line: text", one a line; long lines are cut.
ToolText matches_text(const GrepResult& found);

}  // namespace muster::files
