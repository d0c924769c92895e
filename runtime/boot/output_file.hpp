#pragma once
// A file that a person asked for.

#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster {

/// Makes or replaces the file; relative to the current folder, whose part of the path must exist.
/// The old one stands until the new one is whole. Blocks.
Status write_output_file(const std::string& path, std::string_view text);

}  // namespace muster
