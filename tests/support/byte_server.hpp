#pragma once
// A TCP server on 127.0.0.1 that plays what a test says, byte for byte.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace muster::test {

/// Something that one thread waits for and another one says, once.
class Signal {
 public:
  void set();
  /// False when it did not come within a generous safety net.
  bool wait();
  [[nodiscard]] bool is_set();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

/// One request and the connection that it came on. Used on the connection's thread.
class Exchange {
 public:
  Exchange(int fd, int connection, std::string head, std::string body);

  /// Request line and headers, without the empty line.
  [[nodiscard]] const std::string& head() const noexcept { return head_; }
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  /// Number of the connection, from 0.
  [[nodiscard]] int connection() const noexcept { return connection_; }

  /// Sends bytes; false when the client has left.
  bool send(std::string_view bytes);
  /// A whole answer with its Content-Length.
  bool answer(int status, std::string_view headers, std::string_view body);
  /// The head of a chunked event stream.
  bool begin_stream(std::string_view headers = "");
  bool chunk(std::string_view data);
  bool end_stream();
  /// Waits until the client closes the connection.
  bool wait_closed();
  /// Ends the connection with a FIN, or with a reset.
  void close();
  void reset();
  [[nodiscard]] bool closed() const noexcept { return closed_; }

 private:
  int fd_;
  int connection_;
  std::string head_;
  std::string body_;
  bool closed_ = false;
};

/// Calls the script for every request, each connection on a thread of its own, keep-alive included.
class ByteServer {
 public:
  using Script = std::function<void(Exchange&)>;

  explicit ByteServer(Script script);
  /// Ends all connections. Signals that scripts wait for must be set before.
  ~ByteServer();
  ByteServer(const ByteServer&) = delete;
  ByteServer& operator=(const ByteServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url(std::string_view path = "/") const;
  [[nodiscard]] int connections() const noexcept { return accepted_; }
  [[nodiscard]] int requests() const noexcept { return requests_; }

 private:
  struct Connection {
    int fd;
    std::thread thread;
  };

  void accept_all();
  void serve(int fd, int number);

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::list<Connection> connections_;  ///< guarded by mutex_
  bool stopping_ = false;              ///< guarded by mutex_
  std::thread acceptor_;
};

/// A port of 127.0.0.1 that nobody listens on.
[[nodiscard]] std::uint16_t unused_port();

}  // namespace muster::test
