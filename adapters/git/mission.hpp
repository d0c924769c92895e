#pragma once
// One mission on one workspace: its base, branch and what the user's side looks like.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "adapters/git/git_version_control.hpp"
#include "adapters/git/mission_state.hpp"
#include "adapters/git/private_repository.hpp"
#include "adapters/git/tree_pool.hpp"
#include "adapters/git/user_repository.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// Opens and ends a mission; everything else of GitVersionControl asks it where things are.
/// Thread-safe.
class Mission {
 public:
  explicit Mission(GitOptions options);

  [[nodiscard]] const Git& git() const { return git_; }
  [[nodiscard]] const PrivateRepository& repository() const { return repository_; }
  [[nodiscard]] const TreePool& pool() const { return pool_; }
  [[nodiscard]] const GitOptions& options() const { return options_; }
  [[nodiscard]] std::string folder() const;
  [[nodiscard]] std::string branch() const { return "refs/heads/muster/" + options_.mission; }
  /// Ref that keeps the last commit of a task.
  [[nodiscard]] std::string task_ref(const std::string& key) const;
  /// The lock for everything that moves refs or the user's tree.
  [[nodiscard]] Result<FileLock> lock() const;
  /// Null for a plain folder. Valid after open().
  [[nodiscard]] const UserRepository* user() const { return user_ ? &*user_ : nullptr; }

  Result<std::string> open();
  /// What open() found. Before it, a mission that exists is opened and any other is not_found;
  /// after discard() it is a conflict.
  [[nodiscard]] Result<MissionRecord> record();
  [[nodiscard]] Result<MissionRecord> record_even_discarded();
  [[nodiscard]] Result<std::string> tip();
  [[nodiscard]] Result<std::vector<std::string>> dirty_files();
  Status discard();

 private:
  [[nodiscard]] Status check_options() const;
  Status connect();
  Result<MissionRecord> begin();
  Result<std::string> base_from_files();
  Status check_size(const std::vector<std::string>& paths) const;
  Status pin_base(const std::string& base) const;
  Status unpin_base(const std::string& base) const;
  Status drop_published_branch(const std::string& tip) const;
  Status archive(const std::string& tip) const;
  [[nodiscard]] std::string base_ref() const { return "refs/muster/base/" + options_.mission; }

  GitOptions options_;
  Git git_;
  PrivateRepository repository_;
  TreePool pool_;
  std::optional<UserRepository> user_;
  mutable std::mutex mutex_;  ///< guards record_ and the first setting of user_
  std::optional<MissionRecord> record_;
};

/// A task id as part of a ref name: what git does not allow is written as %XX. Errors: empty, over
/// 200 bytes, or control characters.
Result<std::string> ref_part(const std::string& key);

}  // namespace muster::git
