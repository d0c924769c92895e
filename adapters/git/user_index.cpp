#include "adapters/git/user_index.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>
#include <thread>
#include <utility>

#include "adapters/git/state_files.hpp"

namespace muster::git {
namespace fs = std::filesystem;
namespace {

/// Removes what a killed run of ours left: `own`, and the lock when it is the same file.
void clear_stale(const std::string& own, const std::string& lock) {
  struct stat a {};
  struct stat b {};
  if (::lstat(own.c_str(), &a) != 0) return;
  const bool ours = ::lstat(lock.c_str(), &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
  if (ours) ::unlink(lock.c_str());
  ::unlink(own.c_str());
}

TreeChange::Entry entry_from(std::string_view line) {
  TreeChange::Entry entry;
  const std::size_t space = line.find(' ');
  entry.mode = line.substr(0, space);
  entry.object = line.substr(space + 1, line.find(' ', space + 1) - space - 1);
  return entry;
}

}  // namespace

Status copy_user_index(const UserRepository& user, const PrivateRepository& repository,
                       const std::string& target) {
  if (auto gone = remove_tree(target + ".lock"); !gone) return gone;
  std::error_code error;
  // A split index names its other half by digest; git looks for it in the git directory it works
  // in.
  for (const auto& entry : fs::directory_iterator{user.git_dir(), error}) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("sharedindex.")) continue;
    if (auto copied = copy_index(entry.path().string(), repository.folder() + "/" + name); !copied)
      return copied;
  }
  return copy_index(user.index(), target);
}

Result<UserIndexLock> UserIndexLock::acquire(const UserRepository& user,
                                             const std::string& mission) {
  const std::string own = user.git_dir() + "/muster-" + mission + ".index";
  const std::string lock = user.index() + ".lock";
  clear_stale(own, lock);
  const Descriptor fd{::open(own.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (!fd) return errno_error(errno, "cannot create", own);
  for (int attempt = 0; attempt < 40; ++attempt) {
    if (::link(own.c_str(), lock.c_str()) == 0) return UserIndexLock{own, lock, user.index()};
    if (errno != EEXIST) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  const int number = errno;
  ::unlink(own.c_str());
  if (number != EEXIST) return errno_error(number, "cannot lock the index", lock);
  return Error{ErrorCode::unavailable,
               "another git command holds the index; remove the file if it is stale", lock};
}

UserIndexLock::UserIndexLock(UserIndexLock&& other) noexcept
    : own_(std::move(other.own_)),
      lock_(std::move(other.lock_)),
      index_(std::move(other.index_)),
      held_(std::exchange(other.held_, false)) {}

UserIndexLock::~UserIndexLock() {
  if (held_) clear_stale(own_, lock_);
}

Status UserIndexLock::install(const std::string& file) {
  auto content = read_small_file(file, 1U << 30U);
  if (!content) return content.error();
  if (!*content) return Error{ErrorCode::internal, "there is no new index", file};
  if (auto put = write_file(lock_, **content); !put) return put;
  const Descriptor fd{::open(lock_.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(errno, "cannot sync", lock_);
  if (::rename(lock_.c_str(), index_.c_str()) != 0)
    return errno_error(errno, "cannot replace", index_);
  held_ = false;
  ::unlink(own_.c_str());
  return ok_status();
}

Result<IndexObstacles> index_obstacles(const Git& git, const PrivateRepository& repository,
                                       const std::string& index,
                                       const std::vector<TreeChange>& changes) {
  GitContext context = repository.context();
  context.index = index;
  auto listed = git.out(context, {"ls-files", "-s", "-v", "-z"});
  if (!listed) return listed.error();
  std::map<std::string, const TreeChange*> touched;
  for (const TreeChange& change : changes) touched[change.path] = &change;
  std::map<std::string, TreeChange::Entry> present;
  IndexObstacles found;
  // Each record: "<tag> <mode> <object> <stage>\t<path>".
  for (const std::string& record : split_nul(*listed)) {
    const std::size_t tab = record.find('\t');
    if (tab == std::string::npos || tab < 4) continue;
    if (record[tab - 1] != '0') found.unmerged = true;
    const std::string path = record.substr(tab + 1);
    if (!touched.contains(path)) continue;
    present[path] = entry_from(std::string_view{record}.substr(2, tab - 2));
    if (record.front() == 'S' || (record.front() >= 'a' && record.front() <= 'z'))
      found.hidden.push_back(path);
  }
  for (const auto& [path, change] : touched) {
    const TreeChange::Entry entry = present[path];
    if (!(entry == change->from) && !(entry == change->to)) found.staged.push_back(path);
  }
  return found;
}

}  // namespace muster::git
