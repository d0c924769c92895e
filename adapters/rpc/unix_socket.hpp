#pragma once
// Unix stream sockets as this adapter needs them.

#include <chrono>
#include <string>

#include "adapters/io/unique_fd.hpp"
#include "runtime/core/result.hpp"

namespace muster::rpc {

/// A bound socket of mode 0600 that does not listen yet. A socket file that nobody serves is
/// replaced; one that somebody serves is a conflict; any other file is left alone. `inode`
/// identifies the file.
struct BoundSocket {
  UniqueFd fd;
  unsigned long inode = 0;
};
Result<BoundSocket> bind_unix(const std::string& path);

/// Removes the file when it is still the socket that was bound.
void unlink_socket(const std::string& path, unsigned long inode) noexcept;

/// Connects. Errors: unavailable (nobody serves there), permission_denied, invalid_argument (too
/// long).
Result<UniqueFd> connect_unix(const std::string& path);

/// Whether the other end runs as this user (or root).
[[nodiscard]] bool peer_is_us(int fd) noexcept;

}  // namespace muster::rpc
