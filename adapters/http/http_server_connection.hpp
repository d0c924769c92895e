#pragma once
// One connection of HttpServer: parsing, the order of answers, closing. Loop thread only.

#include <http_parser.h>
#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/http/http_server.hpp"

namespace muster::http {

/// What a connection needs from its server.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  [[nodiscard]] virtual const HttpServerOptions& options() const noexcept = 0;
  /// Shared by all connections: libuv fills and hands it over in one go.
  [[nodiscard]] virtual uv_buf_t read_buffer() noexcept = 0;
  virtual void handle(HttpRequest request, std::shared_ptr<ResponseWriter> writer) = 0;
  /// The descriptor is closed; the owner forgets the connection.
  virtual void closed(Connection& connection) noexcept = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Accepts from `listener` and starts to read. Nullptr when that fails.
  static std::shared_ptr<Connection> accept(std::shared_ptr<ConnectionOwner> owner,
                                            uv_stream_t* listener);

  // For ResponseWriter; `exchange` says which request it answers.
  [[nodiscard]] bool current(std::uint64_t exchange) const noexcept;
  void send(int status, const Headers& headers, std::string_view body);
  void start(int status, const Headers& headers);
  void write_chunk(std::string_view data);
  void end();
  void cork() { ++corks_; }
  void uncork();
  void hang() { hangs_ = true; }
  void abandon();
  void on_disconnect(std::function<void()> gone);

  /// Closes now. Idempotent.
  void close();
  /// Closes when a deadline has passed; `now` as of uv_now().
  void check_deadline(std::uint64_t now);

 private:
  enum class State {
    reading,    ///< between requests or inside one
    answering,  ///< a handler has the writer
    leaving,    ///< the last answer is on its way; what comes in is thrown away
    closed,
  };
  struct Write;

  explicit Connection(std::shared_ptr<ConnectionOwner> owner) noexcept;
  static const http_parser_settings& settings();
  static int on_header_field(http_parser* parser, const char* at, std::size_t size);
  static int on_header_value(http_parser* parser, const char* at, std::size_t size);
  static int on_url(http_parser* parser, const char* at, std::size_t size);
  static int on_headers_complete(http_parser* parser);
  static int on_body(http_parser* parser, const char* at, std::size_t size);
  static int on_message_complete(http_parser* parser);

  bool read_on();
  bool count_header(std::size_t size);
  int reject(int status);
  void set_deadline(std::chrono::milliseconds delay);
  void on_read(ssize_t size, const uv_buf_t* buffer);
  void on_eof();
  void consume(std::string_view bytes);
  void dispatch();
  void keep_for_later(std::string_view bytes);
  void refuse(int status);
  void append_head(int status, const Headers& headers, const std::size_t* length);
  void finish();
  void flush();
  void write_rest(std::string data);
  void leave();

  std::shared_ptr<ConnectionOwner> owner_;
  uv_tcp_t tcp_{};
  uv_shutdown_t shutdown_{};
  http_parser parser_{};
  State state_ = State::reading;
  HttpRequest request_;
  std::string target_;
  std::string early_;  ///< came while a request was being answered
  std::string out_;    ///< not yet written
  std::function<void()> gone_;
  std::uint64_t exchange_ = 0;  ///< number of the request in hand
  std::uint64_t deadline_ = 0;  ///< uv_now() at which it is closed; 0 = never
  std::size_t header_bytes_ = 0;
  int reject_status_ = 0;
  int corks_ = 0;
  bool in_value_ = false;
  bool complete_ = false;
  bool consuming_ = false;
  bool read_paused_ = false;
  bool half_closed_ = false;
  bool keep_alive_ = true;
  bool http_1_0_ = false;
  bool head_only_ = false;
  bool started_ = false;
  bool hangs_ = false;
  bool receiving_ = false;  ///< the first byte of a request is in
};

}  // namespace muster::http
