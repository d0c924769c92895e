#include "adapters/io/read_all.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "adapters/io/unique_fd.hpp"

namespace muster {
namespace {

Error read_error(const std::string& path) {
  const ErrorCode code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::not_found
                         : errno == EACCES || errno == EPERM ? ErrorCode::permission_denied
                                                             : ErrorCode::io_error;
  return {code, std::string("cannot be read: ") + std::strerror(errno), path};
}

}  // namespace

Result<std::string> read_all(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return read_error(path);
  std::string out;
  char buffer[4096];
  for (;;) {
    const auto count = ::read(fd.get(), buffer, sizeof buffer);
    if (count == 0) return out;
    if (count > 0) out.append(buffer, static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) return read_error(path);
  }
}

}  // namespace muster
