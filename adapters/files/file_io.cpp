#include "adapters/files/file_io.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "runtime/core/sha256.hpp"

namespace muster::files {
namespace {

constexpr std::size_t chunk_bytes = 65536;

bool same_version(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
         a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return file_error(errno, "cannot write", path);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return ok_status();
}

/// The present file under this name; absent is nullopt.
Result<std::optional<struct stat>> present(const ResolvedPath& where) {
  struct stat info {};
  if (::fstatat(where.folder.get(), where.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
    return std::optional<struct stat>{info};
  if (errno == ENOENT) return std::optional<struct stat>{};
  return file_error(errno, "cannot look at the file", where.path);
}

Status check_target(const ResolvedPath& where, const std::optional<struct stat>& expected) {
  auto now = present(where);
  if (!now) return now.error();
  if (now->has_value() != expected.has_value() || (expected && !same_version(**now, *expected)))
    return Error{ErrorCode::conflict, "the file was changed at this moment; read it again",
                 where.path};
  return ok_status();
}

Status fill_temp(int fd, std::string_view content, const ResolvedPath& where,
                 const std::optional<struct stat>& expected) {
  if (auto written = write_all(fd, content, where.path); !written) return written;
  if (expected) {
    // Only root may give files away; for everybody else the owner is the same already.
    if (::fchown(fd, expected->st_uid, expected->st_gid) != 0 && errno != EPERM)
      return file_error(errno, "cannot keep the owner", where.path);
    if (::fchmod(fd, expected->st_mode & 07777U) != 0)
      return file_error(errno, "cannot keep the mode", where.path);
  }
  if (::fsync(fd) != 0) return file_error(errno, "cannot sync", where.path);
  return ok_status();
}

}  // namespace

Error file_error(int number, const std::string& what, const std::string& path) {
  ErrorCode code = ErrorCode::io_error;
  if (number == ENOENT) code = ErrorCode::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::permission_denied;
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = ErrorCode::no_space;
  if (number == ENOTDIR || number == ENAMETOOLONG || number == EISDIR)
    code = ErrorCode::invalid_argument;
  return Error{code, what + ": " + std::generic_category().message(number), path};
}

Result<OpenFile> open_file(const ResolvedPath& where) {
  OpenFile file;
  // O_NONBLOCK: opening a fifo must not wait for a writer.
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  file.fd = UniqueFd{::openat(where.folder.get(), where.name.c_str(), flags)};
  if (!file.fd && errno == ENOENT)
    return Error{ErrorCode::not_found, "there is no such file", where.path};
  if (!file.fd) return file_error(errno, "cannot open", where.path);
  if (::fstat(file.fd.get(), &file.info) != 0) return file_error(errno, "cannot stat", where.path);
  if (S_ISDIR(file.info.st_mode))
    return Error{ErrorCode::invalid_argument, "it is a folder; use list", where.path};
  if (!S_ISREG(file.info.st_mode))
    return Error{ErrorCode::invalid_argument, "it is not a regular file", where.path};
  return file;
}

Status read_chunks(const OpenFile& file, const std::string& path,
                   const std::function<bool(std::string_view)>& chunk) {
  std::array<char, chunk_bytes> buffer{};
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(file.fd.get(), buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(errno, "cannot read", path);
    if (got == 0) return ok_status();
    at += got;
    if (!chunk({buffer.data(), static_cast<std::size_t>(got)})) return ok_status();
  }
}

Result<std::string> read_whole(const OpenFile& file, const std::string& path,
                               std::size_t max_bytes) {
  std::string content;
  const auto take = [&](std::string_view piece) {
    content += piece;
    return content.size() <= max_bytes;
  };
  if (auto read = read_chunks(file, path, take); !read) return read.error();
  if (content.size() > max_bytes)
    return Error{ErrorCode::limit_reached,
                 "the file is larger than " + std::to_string(max_bytes) + " bytes", path};
  return content;
}

Result<std::string> digest_of(const OpenFile& file, const std::string& path) {
  Sha256 digest;
  const auto take = [&](std::string_view piece) {
    digest.update(piece);
    return true;
  };
  if (auto read = read_chunks(file, path, take); !read) return read.error();
  return digest.hex();
}

Status replace_file(const ResolvedPath& where, std::string_view content,
                    const std::optional<struct stat>& expected) {
  static std::atomic<unsigned> counter{0};
  const std::string temp =
      ".muster-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
  const int folder = where.folder.get();
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd{::openat(folder, temp.c_str(), flags, 0666)};
  if (!fd) return file_error(errno, "cannot create a file beside it", where.path);
  Status done = fill_temp(fd.get(), content, where, expected);
  if (done) done = check_target(where, expected);
  if (done && ::renameat(folder, temp.c_str(), folder, where.name.c_str()) != 0)
    done = file_error(errno, "cannot put the file in place", where.path);
  if (!done) {
    ::unlinkat(folder, temp.c_str(), 0);
    return done;
  }
  const UniqueFd parent{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (parent) ::fsync(parent.get());
  return ok_status();
}

}  // namespace muster::files
