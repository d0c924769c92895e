#pragma once
// Paths below a folder, walked component by component without following symlinks.

#include <string>
#include <string_view>
#include <vector>

#include "adapters/git/state_files.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// Opens a folder as a place to resolve from.
Result<Descriptor> open_folder(const std::string& path);
/// Opens the folder that holds `path` below `root`. not_found: a part is missing (unless `create`);
/// conflict: a part is no folder; invalid_argument: empty, "..", ".git" or absolute.
Result<Descriptor> open_parent(int root, std::string_view path, bool create);
/// The last component.
std::string last_component(std::string_view path);

}  // namespace muster::git
