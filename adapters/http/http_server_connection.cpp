#include "adapters/http/http_server_connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace muster::http {
namespace {

/// More pipelined bytes than this wait in the kernel, not here.
constexpr std::size_t kMaxEarlyBytes = 64 * 1024;
constexpr std::size_t kMaxHeaders = 512;
/// A client's announcement alone gets no more memory than this.
constexpr std::size_t kMaxReserve = 1024 * 1024;
/// How long a client that is told to go may take to read why.
constexpr std::chrono::milliseconds kLeaveTime{2000};

uv_stream_t* stream_of(uv_tcp_t& tcp) { return reinterpret_cast<uv_stream_t*>(&tcp); }
uv_handle_t* handle_of(uv_tcp_t& tcp) { return reinterpret_cast<uv_handle_t*>(&tcp); }
Connection& self_of(http_parser* parser) { return *static_cast<Connection*>(parser->data); }

void append_number(std::string& out, std::size_t value, int base) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

/// A value with a line break would be a second header.
void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    default:
      break;
  }
  const char* known = http_status_str(static_cast<http_status>(status));
  return known == nullptr || std::string_view(known) == "<unknown>" ? "Status" : known;
}

/// "/a/b?c" or "http://host/a/b?c" into path and query.
void split_target(std::string_view target, HttpRequest& request) {
  if (const auto scheme = target.find("://");
      scheme != std::string_view::npos && !target.starts_with('/')) {
    const auto slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
}

}  // namespace

struct Connection::Write {
  uv_write_t request{};
  std::string data;
  std::shared_ptr<Connection> connection;
};

Connection::Connection(std::shared_ptr<ConnectionOwner> owner) noexcept : owner_(std::move(owner)) {
  http_parser_init(&parser_, HTTP_REQUEST);
  parser_.data = this;
}

std::shared_ptr<Connection> Connection::accept(std::shared_ptr<ConnectionOwner> owner,
                                               uv_stream_t* listener) {
  std::shared_ptr<Connection> made(new Connection(std::move(owner)));
  if (uv_tcp_init(listener->loop, &made->tcp_) != 0) return nullptr;
  made->tcp_.data = made.get();
  made->set_deadline(made->owner_->options().idle_timeout);
  if (uv_accept(listener, stream_of(made->tcp_)) != 0 || !made->read_on()) {
    // The close callback asks the owner, who does not know it yet: keep it until then.
    made->state_ = State::closed;
    made->tcp_.data = new std::shared_ptr<Connection>(made);
    uv_close(handle_of(made->tcp_), [](uv_handle_t* handle) {
      delete static_cast<std::shared_ptr<Connection>*>(handle->data);
    });
    return nullptr;
  }
  uv_tcp_nodelay(&made->tcp_, 1);
  return made;
}

bool Connection::read_on() {
  const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    *buffer = static_cast<Connection*>(handle->data)->owner_->read_buffer();
  };
  const auto read = [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    // What runs in there may be the end of the connection.
    const auto self = static_cast<Connection*>(stream->data)->shared_from_this();
    self->on_read(size, buffer);
  };
  return uv_read_start(stream_of(tcp_), allocate, read) == 0;
}

// ---- parsing ------------------------------------------------------------------------------------

const http_parser_settings& Connection::settings() {
  static const http_parser_settings table = [] {
    http_parser_settings made;
    http_parser_settings_init(&made);
    made.on_url = on_url;
    made.on_header_field = on_header_field;
    made.on_header_value = on_header_value;
    made.on_headers_complete = on_headers_complete;
    made.on_body = on_body;
    made.on_message_complete = on_message_complete;
    return made;
  }();
  return table;
}

bool Connection::count_header(std::size_t size) {
  header_bytes_ += size;
  return header_bytes_ <= owner_->options().max_header_bytes;
}

int Connection::reject(int status) {
  reject_status_ = status;
  return -1;
}

int Connection::on_url(http_parser* parser, const char* at, std::size_t size) {
  auto& self = self_of(parser);
  if (!self.count_header(size)) return self.reject(431);
  self.target_.append(at, size);
  return 0;
}

int Connection::on_header_field(http_parser* parser, const char* at, std::size_t size) {
  auto& self = self_of(parser);
  // Trailers of a chunked body come here as well: they are counted and kept like headers.
  auto& headers = self.request_.headers;
  if (self.in_value_ || headers.empty()) {
    if (headers.size() >= kMaxHeaders) return self.reject(431);
    headers.emplace_back();
    self.in_value_ = false;
  }
  if (!self.count_header(size)) return self.reject(431);
  headers.back().first.append(at, size);
  return 0;
}

int Connection::on_header_value(http_parser* parser, const char* at, std::size_t size) {
  auto& self = self_of(parser);
  self.in_value_ = true;
  if (!self.count_header(size)) return self.reject(431);
  self.request_.headers.back().second.append(at, size);
  return 0;
}

int Connection::on_headers_complete(http_parser* parser) {
  auto& self = self_of(parser);
  const bool announced = (parser->flags & F_CONTENTLENGTH) != 0;
  if (announced && parser->content_length > self.owner_->options().max_body_bytes) {
    return self.reject(413);
  }
  if (announced) {
    self.request_.body.reserve(std::min<std::uint64_t>(parser->content_length, kMaxReserve));
  }
  // curl asks before it sends a large body, and waits a second for this.
  if (self.request_.header("expect") == "100-continue") {
    self.out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    self.flush();
  }
  return 0;
}

int Connection::on_body(http_parser* parser, const char* at, std::size_t size) {
  auto& self = self_of(parser);
  if (self.request_.body.size() + size > self.owner_->options().max_body_bytes) {
    return self.reject(413);
  }
  self.request_.body.append(at, size);
  return 0;
}

int Connection::on_message_complete(http_parser* parser) {
  auto& self = self_of(parser);
  self.complete_ = true;
  self.keep_alive_ = http_should_keep_alive(parser) != 0 && parser->upgrade == 0;
  self.http_1_0_ = parser->http_major < 1 || (parser->http_major == 1 && parser->http_minor == 0);
  http_parser_pause(parser, 1);  // the next request waits for the answer to this one
  return 0;
}

void Connection::on_read(ssize_t size, const uv_buf_t* buffer) {
  if (size == UV_EOF) return on_eof();
  if (size < 0) return close();
  if (size == 0 || state_ == State::leaving || state_ == State::closed) return;
  const std::string_view bytes(buffer->base, static_cast<std::size_t>(size));
  if (state_ == State::answering) return keep_for_later(bytes);
  consume(bytes);
}

void Connection::keep_for_later(std::string_view bytes) {
  early_.append(bytes);
  if (early_.size() > kMaxEarlyBytes && !read_paused_) {
    read_paused_ = true;
    uv_read_stop(stream_of(tcp_));
  }
}

void Connection::consume(std::string_view bytes) {
  consuming_ = true;
  while (!bytes.empty() && state_ == State::reading) {
    if (!receiving_) {
      receiving_ = true;
      set_deadline(owner_->options().request_timeout);
    }
    const auto used = http_parser_execute(&parser_, &settings(), bytes.data(), bytes.size());
    bytes.remove_prefix(std::min(used, bytes.size()));
    if (state_ != State::reading) break;  // a write failed in there
    if (complete_) {
      http_parser_pause(&parser_, 0);
      dispatch();
    } else if (HTTP_PARSER_ERRNO(&parser_) != HPE_OK) {
      const bool overflow = HTTP_PARSER_ERRNO(&parser_) == HPE_HEADER_OVERFLOW;
      refuse(reject_status_ != 0 ? reject_status_ : overflow ? 431 : 400);
    }
  }
  consuming_ = false;
  if (state_ == State::answering) keep_for_later(bytes);
}

void Connection::dispatch() {
  complete_ = false;
  receiving_ = false;
  in_value_ = false;
  header_bytes_ = 0;
  request_.method = http_method_str(static_cast<http_method>(parser_.method));
  split_target(target_, request_);
  target_.clear();
  head_only_ = parser_.method == HTTP_HEAD;
  state_ = State::answering;
  deadline_ = 0;
  started_ = false;
  hangs_ = false;
  ++exchange_;
  auto writer = std::make_shared<ResponseWriter>(shared_from_this(), exchange_);
  owner_->handle(std::exchange(request_, {}), std::move(writer));
}

// ---- answering ----------------------------------------------------------------------------------

bool Connection::current(std::uint64_t exchange) const noexcept {
  return state_ == State::answering && exchange == exchange_;
}

void Connection::append_head(int status, const Headers& headers, const std::size_t* length) {
  out_ += "HTTP/1.1 ";
  append_number(out_, static_cast<std::size_t>(std::clamp(status, 100, 999)), 10);
  out_ += ' ';
  out_ += reason_of(status);
  out_ += "\r\n";
  for (const auto& [name, value] : headers) {
    append_clean(out_, name);
    out_ += ": ";
    append_clean(out_, value);
    out_ += "\r\n";
  }
  if (length != nullptr) {
    out_ += "Content-Length: ";
    append_number(out_, *length, 10);
    out_ += "\r\n";
  } else if (!http_1_0_) {
    out_ += "Transfer-Encoding: chunked\r\n";
  }
  if (!keep_alive_) {
    out_ += "Connection: close\r\n";
  } else if (http_1_0_) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
}

void Connection::send(int status, const Headers& headers, std::string_view body) {
  if (started_) return;
  const std::size_t length = body.size();
  append_head(status, headers, &length);
  if (!head_only_) out_ += body;
  finish();
}

void Connection::start(int status, const Headers& headers) {
  if (started_) return;
  started_ = true;
  if (http_1_0_) keep_alive_ = false;
  append_head(status, headers, nullptr);
  flush();
}

void Connection::write_chunk(std::string_view data) {
  if (!started_ || data.empty() || head_only_) return;
  if (!http_1_0_) {
    append_number(out_, data.size(), 16);
    out_ += "\r\n";
  }
  out_ += data;
  if (!http_1_0_) out_ += "\r\n";
  flush();
}

void Connection::end() {
  if (!started_) return;
  if (!http_1_0_ && !head_only_) out_ += "0\r\n\r\n";
  finish();
}

void Connection::uncork() {
  if (corks_ > 0) --corks_;
  flush();
}

void Connection::abandon() {
  if (hangs_) return;
  if (started_) return close();
  send(500, {{"Content-Type", "text/plain"}}, "no answer\n");
}

void Connection::on_disconnect(std::function<void()> gone) {
  gone_ = std::move(gone);
  if (half_closed_) on_eof();
}

/// The answer is complete: on to the next request, or away.
void Connection::finish() {
  const auto self = shared_from_this();  // a callback that goes may hold the last writer
  ++exchange_;
  gone_ = nullptr;
  corks_ = 0;
  flush();
  if (state_ == State::closed) return;
  if (!keep_alive_ || (half_closed_ && early_.empty())) return leave();
  state_ = State::reading;
  set_deadline(owner_->options().idle_timeout);
  if (consuming_) return;  // consume() goes on by itself
  consume(std::exchange(early_, {}));
  if (state_ == State::reading && half_closed_) return leave();
  if (read_paused_ && early_.size() <= kMaxEarlyBytes && state_ != State::closed) {
    read_paused_ = false;
    read_on();
  }
}

void Connection::refuse(int status) {
  keep_alive_ = false;
  http_1_0_ = false;
  head_only_ = false;
  state_ = State::answering;
  started_ = false;
  ++exchange_;
  std::string body(reason_of(status));
  if (status == 400)
    body += std::string(": ") + http_errno_description(HTTP_PARSER_ERRNO(&parser_));
  send(status, {{"Content-Type", "text/plain"}}, body + "\n");
}

// ---- writing and closing ------------------------------------------------------------------------

void Connection::flush() {
  if (out_.empty() || corks_ > 0 || state_ == State::closed) return;
  uv_buf_t buffer = uv_buf_init(out_.data(), static_cast<unsigned>(out_.size()));
  const int sent = uv_try_write(stream_of(tcp_), &buffer, 1);
  if (sent < 0 && sent != UV_EAGAIN) return close();
  const auto done = static_cast<std::size_t>(std::max(sent, 0));
  if (done < out_.size()) {
    write_rest(done == 0 ? std::move(out_) : out_.substr(done));
  }
  out_.clear();
  if (out_.capacity() > 64 * 1024) out_.shrink_to_fit();
}

void Connection::write_rest(std::string data) {
  const auto unsent = uv_stream_get_write_queue_size(stream_of(tcp_)) + data.size();
  if (unsent > owner_->options().max_unsent_bytes) return close();
  auto write = std::make_unique<Write>();
  write->data = std::move(data);
  write->connection = shared_from_this();
  write->request.data = write.get();
  uv_buf_t buffer = uv_buf_init(write->data.data(), static_cast<unsigned>(write->data.size()));
  const auto written = [](uv_write_t* request, int status) {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    if (status < 0) done->connection->close();
  };
  if (uv_write(&write->request, stream_of(tcp_), &buffer, 1, written) != 0) return close();
  static_cast<void>(write.release());  // `written` owns it
}

/// FIN after the last byte, and whatever the client still sends is read and thrown away: closing
/// over unread input would be a reset, which can take the answer with it.
void Connection::leave() {
  state_ = State::leaving;
  early_.clear();
  set_deadline(owner_->options().idle_timeout);
  const auto shut = [](uv_shutdown_t* request, int) {
    auto& self = *static_cast<Connection*>(request->handle->data);
    if (self.half_closed_) return self.close();
    self.set_deadline(kLeaveTime);
  };
  if (uv_shutdown(&shutdown_, stream_of(tcp_), shut) != 0) return close();
  if (read_paused_) read_on();
  read_paused_ = false;
}

void Connection::on_eof() {
  half_closed_ = true;
  uv_read_stop(stream_of(tcp_));
  const bool unsent = uv_stream_get_write_queue_size(stream_of(tcp_)) > 0;
  if (state_ == State::reading && !receiving_ && unsent) return leave();
  if (state_ == State::answering && !gone_ && !hangs_) return;  // it may still read the answer
  if (state_ == State::leaving && unsent) return;               // closed when that is out
  close();
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  out_.clear();
  uv_close(handle_of(tcp_), [](uv_handle_t* handle) {
    auto& self = *static_cast<Connection*>(handle->data);
    self.owner_->closed(self);  // the last line: this may end the object
  });
  if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

void Connection::set_deadline(std::chrono::milliseconds delay) {
  deadline_ =
      uv_now(tcp_.loop) + static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 1));
}

void Connection::check_deadline(std::uint64_t now) {
  if (deadline_ == 0 || now < deadline_ || state_ == State::closed) return;
  if (state_ == State::reading && receiving_) return refuse(408);
  close();
}

}  // namespace muster::http
