#pragma once
// Lines of a file as a model sees them: numbered, bounded, however large the file is.

#include "adapters/files/file_io.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster::files {

constexpr int max_read_lines = 2000;
constexpr std::size_t max_read_bytes = 64U << 10U;

/// Lines [first, first+count), count 0 = to the bound; memory stays bounded. A binary file is
/// described.
Result<ToolText> read_lines(const OpenFile& file, const std::string& path, int first, int count);

}  // namespace muster::files
