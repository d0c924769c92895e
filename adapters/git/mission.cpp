#include "adapters/git/mission.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "adapters/git/user_index.hpp"

namespace muster::git {
namespace fs = std::filesystem;
namespace {

constexpr const char* archive_prefix = "refs/muster/archive/";
constexpr const char* archived_tasks_prefix = "refs/muster/archive-tasks/";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_mission_name(const std::string& name) {
  if (name.empty() || name.size() > 100 || !is_word(name.front()) || !is_word(name.back()))
    return false;
  const bool allowed = std::all_of(name.begin(), name.end(), [](char c) {
    return is_word(c) || c == '.' || c == '_' || c == '-';
  });
  return allowed && name.find("..") == std::string::npos && !name.ends_with(".lock");
}

std::string top_folder(const std::string& path) { return path.substr(0, path.find('/')); }

bool is_inside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

GitOptions with_real_paths(GitOptions options) {
  for (std::string* path : {&options.workspace, &options.state_folder}) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(*path, error);
    if (error || !fs::path{*path}.is_absolute()) continue;
    *path = (real.has_filename() ? real : real.parent_path()).string();
  }
  return options;
}

}  // namespace

Result<std::string> ref_part(const std::string& key) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  if (key.empty() || key.size() > 200)
    return Error{ErrorCode::invalid_argument, "a task id has 1 to 200 bytes"};
  std::string part;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f)
      return Error{ErrorCode::invalid_argument, "a task id is printable ASCII"};
    const bool inner_dot = c == '.' && i > 0 && i + 1 < key.size() && is_word(key[i - 1]) &&
                           is_word(key[i + 1]) && key.compare(i, std::string::npos, ".lock") != 0;
    if (is_word(c) || c == '_' || c == '-' || inner_dot) {
      part += c;
      continue;
    }
    part += '%';
    part += digits[byte >> 4U];
    part += digits[byte & 15U];
  }
  return part;
}

Mission::Mission(GitOptions options)
    : options_(with_real_paths(std::move(options))),
      git_(options_.git_binary),
      repository_(git_, options_.state_folder + "/repository.git"),
      pool_(git_, repository_,
            TreePool::Options{options_.state_folder, options_.workspace, options_.max_trees,
                              options_.linked_folders}) {}

std::string Mission::folder() const {
  return options_.state_folder + "/missions/" + options_.mission;
}

std::string Mission::task_ref(const std::string& key) const {
  return "refs/muster/tasks/" + options_.mission + "/" + *ref_part(key);
}

Result<FileLock> Mission::lock() const {
  return FileLock::acquire(options_.state_folder + "/repository.lock");
}

Status Mission::check_options() const {
  if (!is_mission_name(options_.mission))
    return Error{ErrorCode::invalid_argument,
                 "not usable as the name of a mission: '" + options_.mission + "'"};
  const fs::path workspace{options_.workspace};
  const fs::path state{options_.state_folder};
  if (!workspace.is_absolute() || !state.is_absolute())
    return Error{ErrorCode::invalid_argument, "workspace and state folder must be absolute"};
  std::error_code error;
  if (!fs::is_directory(workspace, error))
    return Error{ErrorCode::not_found, "the workspace is not a folder", options_.workspace};
  const fs::path real = fs::weakly_canonical(state, error);
  const fs::path root = fs::canonical(workspace, error);
  if (real == root || is_inside(real, root))
    return Error{ErrorCode::invalid_argument, "the state folder must be outside of the workspace",
                 options_.state_folder};
  for (const std::string& name : options_.linked_folders) {
    const fs::path path{name};
    const bool up = std::find(path.begin(), path.end(), "..") != path.end();
    if (name.empty() || path.is_absolute() || up || name.back() == '/' ||
        name.find('\n') != std::string::npos)
      return Error{ErrorCode::invalid_argument, "not usable as a linked folder: '" + name + "'"};
  }
  return ok_status();
}

Status Mission::connect() {
  if (auto fit = git_.check_version(); !fit) return fit;
  auto kind = classify_workspace(git_, options_.workspace);
  if (!kind) return kind.error();
  if (kind->kind == WorkspaceKind::Kind::repository && !user_)
    user_.emplace(git_, std::move(*kind));
  return repository_.prepare(user(), options_.linked_folders);
}

Status Mission::check_size(const std::vector<std::string>& paths) const {
  std::uint64_t bytes = 0;
  std::map<std::string, std::uint64_t> by_folder;
  for (const std::string& path : paths) {
    struct stat info {};
    if (::lstat((options_.workspace + "/" + path).c_str(), &info) != 0) continue;
    bytes += static_cast<std::uint64_t>(info.st_size);
    by_folder[top_folder(path)] += static_cast<std::uint64_t>(info.st_size);
  }
  if (paths.size() <= options_.max_plain_files && bytes <= options_.max_plain_bytes)
    return ok_status();
  const auto largest = std::max_element(by_folder.begin(), by_folder.end(),
                                        [](auto& a, auto& b) { return a.second < b.second; });
  return Error{ErrorCode::limit_reached,
               "the folder is no git repository and too large to copy: " +
                   std::to_string(paths.size()) + " files, " + std::to_string(bytes >> 20U) +
                   " MiB (most in '" + (largest == by_folder.end() ? "" : largest->first) +
                   "'); name what is not content in a .gitignore, or make it a repository",
               options_.workspace};
}

Result<std::string> Mission::base_from_files() {
  const std::string index = folder() + "/base.index";
  for (const std::string& old : {index, index + ".lock"})
    if (auto gone = remove_tree(old); !gone) return gone.error();
  const GitContext context = repository_.context(options_.workspace, index);
  auto listed = git_.out(context, {"ls-files", "-o", "-z", "--exclude-standard"});
  if (!listed) return listed.error();
  if (auto fits = check_size(split_nul(*listed)); !fits) return fits.error();
  auto tree = repository_.write_tree(options_.workspace, index);
  if (!tree) return tree;
  return repository_.make_commit(*tree, {}, CommitInfo{"State before mission " + options_.mission});
}

Status Mission::pin_base(const std::string& base) const {
  auto now = user_->ref(base_ref());
  if (!now) return now.error();
  if (*now == base) return ok_status();
  return user_->set_ref(base_ref(), base, now->value_or(""), "muster: base of the mission");
}

Result<MissionRecord> Mission::begin() {
  MissionRecord record;
  record.shared = options_.shared_tree;
  HeadState head;
  if (user_) {
    auto found = user_->head();
    if (!found) return found.error();
    head = std::move(*found);
  }
  if (!head.commit.empty()) {
    record.mode = MissionRecord::Mode::repository;
    auto commit = repository_.resolve_commit(head.commit);
    if (!commit) return commit.error();
    auto whole = git_.run(repository_.context(), {"ls-tree", "-r", "-d", "-z", *commit});
    if (!whole) return whole.error();
    if (whole->exit_code != 0)
      return Error{ErrorCode::corrupt,
                   "objects of HEAD are missing (a partial clone?): fetch them first",
                   options_.workspace};
    record.base = *commit;
    if (auto pinned = pin_base(record.base); !pinned) return pinned.error();
  } else {
    record.mode = user_ ? MissionRecord::Mode::unborn : MissionRecord::Mode::plain;
    auto base = base_from_files();
    if (!base) return base.error();
    record.base = *base;
  }
  if (auto set = repository_.set_ref(branch(), record.base); !set) return set.error();
  if (auto saved = save_mission(folder(), record); !saved) return saved.error();
  return record;
}

Result<std::string> Mission::open() {
  if (auto fit = check_options(); !fit) return fit.error();
  if (auto made = make_folders(folder()); !made) return made.error();
  if (auto made = make_folders(options_.state_folder + "/slots"); !made) return made.error();
  auto held = lock();
  if (!held) return held.error();
  const std::lock_guard guard{mutex_};
  if (auto connected = connect(); !connected) return connected.error();
  auto saved = load_mission(folder());
  if (!saved) return saved.error();
  std::optional<MissionRecord> record = std::move(*saved);
  if (!record) {
    auto begun = begin();
    if (!begun) return begun.error();
    record = std::move(*begun);
  }
  if (auto there = repository_.resolve_commit(record->base); !there)
    return Error{ErrorCode::corrupt, "the mission's base commit is gone: " + record->base,
                 options_.mission};
  record_ = std::move(record);
  return record_->base;
}

Result<MissionRecord> Mission::record_even_discarded() {
  {
    const std::lock_guard guard{mutex_};
    if (record_) return *record_;
  }
  if (auto fit = check_options(); !fit) return fit.error();
  auto saved = load_mission(folder());
  if (!saved) return saved.error();
  if (!*saved) return Error{ErrorCode::not_found, "there is no such mission", options_.mission};
  if (auto opened = open(); !opened) return opened.error();
  const std::lock_guard guard{mutex_};
  return *record_;
}

Result<MissionRecord> Mission::record() {
  auto record = record_even_discarded();
  if (record && record->discarded)
    return Error{ErrorCode::conflict, "the mission was discarded", options_.mission};
  return record;
}

Result<std::string> Mission::tip() {
  if (auto open = record(); !open) return open.error();
  auto commit = repository_.ref(branch());
  if (!commit) return commit.error();
  if (!*commit) return Error{ErrorCode::corrupt, "the mission's branch is gone", branch()};
  return **commit;
}

Result<std::vector<std::string>> Mission::dirty_files() {
  auto record = this->record();
  if (!record) return record.error();
  const bool head = record->mode == MissionRecord::Mode::repository;
  // A copy of its own for every call: several threads may ask.
  static std::atomic<unsigned> counter{0};
  const std::string index = folder() + "/dirty." + std::to_string(counter++) + ".index";
  auto copied = head ? copy_user_index(*user_, repository_, index)
                     : copy_index(folder() + "/base.index", index);
  if (!copied) return copied.error();
  const GitContext context = repository_.context(options_.workspace, index);
  std::string against = record->base;
  if (head) {
    auto now = user_->head();
    if (!now) return now.error();
    if (!now->commit.empty()) against = now->commit;
  }
  std::set<std::string> paths;
  const std::vector<std::vector<std::string>> questions{
      {"update-index", "-q", "--refresh"},
      {"diff-index", "--cached", "--name-only", "-z", "--no-renames", against},
      {"diff-files", "--name-only", "-z", "--no-renames", "--ignore-submodules=all"},
      {"ls-files", "-o", "-z", "--exclude-standard"}};
  for (const auto& question : questions) {
    auto answer = git_.run(context, question);
    if (!answer) return answer.error();
    if (question.front() == "update-index") continue;  // its exit code says that something differs
    if (answer->exit_code != 0) return git_error(question.front(), *answer);
    for (std::string& path : split_nul(answer->out)) paths.insert(std::move(path));
  }
  if (auto gone = remove_tree(index); !gone) return gone.error();
  return std::vector<std::string>{paths.begin(), paths.end()};
}

Status Mission::archive(const std::string& tip) const {
  if (auto set = repository_.set_ref(archive_prefix + options_.mission, tip); !set) return set;
  const std::string prefix = "refs/muster/tasks/" + options_.mission + "/";
  auto tasks = repository_.refs_below(prefix);
  if (!tasks) return tasks.error();
  for (const auto& [name, commit] : *tasks) {
    const std::string kept =
        archived_tasks_prefix + options_.mission + "/" + name.substr(prefix.size());
    if (auto set = repository_.set_ref(kept, commit); !set) return set;
    if (auto gone = repository_.delete_ref(name); !gone) return gone;
  }
  return repository_.delete_ref(branch());
}

Status Mission::drop_published_branch(const std::string& tip) const {
  auto published = user_->ref(branch());
  if (!published) return published.error();
  if (!*published || user_->checked_out_somewhere(branch())) return ok_status();
  auto ours = repository_.is_ancestor(**published, tip);
  // With commits that the archive does not hold, the branch is the user's now.
  if (!ours || !*ours) return ok_status();
  return user_->delete_ref(branch(), **published);
}

Status Mission::unpin_base(const std::string& base) const {
  auto refs = user_->refs();
  if (!refs) return refs.error();
  GitContext context = repository_.context();
  for (const auto& [name, commit] : *refs)
    if (!name.starts_with("refs/muster/")) context.stdin_text += "^" + commit + "\n";
  auto left = git_.run(context, {"rev-list", "-1", "--ignore-missing", "--stdin", base});
  if (!left) return left.error();
  // Reachable from nothing of the user's: this ref is all that keeps the archive whole.
  if (left->exit_code != 0 || !left->out.empty()) return ok_status();
  return user_->delete_ref(base_ref(), base);
}

Status Mission::discard() {
  auto record = record_even_discarded();
  if (!record) return record.error();
  auto held = lock();
  if (!held) return held.error();
  auto tip = repository_.ref(branch());
  if (!tip) return tip.error();
  if (!*tip) {
    tip = repository_.ref(archive_prefix + options_.mission);
    if (!tip) return tip.error();
  }
  const std::string last = tip->value_or(record->base);
  record->discarded = true;
  if (auto saved = save_mission(folder(), *record); !saved) return saved;
  {
    const std::lock_guard guard{mutex_};
    record_ = *record;
  }
  if (auto removed = pool_.remove_mission(options_.mission); !removed) return removed;
  if (auto kept = archive(last); !kept) return kept;
  if (!user_) return ok_status();
  if (auto dropped = drop_published_branch(last); !dropped) return dropped;
  if (record->mode != MissionRecord::Mode::repository) return ok_status();
  return unpin_base(record->base);
}

}  // namespace muster::git
