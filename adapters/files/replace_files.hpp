#pragma once
// Changing several files as one.

#include <string>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster::files {

using muster::FileRewrite;

/// Replaces all of the files or none: each is read and compared before the first is written, and
/// what was written is put back when a later one fails. conflict: a file is not what it was; the
/// context names it. Symlinks that lead out of the root are refused. A crash of the machine in the
/// middle may leave some written. Blocks.
Status replace_files(const std::string& root, const std::vector<FileRewrite>& rewrites);

}  // namespace muster::files
