#include "adapters/git/beneath.hpp"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace muster::git {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool is_safe(const std::string& part) {
  return !part.empty() && part != "." && part != ".." && ::strcasecmp(part.c_str(), ".git") != 0;
}

Result<Descriptor> step(int folder, const std::string& part, bool create) {
  if (create && ::mkdirat(folder, part.c_str(), 0777) != 0 && errno != EEXIST)
    return errno_error(errno, "cannot make the folder", part);
  const int fd = ::openat(folder, part.c_str(), folder_flags);
  if (fd >= 0) return Descriptor{fd};
  if (errno == ENOTDIR || errno == ELOOP) return Error{ErrorCode::conflict, "not a folder", part};
  return errno_error(errno, "cannot open the folder", part);
}

}  // namespace

Result<Descriptor> open_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error(errno, "cannot open the folder", path);
  return Descriptor{fd};
}

Result<Descriptor> open_parent(int root, std::string_view path, bool create) {
  const Error bad{ErrorCode::invalid_argument, "not a path of the workspace", std::string{path}};
  Descriptor folder{::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) return errno_error(errno, "cannot open the folder", ".");
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string part{path.substr(0, slash)};
    if (!is_safe(part)) return bad;
    if (slash == std::string_view::npos) return folder;
    auto next = step(folder.get(), part, create);
    if (!next) return next;
    folder = std::move(*next);
    path.remove_prefix(slash + 1);
  }
}

std::string last_component(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string{slash == std::string_view::npos ? path : path.substr(slash + 1)};
}

}  // namespace muster::git
