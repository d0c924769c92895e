#pragma once
// Reading and replacing single files by an open folder and a name.

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/files/tree_path.hpp"
#include "adapters/io/unique_fd.hpp"
#include "runtime/core/result.hpp"

namespace muster::files {

/// An errno as an Error.
Error file_error(int number, const std::string& what, const std::string& path);

/// A regular file, open for reading.
struct OpenFile {
  UniqueFd fd;
  struct stat info {};
};
/// not_found when absent; invalid_argument for a folder, fifo, device.
Result<OpenFile> open_file(const ResolvedPath& where);

/// Calls `chunk` with pieces of the file until it returns false or the file ends.
Status read_chunks(const OpenFile& file, const std::string& path,
                   const std::function<bool(std::string_view)>& chunk);
/// The whole file; limit_reached when it is larger.
Result<std::string> read_whole(const OpenFile& file, const std::string& path,
                               std::size_t max_bytes);
/// SHA-256 of the file.
Result<std::string> digest_of(const OpenFile& file, const std::string& path);

/// Replaces or creates the file: temp beside it, fsync, rename; mode bits (and the owner, when
/// allowed) are kept. Until the rename the old content is untouched. `expected`: what the caller
/// saw; conflict when the file is another by now.
Status replace_file(const ResolvedPath& where, std::string_view content,
                    const std::optional<struct stat>& expected);

}  // namespace muster::files
