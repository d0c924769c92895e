#include "adapters/rpc/unix_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace muster::rpc {
namespace {

Error system_error(const std::string& what, const std::string& path) {
  const ErrorCode code = errno == EACCES || errno == EPERM ? ErrorCode::permission_denied
                         : errno == ECONNREFUSED || errno == ENOENT || errno == EAGAIN
                             ? ErrorCode::unavailable
                             : ErrorCode::io_error;
  return {code, what + ": " + std::strerror(errno), path};
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error{
        ErrorCode::invalid_argument,
        "a socket's path has 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes", path};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int bind_to(int fd, const sockaddr_un& address) {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// An engine that is being killed lets go of its lock a moment before its socket.
constexpr int dying_patience_ms = 1000;

/// Whether the other side of a connection goes away: a listener that is closed drops who waits at
/// it.
bool hangs_up(int fd) {
  pollfd waiting{fd, POLLRDHUP, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, dying_patience_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0 && (waiting.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/// Takes a socket file that nobody serves out of the way.
Status clear_stale(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return ok_status();
  if (!S_ISSOCK(info.st_mode))
    return Error{ErrorCode::already_exists, "a file that is no socket is in the way", path};
  if (auto other = connect_unix(path); other.ok() && !hangs_up(other->get()))
    return Error{ErrorCode::conflict, "another engine serves this socket", path};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return system_error("the stale socket cannot be removed", path);
  return ok_status();
}

}  // namespace

Result<BoundSocket> bind_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  BoundSocket out{UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0};
  if (!out.fd) return system_error("no socket", path);
  // The file takes over the descriptor's mode, so that it is never open to others, not even for a
  // moment.
  if (::fchmod(out.fd.get(), 0600) != 0) return system_error("the mode cannot be set", path);
  if (bind_to(out.fd.get(), *address) != 0) {
    if (errno != EADDRINUSE) return system_error("the socket cannot be bound", path);
    if (auto cleared = clear_stale(path); !cleared.ok()) return cleared.error();
    if (bind_to(out.fd.get(), *address) != 0)
      return system_error("the socket cannot be bound", path);
  }
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return system_error("the socket vanished", path);
  out.inode = info.st_ino;
  return out;
}

void unlink_socket(const std::string& path, unsigned long inode) noexcept {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) && info.st_ino == inode)
    ::unlink(path.c_str());
}

Result<UniqueFd> connect_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error("no socket", path);
  // On a unix socket connect is immediate: a full backlog is EAGAIN, never a wait.
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return system_error("no connection", path);
  return fd;
}

bool peer_is_us(int fd) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::getuid() || peer.uid == 0;
}

}  // namespace muster::rpc
