#pragma once
// Small files of the engine's own state: locks, atomic writes, safe removal.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/io/unique_fd.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// An errno as an Error: which kind, what was tried, on which path.
Error errno_error(int number, const std::string& what, const std::string& path);

using Descriptor = UniqueFd;

/// An exclusive lock on a file, held while the object lives. Works between threads and between
/// processes, and ends with the process however that dies; but the git commands that its thread
/// runs meanwhile hold it, too, so that one that outlives a killed engine keeps the next engine
/// waiting. To be released on the thread that acquired it.
class FileLock {
 public:
  /// Waits for the lock. Creates the file.
  static Result<FileLock> acquire(const std::string& path);
  /// Descriptors of the locks that this thread holds now.
  static const std::vector<int>& held_here();

  FileLock(FileLock&& other) noexcept = default;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(Descriptor fd);
  void forget() const noexcept;
  Descriptor fd_;
};

/// Whole file; nullopt when absent. limit_reached when larger than max_bytes.
Result<std::optional<std::string>> read_small_file(const std::string& path,
                                                   std::size_t max_bytes = 16U << 20U);
/// Replaces a file: temp, fsync, rename, fsync of the folder. After a crash it is old or new.
Status write_file_atomically(const std::string& path, std::string_view content);
/// Replaces a file without waiting for the disk: for what can be made again.
Status write_file(const std::string& path, std::string_view content);
/// mkdir -p; new folders are readable by the owner only.
Status make_folders(const std::string& path);
/// Removes a file or a whole folder, without following symlinks; makes unwritable folders writable
/// on the way. Absent is fine.
Status remove_tree(const std::string& path);
/// Copies a file with its modification time, which git's index needs. Absent source: the target is
/// removed.
Status copy_index(const std::string& from, const std::string& to);

}  // namespace muster::git
