#pragma once
// A small HTTP/1.1 server on the I/O loop: the scripted model, dashboards and metrics sit on it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {
class IoLoop;
}

namespace muster::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A complete request. Header names are as the client wrote them.
struct HttpRequest {
  std::string method;  ///< "GET", "POST", ...
  std::string path;    ///< without the query, not percent-decoded
  std::string query;   ///< what follows '?', or empty
  Headers headers;
  std::string body;

  /// The first header of that name, whatever its case; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

class Connection;

/// The answer to one request. A handler may keep it and use it later. Loop thread only, its
/// destruction included. After the end of the answer, and after the client has left, every call is
/// harmless and does nothing.
///
/// Letting go of a writer without an answer sends a 500; letting go in the middle of a stream drops
/// the connection, so that a client never takes a part for the whole.
class ResponseWriter {
 public:
  ResponseWriter(std::shared_ptr<Connection> connection, std::uint64_t exchange) noexcept;
  ~ResponseWriter();
  ResponseWriter(const ResponseWriter&) = delete;
  ResponseWriter& operator=(const ResponseWriter&) = delete;

  /// A whole answer with its Content-Length.
  void send(int status, const Headers& headers, std::string_view body);

  /// Begins a chunked answer (for an HTTP/1.0 client: one that ends with the connection).
  void start(int status, const Headers& headers);
  /// One chunk, at once on its way. Empty data is skipped: an empty chunk would end the answer. A
  /// client that leaves more than `max_unsent_bytes` unread is dropped.
  void write_chunk(std::string_view data);
  /// Ends a chunked answer.
  void end();
  /// Holds start(), write_chunk() and end() back until uncork(): one system call for all of them.
  void cork();
  void uncork();

  /// Closes the connection here and now; what was written before has been handed to the system.
  void drop();
  /// Says nothing (more) for as long as the client stays. The writer may be let go.
  void hang();

  /// The client is there and the answer has not ended.
  [[nodiscard]] bool open() const noexcept;
  /// Calls `gone` once when the client closes the connection, or only its sending side, before the
  /// answer has ended; the connection is closed then. Without it, a client that closed only its
  /// sending side still gets its answer.
  void on_disconnect(std::function<void()> gone);

 private:
  std::shared_ptr<Connection> connection_;
  std::uint64_t exchange_;
};

/// Called on the loop thread for each complete request; one at a time per connection, in order.
/// Must not throw.
using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<ResponseWriter>)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";                  ///< IPv4 or IPv6, numeric
  std::uint16_t port = 0;                             ///< 0 = one that is free
  int backlog = 4096;                                 ///< the kernel may allow fewer
  std::size_t max_header_bytes = 64 * 1024;           ///< request line included; above it: 431
  std::size_t max_body_bytes = 64 * 1024 * 1024;      ///< above it: 413
  std::size_t max_unsent_bytes = 64 * 1024 * 1024;    ///< per connection; above it: dropped
  std::chrono::milliseconds request_timeout{120000};  ///< first byte to last byte, else 408
  std::chrono::milliseconds idle_timeout{300000};     ///< a connection without a request
};

/// Listens from start() until stop(). Garbage gets a 400 and costs that connection only.
class HttpServer {
 public:
  /// Binds and listens. Any thread. Errors: invalid_argument (address), already_exists (port in
  /// use), permission_denied, io_error. `loop` outlives the server.
  static Result<std::unique_ptr<HttpServer>> start(IoLoop& loop, HttpServerOptions options,
                                                   HttpHandler handler);
  /// Calls stop().
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// The port it listens on.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "http://ADDRESS:PORT", without a slash at the end.
  [[nodiscard]] std::string url() const;
  /// Connections that are open now. Loop thread.
  [[nodiscard]] std::size_t connections() const noexcept;
  /// Closes the listener and all connections; when it returns the handler is not running and will
  /// not be called. Any thread, idempotent.
  void stop();

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
  friend class Connection;
};

}  // namespace muster::http
