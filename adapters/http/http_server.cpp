#include "adapters/http/http_server.hpp"

#include <uv.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "adapters/http/http_server_connection.hpp"
#include "adapters/io/io_loop.hpp"

namespace muster::http {
namespace {

constexpr std::chrono::milliseconds kSweepPeriod{1000};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

Error uv_failure(int code, const std::string& where) {
  auto kind = ErrorCode::io_error;
  if (code == UV_EADDRINUSE) kind = ErrorCode::already_exists;
  if (code == UV_EACCES) kind = ErrorCode::permission_denied;
  return Error{kind, std::string("cannot listen: ") + uv_strerror(code), where};
}

bool is_ipv6(const std::string& address) { return address.find(':') != std::string::npos; }

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

// ---- ResponseWriter
// -------------------------------------------------------------------------------

ResponseWriter::ResponseWriter(std::shared_ptr<Connection> connection,
                               std::uint64_t exchange) noexcept
    : connection_(std::move(connection)), exchange_(exchange) {}

ResponseWriter::~ResponseWriter() {
  if (open()) connection_->abandon();
}

bool ResponseWriter::open() const noexcept { return connection_->current(exchange_); }

void ResponseWriter::send(int status, const Headers& headers, std::string_view body) {
  if (open()) connection_->send(status, headers, body);
}

void ResponseWriter::start(int status, const Headers& headers) {
  if (open()) connection_->start(status, headers);
}

void ResponseWriter::write_chunk(std::string_view data) {
  if (open()) connection_->write_chunk(data);
}

void ResponseWriter::end() {
  if (open()) connection_->end();
}

void ResponseWriter::cork() {
  if (open()) connection_->cork();
}

void ResponseWriter::uncork() {
  if (open()) connection_->uncork();
}

void ResponseWriter::drop() {
  if (open()) connection_->close();
}

void ResponseWriter::hang() {
  if (open()) connection_->hang();
}

void ResponseWriter::on_disconnect(std::function<void()> gone) {
  if (open()) connection_->on_disconnect(std::move(gone));
}

// ---- HttpServer
// -----------------------------------------------------------------------------------

/// Lives as long as a connection or the listener does: their callbacks may come after stop().
class HttpServer::Impl final : public ConnectionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(IoLoop& loop, HttpServerOptions options, HttpHandler handler)
      : loop_(loop), options_(std::move(options)), handler_(std::move(handler)) {}

  Status listen();
  void stop();

  [[nodiscard]] const HttpServerOptions& options() const noexcept override { return options_; }
  [[nodiscard]] uv_buf_t read_buffer() noexcept override {
    return uv_buf_init(buffer_.data(), static_cast<unsigned>(buffer_.size()));
  }
  void handle(HttpRequest request, std::shared_ptr<ResponseWriter> writer) override {
    if (!stopped_) handler_(std::move(request), std::move(writer));
  }
  void closed(Connection& connection) noexcept override {
    // Taken out first: this may be the end of the connection and, with it, of this object.
    const auto last = connections_.extract(&connection);
  }

  IoLoop& loop_;
  HttpServerOptions options_;
  std::uint16_t port_ = 0;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;

 private:
  int bind();
  void accept();
  void sweep();
  void close_listener();

  HttpHandler handler_;
  uv_tcp_t listener_{};
  std::shared_ptr<Impl> listening_;  ///< itself, while libuv knows the listener
  std::shared_ptr<IoTimer> sweeper_;
  bool stopped_ = false;
  std::array<char, 64 * 1024> buffer_{};
};

int HttpServer::Impl::bind() {
  sockaddr_storage address{};
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const auto* text = options_.address.c_str();
  int status = is_ipv6(options_.address)
                   ? uv_ip6_addr(text, options_.port, reinterpret_cast<sockaddr_in6*>(&address))
                   : uv_ip4_addr(text, options_.port, reinterpret_cast<sockaddr_in*>(&address));
  if (status == 0) status = uv_tcp_bind(&listener_, generic, 0);
  const auto connected = [](uv_stream_t* stream, int result) {
    if (result == 0) static_cast<Impl*>(stream->data)->accept();
  };
  auto* stream = reinterpret_cast<uv_stream_t*>(&listener_);
  if (status == 0) status = uv_listen(stream, options_.backlog, connected);
  int size = sizeof address;
  if (status == 0) status = uv_tcp_getsockname(&listener_, generic, &size);
  const auto port = is_ipv6(options_.address)
                        ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                        : reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
  port_ = ntohs(port);
  return status;
}

Status HttpServer::Impl::listen() {
  const auto where = options_.address + ":" + std::to_string(options_.port);
  if (const int status = uv_tcp_init(loop_.uv(), &listener_); status != 0) {
    return uv_failure(status, where);
  }
  listener_.data = this;
  listening_ = shared_from_this();
  if (const int status = bind(); status != 0) {
    close_listener();
    if (status == UV_EINVAL) {
      return Error{ErrorCode::invalid_argument, "not a numeric IP address", options_.address};
    }
    return uv_failure(status, where);
  }
  sweep();
  return ok_status();
}

void HttpServer::Impl::accept() {
  auto* stream = reinterpret_cast<uv_stream_t*>(&listener_);
  if (auto made = Connection::accept(shared_from_this(), stream)) {
    auto* key = made.get();
    connections_.emplace(key, std::move(made));
  }
}

void HttpServer::Impl::sweep() {
  const auto now = uv_now(loop_.uv());
  std::vector<std::shared_ptr<Connection>> all;  // closing changes the map
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->check_deadline(now);
  sweeper_ = loop_.run_after(kSweepPeriod, [self = weak_from_this()] {
    if (const auto impl = self.lock(); impl && !impl->stopped_) impl->sweep();
  });
}

void HttpServer::Impl::close_listener() {
  uv_close(reinterpret_cast<uv_handle_t*>(&listener_), [](uv_handle_t* handle) {
    const auto last = std::move(static_cast<Impl*>(handle->data)->listening_);
  });
}

void HttpServer::Impl::stop() {
  if (stopped_) return;
  stopped_ = true;
  if (sweeper_) sweeper_->cancel();
  close_listener();
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->close();
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(IoLoop& loop, HttpServerOptions options,
                                                      HttpHandler handler) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
  Status status = Error{ErrorCode::unavailable, "the I/O loop has stopped", "http server"};
  loop.call([&] { status = impl->listen(); });
  if (!status) return status.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const noexcept { return impl_->port_; }

std::string HttpServer::url() const {
  const auto& address = impl_->options_.address;
  const auto host = is_ipv6(address) ? "[" + address + "]" : address;
  return "http://" + host + ":" + std::to_string(impl_->port_);
}

std::size_t HttpServer::connections() const noexcept { return impl_->connections_.size(); }

void HttpServer::stop() {
  impl_->loop_.call([this] { impl_->stop(); });
}

}  // namespace muster::http
