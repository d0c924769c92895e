#pragma once
// The engine's own bare repository for one workspace: missions' branches, task commits, archives.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/git/git_command.hpp"
#include "adapters/git/user_repository.hpp"
#include "adapters/git/written_trees.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/version_control.hpp"

namespace muster::git {

/// One path that two trees hold differently.
struct TreeChange {
  struct Entry {
    std::string mode = "000000";  ///< git's octal mode; 000000 = absent
    std::string object;
    bool operator==(const Entry& other) const {
      return mode == other.mode && (absent() || object == other.object);
    }
    [[nodiscard]] bool absent() const { return mode == "000000"; }
    [[nodiscard]] bool symlink() const { return mode == "120000"; }
    [[nodiscard]] bool submodule() const { return mode == "160000"; }
    [[nodiscard]] bool executable() const { return mode == "100755"; }
  };
  std::string path;
  Entry from;
  Entry to;
};

/// What merging two commits in memory gave.
struct MergedTree {
  std::string tree;                    ///< with conflict markers when there are conflicts
  std::vector<std::string> conflicts;  ///< paths
};

/// Reads the "-z --raw" output of diff-tree and diff-index.
std::vector<TreeChange> parse_raw_diff(std::string_view text);

/// The private repository. It borrows the user's objects, and no ref, index, hook or config of
/// either side reaches the other. Thread-safe (git's own locking); refs are moved by
/// compare-and-set.
class PrivateRepository {
 public:
  PrivateRepository(const Git& git, std::string folder) : git_(git), folder_(std::move(folder)) {}

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string objects() const { return folder_ + "/objects"; }
  /// Context for commands without a work tree.
  [[nodiscard]] GitContext context() const;
  /// Context for a tree with its own index.
  [[nodiscard]] GitContext context(const std::string& work_tree, const std::string& index) const;

  /// Makes it, or brings an existing one up to date with the user's repository (which may have
  /// moved). `user` is null for a plain folder; `excluded` are folders of the workspace that are
  /// never content.
  Status prepare(const UserRepository* user, const std::vector<std::string>& excluded);

  /// Commit of a full ref name; nullopt when absent.
  [[nodiscard]] Result<std::optional<std::string>> ref(const std::string& name) const;
  /// `expected` empty = any value or none.
  Status set_ref(const std::string& name, const std::string& commit,
                 const std::string& expected = "") const;
  Status delete_ref(const std::string& name) const;
  /// Names and commits of the refs below a prefix that ends with '/'.
  [[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> refs_below(
      const std::string& prefix) const;

  [[nodiscard]] Result<std::string> tree_of(const std::string& commit) const;
  /// The full id of a commit that is here; not_found otherwise.
  [[nodiscard]] Result<std::string> resolve_commit(const std::string& commit) const;
  /// The best common ancestor; nullopt: there is none.
  [[nodiscard]] Result<std::optional<std::string>> merge_base(const std::string& one,
                                                              const std::string& other) const;
  [[nodiscard]] Result<bool> is_ancestor(const std::string& ancestor,
                                         const std::string& commit) const;
  /// A new commit object. An equal one that `reuse` names is returned instead.
  [[nodiscard]] Result<std::string> make_commit(const std::string& tree,
                                                const std::vector<std::string>& parents,
                                                const CommitInfo& info,
                                                const std::string& reuse = "") const;
  [[nodiscard]] Result<std::vector<TreeChange>> changes(const std::string& from,
                                                        const std::string& to) const;
  /// Files, line counts and the patch between two trees or commits.
  [[nodiscard]] Result<Diff> diff(const std::string& from, const std::string& to,
                                  std::size_t max_patch_bytes) const;
  /// Content of files of a tree or commit; what it lacks, and what is longer, is left out.
  [[nodiscard]] Result<std::map<std::string, std::string>> files_at(
      const std::string& tree, const std::vector<std::string>& paths, std::size_t max_bytes) const;
  [[nodiscard]] Result<MergedTree> merge(const std::string& ours, const std::string& theirs) const;
  /// The tree that a folder's content makes, by its stat-cached index, ignored files left out.
  [[nodiscard]] Result<std::string> write_tree(const std::string& work_tree,
                                               const std::string& index) const;
  /// The folder was just made to hold `tree`, and the index with it; `alone`: and nothing else, not
  /// even what is ignored.
  void note_written(const std::string& work_tree, const std::string& index, const std::string& tree,
                    bool alone) const;
  /// The tree that write_tree() would give, when nothing changed since the last one or since
  /// note_written(); nullopt when that is not sure.
  [[nodiscard]] Result<std::optional<std::string>> unchanged(const std::string& work_tree,
                                                             const std::string& index) const;
  /// Whether no file came, went, or was written since then; false when that is not sure.
  [[nodiscard]] bool same_files(const std::string& work_tree, const std::string& index) const;
  /// Likewise, and nothing ignored is there either.
  [[nodiscard]] bool is_clean(const std::string& work_tree, const std::string& index) const;

 private:
  Status make(const std::string& format) const;
  Status update_ref(const std::string& name, std::vector<std::string> args) const;
  /// What this process made or asked for and what cannot change: it needs no process to ask for.
  struct Known {
    struct Commit {
      std::string tree;
      std::vector<std::string> parents;
      std::string message;
    };
    /// Before so many bytes more are kept of changes and diffs. mutex is held.
    void make_room(std::size_t more);

    std::mutex mutex;
    std::map<std::string, Commit> commits;                   // guarded by mutex
    std::map<std::string, std::string> trees;                // of commits of others; likewise
    std::map<std::string, std::vector<TreeChange>> changes;  // by both ids; likewise
    std::map<std::string, Diff> diffs;                       // likewise
    std::size_t bytes = 0;                                   // of both; likewise
  };
  [[nodiscard]] std::optional<std::string> known_tree(const std::string& commit) const;
  [[nodiscard]] std::optional<Known::Commit> made(const std::string& commit) const;
  void remember(const std::string& commit, Known::Commit facts) const;
  [[nodiscard]] std::optional<std::string> base_on_line(std::string branch,
                                                        const std::string& work) const;
  struct LooseRef {
    bool sure = false;
    std::optional<std::string> commit;  ///< none: there is no such ref
  };
  [[nodiscard]] LooseRef loose_ref(const std::string& name) const;
  [[nodiscard]] std::optional<Diff> known_diff(const std::string& key,
                                               std::size_t max_patch_bytes) const;
  struct Compared {
    std::vector<TreeChange> changes;
    Diff diff;
  };
  [[nodiscard]] Result<Compared> compare(const std::string& from, const std::string& to,
                                         std::size_t max_patch_bytes) const;
  [[nodiscard]] std::string excludes_file() const { return folder_ + "/info/exclude"; }

  const Git& git_;
  std::string folder_;
  std::shared_ptr<Known> known_ = std::make_shared<Known>();
  std::shared_ptr<WrittenTrees> written_ = std::make_shared<WrittenTrees>();
};

/// Subject, body and trailers as one commit message.
std::string commit_message(const CommitInfo& info);
/// Lines of an objects/info/alternates file.
std::string alternates_lines(const std::vector<std::string>& folders);

}  // namespace muster::git
