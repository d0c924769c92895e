#include "adapters/cli/objective.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/core/text.hpp"

namespace muster::cli {

Result<std::string> read_objective(int fd) {
  constexpr std::size_t most = 256U << 10U;
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size == 0) break;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error{ErrorCode::io_error, std::strerror(errno), "stdin"};
    text.append(buffer.data(), static_cast<std::size_t>(size));
    if (text.size() > most)
      return Error{ErrorCode::limit_reached, "the objective is larger than 256 KiB", "stdin"};
  }
  std::string out(trim(text));
  if (out.empty()) return Error{ErrorCode::invalid_argument, "the objective is empty", "stdin"};
  return valid_utf8(out);
}

}  // namespace muster::cli
