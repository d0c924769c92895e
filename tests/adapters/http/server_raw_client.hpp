#pragma once
// A blocking HTTP client on a bare socket: tests see every byte, and can send wrong ones.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace muster::test {

struct RawResponse {
  int status = 0;
  std::string head;      ///< status line and headers
  std::string body;      ///< without its chunk frames
  bool complete = true;  ///< false: the connection ended before the answer did

  /// The header's value; empty without it. `name` in lower case.
  [[nodiscard]] std::string header(const std::string& name) const {
    std::string lower = head;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto at = lower.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

/// Waits at most 20 s for a byte, then throws: that is the safety net, not a measure.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads until `mark` is in what has come and takes everything up to its end.
  std::string read_until(std::string_view mark) {
    while (true) {
      if (const auto at = input_.find(mark); at != std::string::npos) return take(at + mark.size());
      if (!fill()) return take(input_.size());
    }
  }

  /// Everything until the server closes.
  std::string read_all() {
    while (fill()) continue;
    return take(input_.size());
  }

  /// One answer: by its length, its chunks, or the end of the connection.
  RawResponse read_response(bool head_only = false) {
    RawResponse out;
    out.head = read_until("\r\n\r\n");
    if (out.head.size() < 12) {
      out.complete = false;
      return out;
    }
    out.status = std::stoi(out.head.substr(9, 3));
    const auto length = out.header("content-length");
    if (head_only) return out;
    if (!length.empty()) {
      out.body = read_bytes(std::stoul(length), out.complete);
    } else if (out.header("transfer-encoding") == "chunked") {
      read_chunks(out);
    } else {
      out.body = read_all();
    }
    return out;
  }

  /// The inside of the next chunk; empty for the last one and for the end of the connection.
  std::string read_chunk(bool& complete) {
    const auto line = read_until("\r\n");
    if (line.size() < 3) {
      complete = false;
      return {};
    }
    const auto size = std::stoul(line, nullptr, 16);
    auto data = read_bytes(size + 2, complete);
    data.resize(data.size() < 2 ? 0 : data.size() - 2);
    return data;
  }

  /// A request and its answer.
  RawResponse ask(std::string_view method, const std::string& path, const std::string& body = {}) {
    send(std::string(method) + " " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body);
    return read_response();
  }

  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool fill() {
    char buffer[16 * 1024];
    const auto size = ::recv(fd_, buffer, sizeof buffer, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      throw std::runtime_error("nothing came for 20 s");
    }
    if (size <= 0) return false;
    input_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  std::string take(std::size_t size) {
    auto out = input_.substr(0, size);
    input_.erase(0, size);
    return out;
  }

  std::string read_bytes(std::size_t size, bool& complete) {
    while (input_.size() < size && fill()) continue;
    if (input_.size() < size) complete = false;
    return take(std::min(size, input_.size()));
  }

  void read_chunks(RawResponse& out) {
    while (out.complete) {
      const auto data = read_chunk(out.complete);
      if (data.empty()) return;
      out.body += data;
    }
  }

  int fd_ = -1;
  std::string input_;
};

}  // namespace muster::test
