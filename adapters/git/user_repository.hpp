#pragma once
// The user's repository as muster may use it: refs, objects and the index, never its config's
// commands.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "runtime/core/result.hpp"

namespace muster::git {

/// What a workspace folder is to git.
struct WorkspaceKind {
  enum class Kind { repository, plain } kind = Kind::plain;
  std::string git_dir;     ///< of this working tree (.git, or .git/worktrees/x)
  std::string common_dir;  ///< of the repository; equal to git_dir except in a linked worktree
};

/// Looks at `.git` of the folder itself. invalid_argument for a bare repository and for a folder
/// inside of a repository that tracks it: the message names the root to use.
Result<WorkspaceKind> classify_workspace(const Git& git, const std::string& workspace);
/// The innermost folder at or above `folder` that holds a `.git`; nullopt outside of any
/// repository.
std::optional<std::string> repository_root(const std::string& folder);

/// Where the user's checkout stands.
struct HeadState {
  std::string commit;  ///< empty: unborn
  std::string ref;     ///< full name of the branch; empty: detached
};

/// Commands inside the user's repository: its config is read by git, but nothing that it names
/// runs.
class UserRepository {
 public:
  UserRepository(const Git& git, WorkspaceKind where) : git_(git), where_(std::move(where)) {}

  [[nodiscard]] const std::string& git_dir() const { return where_.git_dir; }
  [[nodiscard]] const std::string& common_dir() const { return where_.common_dir; }
  [[nodiscard]] std::string objects() const { return where_.common_dir + "/objects"; }
  [[nodiscard]] std::string index() const { return where_.git_dir + "/index"; }

  [[nodiscard]] Result<HeadState> head() const;
  /// "sha1" or "sha256".
  [[nodiscard]] Result<std::string> object_format() const;
  /// Commit of a full ref name; nullopt when there is no such ref.
  [[nodiscard]] Result<std::optional<std::string>> ref(const std::string& name) const;
  /// All refs: name -> object.
  [[nodiscard]] Result<std::map<std::string, std::string>> refs() const;
  /// Sets a ref. `expected`: its value before; empty = must not exist. conflict when it is another.
  Status set_ref(const std::string& name, const std::string& commit, const std::string& expected,
                 const std::string& reason) const;
  /// Deletes a ref that has the expected value; absent is fine.
  Status delete_ref(const std::string& name, const std::string& expected) const;
  /// Moves HEAD (the branch it names, or itself when detached).
  Status move_head(const HeadState& from, const std::string& commit,
                   const std::string& reason) const;
  /// "a merge", "a rebase", ... when the user is in the middle of one.
  [[nodiscard]] std::optional<std::string> operation_in_progress() const;
  /// True when some working tree of the user's has this branch checked out.
  [[nodiscard]] bool checked_out_somewhere(const std::string& ref) const;

 private:
  [[nodiscard]] std::optional<HeadState> loose_head() const;
  Result<GitOutput> update_ref(const std::string& name, const std::vector<std::string>& args) const;
  [[nodiscard]] GitContext context() const;

  const Git& git_;
  WorkspaceKind where_;
};

}  // namespace muster::git
