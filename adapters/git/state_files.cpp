#include "adapters/git/state_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace muster::git {
namespace fs = std::filesystem;

Error errno_error(int number, const std::string& what, const std::string& path) {
  ErrorCode code = ErrorCode::io_error;
  if (number == ENOENT) code = ErrorCode::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::permission_denied;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::no_space;
  return Error{code, what + ": " + std::generic_category().message(number), path};
}

namespace {

std::vector<int>& locks_here() {
  thread_local std::vector<int> held;
  return held;
}

}  // namespace

const std::vector<int>& FileLock::held_here() { return locks_here(); }

FileLock::FileLock(Descriptor fd) : fd_(std::move(fd)) { locks_here().push_back(fd_.get()); }

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this == &other) return *this;
  forget();
  fd_ = std::move(other.fd_);
  return *this;
}

FileLock::~FileLock() { forget(); }

void FileLock::forget() const noexcept {
  if (fd_) std::erase(locks_here(), fd_.get());
}

Result<FileLock> FileLock::acquire(const std::string& path) {
  Descriptor fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd) return errno_error(errno, "cannot open the lock", path);
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return errno_error(errno, "cannot lock", path);
  return FileLock{std::move(fd)};
}

Result<std::optional<std::string>> read_small_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>{};
    return errno_error(errno, "cannot open", path);
  }
  std::string content;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "cannot read", path);
    if (got == 0) return std::optional<std::string>{std::move(content)};
    content.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.size() > max_bytes)
      return Error{ErrorCode::limit_reached, "larger than " + std::to_string(max_bytes), path};
  }
}

namespace {

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error(errno, "cannot write", path);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return ok_status();
}

void sync_folder_of(const std::string& path) {
  const std::string folder = fs::path{path}.parent_path().string();
  const Descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (fd) ::fsync(fd.get());
}

}  // namespace

Status write_file(const std::string& path, std::string_view content) {
  const Descriptor fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!fd) return errno_error(errno, "cannot create", path);
  return write_all(fd.get(), content, path);
}

Status write_file_atomically(const std::string& path, std::string_view content) {
  const std::string temp = path + ".new";
  Descriptor fd{::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!fd) return errno_error(errno, "cannot create", temp);
  if (auto written = write_all(fd.get(), content, temp); !written) return written;
  if (::fsync(fd.get()) != 0) return errno_error(errno, "cannot sync", temp);
  fd.reset();
  if (::rename(temp.c_str(), path.c_str()) != 0) return errno_error(errno, "cannot rename", path);
  sync_folder_of(path);
  return ok_status();
}

Status make_folders(const std::string& path) {
  std::error_code error;
  const fs::path parent = fs::path{path}.parent_path();
  if (!parent.empty() && !fs::exists(parent, error))
    if (auto made = make_folders(parent.string()); !made) return made;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error(errno, "cannot make the folder", path);
  return ok_status();
}

Status remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return ok_status();
  // An agent may have left folders without write permission; root does not get here.
  std::error_code ignored;
  ::chmod(path.c_str(), 0700);
  for (auto it = fs::recursive_directory_iterator{path, ignored}; it != fs::end(it);
       it.increment(ignored)) {
    if (it->is_symlink(ignored) || !it->is_directory(ignored)) continue;
    fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  }
  fs::remove_all(path, error);
  if (error) return errno_error(error.value(), "cannot remove", path);
  return ok_status();
}

Status copy_index(const std::string& from, const std::string& to) {
  struct stat before {};
  const Descriptor source{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!source) {
    if (errno != ENOENT) return errno_error(errno, "cannot open the index", from);
    if (::unlink(to.c_str()) != 0 && errno != ENOENT)
      return errno_error(errno, "cannot remove", to);
    return ok_status();
  }
  if (::fstat(source.get(), &before) != 0) return errno_error(errno, "cannot stat", from);
  const std::string part = to + ".part";
  const Descriptor target{::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!target) return errno_error(errno, "cannot create", part);
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(source.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "cannot read", from);
    if (got == 0) break;
    const std::string_view bytes{buffer.data(), static_cast<std::size_t>(got)};
    if (auto written = write_all(target.get(), bytes, part); !written) return written;
  }
  // git trusts an entry's stat data only when the index is younger than the file: a younger copy
  // would hide changes made in the same clock tick.
  const std::array<timespec, 2> times{before.st_atim, before.st_mtim};
  if (::futimens(target.get(), times.data()) != 0) return errno_error(errno, "cannot date", part);
  if (::rename(part.c_str(), to.c_str()) != 0) return errno_error(errno, "cannot rename", to);
  return ok_status();
}

}  // namespace muster::git
