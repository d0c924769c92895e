#pragma once
// One engine per workspace.

#include <string>

#include "runtime/core/result.hpp"

namespace muster::rpc {

/// Who holds a workspace.
struct LockHolder {
  int pid = 0;
  std::string boot_id;  ///< of the boot in which it took the lock
  /// It ran in an earlier boot of this machine or its process is gone.
  bool stale = false;
};

/// A lock on a file, held as long as the object (or the process) lives. The kernel lets go of it
/// when the process dies, so a lock that was left behind never has to be broken: taking it is
/// enough. Movable.
class WorkspaceLock {
 public:
  /// Takes the lock without waiting; makes the file's folder (0700). conflict: another process
  /// holds it, and the message names its pid.
  static Result<WorkspaceLock> acquire(const std::string& path);
  /// What the file says about its last holder; not_found when there is none.
  static Result<LockHolder> read(const std::string& path);

  WorkspaceLock(WorkspaceLock&& other) noexcept;
  WorkspaceLock& operator=(WorkspaceLock&& other) noexcept;
  WorkspaceLock(const WorkspaceLock&) = delete;
  WorkspaceLock& operator=(const WorkspaceLock&) = delete;
  /// Empties the file and lets go. The file stays: removing it would race with the next holder.
  ~WorkspaceLock();

  /// Whether a holder that did not end properly was replaced.
  [[nodiscard]] bool took_over() const noexcept { return took_over_; }

 private:
  WorkspaceLock(int fd, bool took_over) : fd_(fd), took_over_(took_over) {}
  void release() noexcept;

  int fd_ = -1;
  bool took_over_ = false;
};

/// Makes a folder and its parents; the folder itself only for the user (0700). Refuses a folder of
/// another user, and a symbolic link.
Status make_private_folder(const std::string& path);

}  // namespace muster::rpc
