#include "adapters/git/user_repository.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "adapters/git/state_files.hpp"

namespace muster::git {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view gitdir_prefix = "gitdir: ";

/// Git holds the lock of a ref for milliseconds.
constexpr std::chrono::seconds dead_lock_age{5};
constexpr std::chrono::milliseconds lock_poll{100};

void remove_dead_lock(const std::string& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (!error && fs::file_time_type::clock::now() - written > dead_lock_age) fs::remove(path, error);
}

std::string first_line(std::string_view text) {
  return std::string{text.substr(0, text.find_first_of("\r\n"))};
}

/// The git directory that `.git` stands for: itself, or what the file says (linked worktree,
/// submodule).
std::optional<std::string> git_dir_of(const std::string& folder) {
  std::error_code error;
  const fs::path dot_git = fs::path{folder} / ".git";
  if (fs::is_directory(dot_git, error)) return fs::canonical(dot_git, error).string();
  if (!fs::is_regular_file(dot_git, error)) return std::nullopt;
  const auto content = read_small_file(dot_git.string(), 65536);
  if (!content || !*content || !(*content)->starts_with(gitdir_prefix)) return std::nullopt;
  const fs::path named = first_line(std::string_view{**content}.substr(gitdir_prefix.size()));
  const fs::path full =
      fs::canonical(named.is_absolute() ? named : fs::path{folder} / named, error);
  if (error) return std::nullopt;
  return full.string();
}

std::string common_dir_of(const std::string& git_dir) {
  const auto content = read_small_file(git_dir + "/commondir", 65536);
  if (!content || !*content) return git_dir;
  std::error_code error;
  const fs::path named = first_line(**content);
  const fs::path full =
      fs::canonical(named.is_absolute() ? named : fs::path{git_dir} / named, error);
  return error ? git_dir : full.string();
}

bool looks_like_git_dir(const fs::path& folder) {
  std::error_code error;
  const fs::path common = common_dir_of(folder.string());
  return fs::exists(fs::symlink_status(folder / "HEAD", error)) &&
         fs::is_directory(common / "objects", error) && fs::is_directory(common / "refs", error);
}

/// True when the repository at `root` tracks something under `folder`.
Result<bool> tracks(const Git& git, const std::string& root, const std::string& folder) {
  const auto git_dir = git_dir_of(root);
  if (!git_dir) return false;
  GitContext context;
  context.git_dir = *git_dir;
  const std::string prefix = fs::path{folder}.lexically_relative(root).generic_string();
  auto listed = git.run(context, {"ls-tree", "-z", "--name-only", "HEAD", "--", prefix});
  if (!listed) return listed.error();
  return listed->exit_code == 0 && !listed->out.empty();
}

}  // namespace

std::optional<std::string> repository_root(const std::string& folder) {
  for (fs::path at = fs::path{folder}.lexically_normal();; at = at.parent_path()) {
    const auto git_dir = git_dir_of(at.string());
    if (git_dir && looks_like_git_dir(*git_dir)) return at.string();
    if (at == at.parent_path()) return std::nullopt;
  }
}

Result<WorkspaceKind> classify_workspace(const Git& git, const std::string& workspace) {
  using Kind = WorkspaceKind::Kind;
  if (const auto git_dir = git_dir_of(workspace); git_dir && looks_like_git_dir(*git_dir))
    return WorkspaceKind{Kind::repository, *git_dir, common_dir_of(*git_dir)};
  if (looks_like_git_dir(workspace))
    return Error{ErrorCode::invalid_argument,
                 "this is a bare git repository: it has no files to work on", workspace};
  const auto root = repository_root(fs::path{workspace}.parent_path().string());
  if (root) {
    auto tracked = tracks(git, *root, workspace);
    if (!tracked) return tracked.error();
    if (*tracked)
      return Error{ErrorCode::invalid_argument,
                   "this folder belongs to the git repository " + *root + ": use that as workspace",
                   workspace};
  }
  return WorkspaceKind{Kind::plain, "", ""};
}

GitContext UserRepository::context() const {
  GitContext context;
  context.git_dir = where_.git_dir;
  return context;
}

/// HEAD on a branch whose ref is a file of its own: the usual case, and two processes less. Any
/// other is git's to say.
std::optional<HeadState> UserRepository::loose_head() const {
  constexpr std::string_view prefix = "ref: ";
  const auto head = read_small_file(where_.git_dir + "/HEAD", 4096);
  if (!head || !*head || !(*head)->starts_with("ref: refs/heads/")) return std::nullopt;
  HeadState found;
  found.ref = first_line(std::string_view(**head).substr(prefix.size()));
  if (found.ref.find("..") != std::string::npos) return std::nullopt;
  const auto commit = read_small_file(where_.common_dir + "/" + found.ref, 200);
  if (!commit || !*commit || !(*commit)->ends_with('\n')) return std::nullopt;
  found.commit = first_line(**commit);
  return is_object_id(found.commit) ? std::optional(std::move(found)) : std::nullopt;
}

Result<HeadState> UserRepository::head() const {
  if (auto loose = loose_head()) return std::move(*loose);
  HeadState head;
  auto name = git_.run(context(), {"symbolic-ref", "-q", "HEAD"});
  if (!name) return name.error();
  if (name->exit_code > 1) return git_error("symbolic-ref", *name);
  if (name->exit_code == 0) head.ref = first_line(name->out);
  auto commit = git_.run(context(), {"rev-parse", "-q", "--verify", "HEAD"});
  if (!commit) return commit.error();
  if (commit->exit_code > 1) return git_error("rev-parse HEAD", *commit);
  if (commit->exit_code == 0) head.commit = first_line(commit->out);
  return head;
}

Result<std::string> UserRepository::object_format() const {
  return git_.line(context(), {"rev-parse", "--show-object-format"});
}

Result<std::optional<std::string>> UserRepository::ref(const std::string& name) const {
  auto found = git_.run(context(), {"rev-parse", "-q", "--verify", name});
  if (!found) return found.error();
  if (found->exit_code != 0) return std::optional<std::string>{};
  return std::optional<std::string>{first_line(found->out)};
}

Result<std::map<std::string, std::string>> UserRepository::refs() const {
  auto text = git_.out(context(), {"for-each-ref", "--format=%(objectname) %(refname)"});
  if (!text) return text.error();
  std::map<std::string, std::string> refs;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    refs.emplace(line.substr(space + 1), line.substr(0, space));
  }
  return refs;
}

/// A lock that a killed git left behind is removed once it is too old to belong to a living one.
Result<GitOutput> UserRepository::update_ref(const std::string& name,
                                             const std::vector<std::string>& args) const {
  const auto give_up = std::chrono::steady_clock::now() + dead_lock_age + dead_lock_age;
  while (true) {
    auto done = git_.run(context(), args);
    const bool locked = done && done->exit_code != 0 &&
                        done->err.find("File exists") != std::string::npos &&
                        done->err.find(".lock") != std::string::npos;
    if (!locked || std::chrono::steady_clock::now() > give_up) return done;
    for (const std::string& lock : {where_.common_dir + "/" + name, where_.git_dir + "/HEAD",
                                    where_.common_dir + "/packed-refs"})
      remove_dead_lock(lock + ".lock");
    std::this_thread::sleep_for(lock_poll);
  }
}

Status UserRepository::set_ref(const std::string& name, const std::string& commit,
                               const std::string& expected, const std::string& reason) const {
  const std::string before = expected.empty() ? std::string(commit.size(), '0') : expected;
  auto set = update_ref(name, {"update-ref", "-m", reason, name, commit, before});
  if (!set) return set.error();
  if (set->exit_code == 0) return ok_status();
  auto now = ref(name);
  if (now && now->value_or("") != expected)
    return Error{ErrorCode::conflict, "it moved in the meantime", name};
  return git_error("update-ref " + name, *set);
}

Status UserRepository::delete_ref(const std::string& name, const std::string& expected) const {
  auto now = ref(name);
  if (!now) return now.error();
  if (!*now) return ok_status();
  auto deleted = update_ref(name, {"update-ref", "-d", name, expected});
  if (!deleted) return deleted.error();
  return deleted->exit_code == 0 ? ok_status()
                                 : Status{git_error("update-ref -d " + name, *deleted)};
}

Status UserRepository::move_head(const HeadState& from, const std::string& commit,
                                 const std::string& reason) const {
  const std::string target = from.ref.empty() ? "HEAD" : from.ref;
  auto moved =
      update_ref(target, {"update-ref", "--no-deref", "-m", reason, target, commit, from.commit});
  if (!moved) return moved.error();
  return moved->exit_code == 0 ? ok_status() : Status{git_error("update-ref " + target, *moved)};
}

std::optional<std::string> UserRepository::operation_in_progress() const {
  using Mark = std::pair<const char*, const char*>;
  constexpr std::array<Mark, 7> marks{{{"MERGE_HEAD", "a merge"},
                                       {"rebase-merge", "a rebase"},
                                       {"rebase-apply", "a rebase"},
                                       {"CHERRY_PICK_HEAD", "a cherry-pick"},
                                       {"REVERT_HEAD", "a revert"},
                                       {"sequencer", "a sequence of picks"},
                                       {"BISECT_LOG", "a bisect"}}};
  std::error_code error;
  for (const auto& [file, name] : marks)
    if (fs::exists(fs::path{where_.git_dir} / file, error)) return name;
  return std::nullopt;
}

bool UserRepository::checked_out_somewhere(const std::string& ref) const {
  const auto names = [&](const fs::path& head) {
    const auto content = read_small_file(head.string(), 65536);
    return content && *content && first_line(**content) == "ref: " + ref;
  };
  const fs::path common{where_.common_dir};
  if (names(common / "HEAD") || names(fs::path{where_.git_dir} / "HEAD")) return true;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{common / "worktrees", error})
    if (names(entry.path() / "HEAD")) return true;
  return false;
}

}  // namespace muster::git
