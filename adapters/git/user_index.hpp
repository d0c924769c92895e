#pragma once
// The user's index, changed under git's own lock and without running their config.

#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "adapters/git/private_repository.hpp"
#include "adapters/git/user_repository.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// Copies the user's index to `target` so that the private repository can read it.
Status copy_user_index(const UserRepository& user, const PrivateRepository& repository,
                       const std::string& target);

/// Holds `index.lock` of the user's repository while it lives: their git commands wait or fail
/// meanwhile. The lock is a hard link to a file that carries the mission's name, so after a kill -9
/// it is known as ours.
class UserIndexLock {
 public:
  /// Waits up to 2 seconds for another git command; then unavailable.
  static Result<UserIndexLock> acquire(const UserRepository& user, const std::string& mission);
  UserIndexLock(UserIndexLock&& other) noexcept;
  UserIndexLock& operator=(UserIndexLock&&) = delete;
  UserIndexLock(const UserIndexLock&) = delete;
  UserIndexLock& operator=(const UserIndexLock&) = delete;
  ~UserIndexLock();

  /// Replaces the user's index by this file's content; the lock is then gone.
  Status install(const std::string& file);

 private:
  UserIndexLock(std::string own, std::string lock, std::string index)
      : own_(std::move(own)), lock_(std::move(lock)), index_(std::move(index)) {}
  std::string own_;
  std::string lock_;
  std::string index_;
  bool held_ = true;
};

/// What in the index keeps these changes from being made.
struct IndexObstacles {
  bool unmerged = false;            ///< the user is in the middle of a conflict
  std::vector<std::string> staged;  ///< paths that hold other content than either side
  std::vector<std::string> hidden;  ///< paths marked skip-worktree or assume-unchanged
};
Result<IndexObstacles> index_obstacles(const Git& git, const PrivateRepository& repository,
                                       const std::string& index,
                                       const std::vector<TreeChange>& changes);

}  // namespace muster::git
