#pragma once

#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::git {

/// Files of a working tree that are not as in HEAD, or that HEAD does not know and nothing ignores;
/// without a first commit: all files. Relative to `root`, sorted, each once; deleted ones are left
/// out. It goes by the index and what stat says, since reading a file as git does would run the
/// repository's filters: a file that was only touched may be among them. Errors: invalid_argument
/// (no repository); those of git. Blocks.
[[nodiscard]] Result<std::vector<std::string>> changed_files(const std::string& root);

}  // namespace muster::git
