#include "tests/support/byte_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

namespace muster::test {
namespace {

constexpr auto safety_net = std::chrono::seconds{30};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::abort();
}

std::pair<int, std::uint16_t> bound_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, any, size) != 0 || ::getsockname(fd, any, &size) != 0) die("bind");
  return {fd, ntohs(address.sin_port)};
}

std::size_t content_length(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  std::size_t length = 0;
  if (at != std::string::npos)
    std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
  return length;
}

/// Reads from a connection what belongs to one request after the other.
class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) {}

  std::optional<std::pair<std::string, std::string>> request() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return std::nullopt;
    }
    std::string head = buffer_.substr(0, end);
    const std::size_t length = content_length(head);
    while (buffer_.size() < end + 4 + length) {
      if (!more()) return std::nullopt;
    }
    std::string body = buffer_.substr(end + 4, length);
    buffer_.erase(0, end + 4 + length);
    return std::pair{std::move(head), std::move(body)};
  }

 private:
  bool more() {
    char bytes[16384];
    const auto count = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  int fd_;
  std::string buffer_;
};

}  // namespace

void Signal::set() {
  const std::lock_guard lock(mutex_);
  set_ = true;
  changed_.notify_all();
}

bool Signal::wait() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, safety_net, [this] { return set_; });
}

bool Signal::is_set() {
  const std::lock_guard lock(mutex_);
  return set_;
}

Exchange::Exchange(int fd, int connection, std::string head, std::string body)
    : fd_(fd), connection_(connection), head_(std::move(head)), body_(std::move(body)) {}

bool Exchange::send(std::string_view bytes) {
  while (!bytes.empty() && !closed_) {
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return !closed_;
}

bool Exchange::answer(int status, std::string_view headers, std::string_view body) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
  text.append(headers).append("Content-Length: ").append(std::to_string(body.size()));
  text.append("\r\n\r\n").append(body);
  return send(text);
}

bool Exchange::begin_stream(std::string_view headers) {
  std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
  text.append(headers).append("Transfer-Encoding: chunked\r\n\r\n");
  return send(text);
}

bool Exchange::chunk(std::string_view data) {
  char size[32];
  const int digits = std::snprintf(size, sizeof(size), "%zx\r\n", data.size());
  std::string text(size, static_cast<std::size_t>(digits));
  text.append(data).append("\r\n");
  return send(text);
}

bool Exchange::end_stream() { return send("0\r\n\r\n"); }

bool Exchange::wait_closed() {
  pollfd watch{.fd = fd_, .events = POLLIN, .revents = 0};
  const auto net = std::chrono::milliseconds{safety_net}.count();
  while (::poll(&watch, 1, static_cast<int>(net)) == 1) {
    char byte = 0;
    if (::recv(fd_, &byte, 1, 0) <= 0) return true;
  }
  return false;
}

void Exchange::close() {
  closed_ = true;
  ::shutdown(fd_, SHUT_RDWR);
}

void Exchange::reset() {
  closed_ = true;
  // The connection's thread closes the descriptor right after; with no linger that is a reset.
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

ByteServer::ByteServer(Script script) : script_(std::move(script)) {
  std::tie(listener_, port_) = bound_socket();
  if (::listen(listener_, 4096) != 0) die("listen");
  acceptor_ = std::thread([this] { accept_all(); });
}

ByteServer::~ByteServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const auto& connection : connections_) {
      if (connection.fd >= 0) ::shutdown(connection.fd, SHUT_RDWR);
    }
  }
  acceptor_.join();
  for (auto& connection : connections_) connection.thread.join();
  ::close(listener_);
}

std::string ByteServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
}

void ByteServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const int number = accepted_++;
    auto& connection = connections_.emplace_back(Connection{fd, {}});
    connection.thread = std::thread([this, &connection, fd, number] {
      serve(fd, number);
      const std::lock_guard closing(mutex_);
      connection.fd = -1;
      ::close(fd);
    });
  }
}

void ByteServer::serve(int fd, int number) {
  Reader reader(fd);
  while (auto request = reader.request()) {
    ++requests_;
    Exchange exchange(fd, number, std::move(request->first), std::move(request->second));
    script_(exchange);
    if (exchange.closed()) return;
  }
}

std::uint16_t unused_port() {
  const auto [fd, port] = bound_socket();
  ::close(fd);
  return port;
}

}  // namespace muster::test
