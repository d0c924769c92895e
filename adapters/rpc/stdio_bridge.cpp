// `muster serve --stdio`: another program's pipes, connected with the control socket.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "adapters/rpc/rpc_client.hpp"
#include "adapters/rpc/unix_socket.hpp"

namespace muster::rpc {
namespace {

/// One direction: a bounded buffer between a source and a sink.
class Lane {
 public:
  Lane(int source, int sink) : source_(source), sink_(sink) {}

  [[nodiscard]] bool wants_input() const { return !ended_ && buffer_.size() < limit; }
  [[nodiscard]] bool wants_output() const { return !buffer_.empty(); }
  [[nodiscard]] bool done() const { return ended_ && buffer_.empty(); }

  bool fill() {
    std::array<char, limit> chunk;
    const ssize_t size = ::read(source_, chunk.data(), chunk.size());
    if (size > 0)
      buffer_.append(chunk.data(), static_cast<std::size_t>(size));
    else if (size == 0 || (errno != EAGAIN && errno != EINTR))
      ended_ = true;
    return size >= 0 || errno == EAGAIN || errno == EINTR || errno == ECONNRESET;
  }

  bool flush() {
    // A ready pipe takes this much without blocking, also when it is in blocking mode.
    const std::size_t size = std::min<std::size_t>(buffer_.size(), 4096);
    const ssize_t written = ::write(sink_, buffer_.data(), size);
    if (written > 0) buffer_.erase(0, static_cast<std::size_t>(written));
    return written >= 0 || errno == EAGAIN || errno == EINTR;
  }

 private:
  static constexpr std::size_t limit = 64U << 10U;
  int source_;
  int sink_;
  std::string buffer_;
  bool ended_ = false;
};

pollfd entry(int fd, bool wanted, short events) { return {wanted ? fd : -1, events, 0}; }

}  // namespace

Status bridge_stdio(const std::string& socket_path, int in_fd, int out_fd) {
  auto socket = connect_unix(socket_path);
  if (!socket.ok()) return socket.error();
  const int fd = socket->get();
  Lane up(in_fd, fd);
  Lane down(fd, out_fd);
  bool half_closed = false;
  // A closed reader must be an error here, not a signal that ends the program.
  sigset_t pipe_only;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_only, nullptr);
  while (!down.done()) {
    std::array<pollfd, 4> set{
        entry(in_fd, up.wants_input(), POLLIN), entry(fd, up.wants_output(), POLLOUT),
        entry(fd, down.wants_input(), POLLIN), entry(out_fd, down.wants_output(), POLLOUT)};
    if (::poll(set.data(), set.size(), -1) < 0 && errno != EINTR)
      return Error{ErrorCode::io_error, std::string("poll: ") + std::strerror(errno)};
    if (set[0].revents != 0 && !up.fill())
      return Error{ErrorCode::io_error, "stdin cannot be read"};
    if (set[1].revents != 0 && !up.flush())
      return Error{ErrorCode::unavailable, "the engine went away"};
    if (set[2].revents != 0 && !down.fill())
      return Error{ErrorCode::unavailable, "the engine went away"};
    if (set[3].revents != 0 && !down.flush())
      return Error{ErrorCode::io_error, "stdout cannot be written"};
    if (up.done() && !half_closed) half_closed = ::shutdown(fd, SHUT_WR) == 0;
  }
  return ok_status();
}

}  // namespace muster::rpc
