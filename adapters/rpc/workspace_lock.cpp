#include "adapters/rpc/workspace_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace muster::rpc {
namespace {

Error system_error(const std::string& what, const std::string& path) {
  const ErrorCode code = errno == EACCES || errno == EPERM    ? ErrorCode::permission_denied
                         : errno == ENOSPC || errno == EDQUOT ? ErrorCode::no_space
                                                              : ErrorCode::io_error;
  return {code, what + ": " + std::strerror(errno), path};
}

std::string boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

/// "pid boot_id\n". Too short or foreign text is nobody.
LockHolder parse_holder(const std::string& text) {
  LockHolder out;
  const auto space = text.find(' ');
  if (space == std::string::npos || space > 10) return out;
  for (const char c : text.substr(0, space)) {
    if (c < '0' || c > '9') return {};
    out.pid = out.pid * 10 + (c - '0');
  }
  out.boot_id = text.substr(space + 1, text.find('\n') - space - 1);
  const bool gone = out.pid <= 0 || (::kill(out.pid, 0) != 0 && errno == ESRCH);
  out.stale = gone || out.boot_id != boot_id();
  return out;
}

LockHolder read_fd(int fd) {
  char buffer[128];
  const ssize_t size = ::pread(fd, buffer, sizeof buffer, 0);
  return size > 0 ? parse_holder(std::string(buffer, static_cast<std::size_t>(size)))
                  : LockHolder{};
}

}  // namespace

Status make_private_folder(const std::string& path) {
  std::error_code failure;
  const std::filesystem::path folder(path);
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), failure);
  if (failure) return Error{ErrorCode::io_error, "cannot be made: " + failure.message(), path};
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error("the folder cannot be made", path);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return system_error("the folder cannot be read", path);
  if (!S_ISDIR(info.st_mode))
    return Error{ErrorCode::permission_denied, "is not a folder (or a link to one)", path};
  if (info.st_uid != ::getuid())
    return Error{ErrorCode::permission_denied, "belongs to another user", path};
  if ((info.st_mode & 0077U) != 0 && ::chmod(path.c_str(), 0700) != 0)
    return system_error("the folder cannot be made private", path);
  return ok_status();
}

Result<WorkspaceLock> WorkspaceLock::acquire(const std::string& path) {
  if (auto made = make_private_folder(std::filesystem::path(path).parent_path().string());
      !made.ok())
    return made.error();
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error("the lock cannot be opened", path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    Error failure = system_error("the lock cannot be taken", path);
    const LockHolder holder = read_fd(fd);
    ::close(fd);
    if (!held) return failure;
    const std::string who = holder.pid > 0 ? " (pid " + std::to_string(holder.pid) + ")" : "";
    return Error{ErrorCode::conflict, "another muster engine" + who + " works on this workspace",
                 path};
  }
  const bool took_over = read_fd(fd).pid > 0;
  const std::string text = std::to_string(::getpid()) + " " + boot_id() + "\n";
  const bool written = ::ftruncate(fd, 0) == 0 && ::pwrite(fd, text.data(), text.size(), 0) ==
                                                      static_cast<ssize_t>(text.size());
  WorkspaceLock lock(fd, took_over);
  if (!written) return system_error("the lock cannot be written", path);
  return lock;
}

Result<LockHolder> WorkspaceLock::read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return errno == ENOENT ? Error{ErrorCode::not_found, "there is no lock", path}
                           : system_error("the lock cannot be opened", path);
  const LockHolder holder = read_fd(fd);
  ::close(fd);
  if (holder.pid == 0) return Error{ErrorCode::not_found, "nobody holds the lock", path};
  return holder;
}

WorkspaceLock::WorkspaceLock(WorkspaceLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), took_over_(other.took_over_) {}

WorkspaceLock& WorkspaceLock::operator=(WorkspaceLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::exchange(other.fd_, -1);
    took_over_ = other.took_over_;
  }
  return *this;
}

WorkspaceLock::~WorkspaceLock() { release(); }

void WorkspaceLock::release() noexcept {
  if (fd_ < 0) return;
  // An empty file says that the holder ended properly.
  [[maybe_unused]] const int emptied = ::ftruncate(fd_, 0);
  ::close(std::exchange(fd_, -1));
}

}  // namespace muster::rpc
