#include "adapters/http/client_transfer.hpp"

#include <algorithm>
#include <utility>

#include "adapters/http/client_engine.hpp"
#include "runtime/core/text.hpp"

namespace muster::http {
namespace {

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos;
}

bool has_prefix_nocase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

/// The host of "scheme://user@host:port", without the brackets of an IPv6 address.
std::string_view host_of(std::string_view origin) {
  const auto scheme = origin.find("://");
  auto host = scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
  const auto at = host.rfind('@');
  if (at != std::string_view::npos) host.remove_prefix(at + 1);
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_ipv4(std::string_view host) {
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

curl_slist* header_list(const Headers& headers) {
  // "Expect: 100-continue" costs a round trip for large bodies, and some servers never answer it.
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  std::string line;
  for (const auto& [name, value] : headers) {
    line.assign(name);
    // curl's way of an empty header; "name:" would remove it.
    if (value.empty()) {
      line += ';';
    } else {
      line.append(": ").append(value);
    }
    list = curl_slist_append(list, line.c_str());
  }
  return list;
}

void set_method(CURL* easy, const ClientRequest& request) {
  const std::string& method = request.method;
  const bool has_body =
      !request.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  curl_easy_setopt(easy, CURLOPT_NOBODY, method == "HEAD" ? 1L : 0L);
  if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  } else if (method != "HEAD") {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  const bool named = method != "HEAD" && method != (has_body ? "POST" : "GET");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, named ? method.c_str() : nullptr);
}

int status_of(std::string_view status_line) {
  const auto blank = status_line.find(' ');
  if (blank == std::string_view::npos) return 0;
  int status = 0;
  for (const char c : status_line.substr(blank + 1, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

std::string ms_text(std::chrono::milliseconds time) { return std::to_string(time.count()) + " ms"; }

}  // namespace

ClientTransfer::ClientTransfer(std::shared_ptr<ClientEngine> engine, ClientRequest request,
                               std::shared_ptr<ResponseHandler> handler)
    : engine_(std::move(engine)), request_(std::move(request)), handler_(std::move(handler)) {}

ClientTransfer::~ClientTransfer() { curl_slist_free_all(headers_); }

void ClientTransfer::cancel() {
  if (ended()) return;
  engine_->loop().post([self = shared_from_this()] {
    if (!self->ended())
      self->engine_->abort(*self, Error{ErrorCode::cancelled, "the request was cancelled"});
  });
}

void ClientTransfer::set_idle_timeout(std::chrono::milliseconds timeout) {
  engine_->loop().assert_on_loop();
  if (ended()) return;
  request_.idle_timeout = timeout;
  engine_->retime(*this);
}

std::optional<Error> ClientTransfer::invalid() const {
  const std::string_view url = request_.url;
  if (!has_prefix_nocase(url, "http://") && !has_prefix_nocase(url, "https://"))
    return Error{ErrorCode::invalid_argument, "not an http or https URL"};
  if (has_line_break(url)) return Error{ErrorCode::invalid_argument, "a line break in the URL"};
  if (request_.method.empty() || request_.method.find_first_of(" \r\n\t") != std::string::npos)
    return Error{ErrorCode::invalid_argument, "not an HTTP method"};
  for (const auto& [name, value] : request_.headers) {
    if (name.empty() || name.find_first_of(" :;\t") != std::string::npos || has_line_break(name))
      return Error{ErrorCode::invalid_argument, "not the name of a header"};
    // The value may be a secret: only the name is told.
    if (has_line_break(value))
      return Error{ErrorCode::invalid_argument, "a line break in the value of a header", name};
  }
  return std::nullopt;
}

std::string_view ClientTransfer::origin() const {
  const std::string_view url = request_.url;
  const auto scheme = url.find("://");
  return url.substr(0, url.find_first_of("/?#", scheme == std::string_view::npos ? 0 : scheme + 3));
}

bool ClientTransfer::loopback() const {
  const auto host = host_of(origin());
  return iequals(host, "localhost") || host == "::1" || (is_ipv4(host) && host.starts_with("127."));
}

bool ClientTransfer::literal_address() const {
  const auto host = host_of(origin());
  return is_ipv4(host) || host.find(':') != std::string_view::npos;
}

void ClientTransfer::prepare(CURL* easy, bool own_connection) {
  easy_ = easy;
  headers_ = header_list(request_.headers);
  const bool tls = has_prefix_nocase(request_.url, "https:");
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  set_method(easy, request_);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
  const bool named = !request_.user.empty() || !request_.password.empty();
  curl_easy_setopt(easy, CURLOPT_USERNAME, named ? request_.user.c_str() : nullptr);
  curl_easy_setopt(easy, CURLOPT_PASSWORD, named ? request_.password.c_str() : nullptr);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl_text_.data());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_NOPROXY, loopback() ? "*" : nullptr);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, own_connection ? 1L : 0L);
  // Better to wait for a connection that may carry many streams than to open another one.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, tls ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &ClientTransfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &ClientTransfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &ClientTransfer::on_connected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
}

CURL* ClientTransfer::release_easy() {
  // The header list stays until this object goes: the handle may still point at it.
  return std::exchange(easy_, nullptr);
}

void ClientTransfer::arrived(std::int64_t now) { started_loop_ms_ = now - elapsed_ms(); }

std::optional<std::int64_t> ClientTransfer::deadline(std::int64_t now) const {
  std::optional<std::int64_t> at;
  if (request_.total_timeout.count() > 0) at = started_loop_ms_ + request_.total_timeout.count();
  if (request_.idle_timeout.count() > 0) {
    // Before it is connected the idle time has not begun: it ends no earlier than this.
    const auto idle = (connected_ ? last_byte_loop_ms_ : now) + request_.idle_timeout.count();
    at = at ? std::min(*at, idle) : idle;
  }
  return at;
}

std::optional<Error> ClientTransfer::expired(std::int64_t now) const {
  const auto total = request_.total_timeout;
  if (total.count() > 0 && now - started_loop_ms_ >= total.count())
    return Error{ErrorCode::timeout, "no complete answer within " + ms_text(total)};
  const auto idle = request_.idle_timeout;
  if (idle.count() > 0 && connected_ && now - last_byte_loop_ms_ >= idle.count())
    return Error{ErrorCode::stalled, "no byte received for " + ms_text(idle)};
  return std::nullopt;
}

std::optional<Error> ClientTransfer::error_of(CURLcode code) const {
  if (broken_off_) return broken_off_;
  if (code == CURLE_OK) return std::nullopt;
  if (code == CURLE_OPERATION_TIMEDOUT && !connected_)
    return Error{ErrorCode::network, "no connection within " + ms_text(request_.connect_timeout)};
  if (code == CURLE_UNSUPPORTED_PROTOCOL && connected_)
    return Error{ErrorCode::network, "the answer is no HTTP"};
  std::string text = curl_text_[0] != '\0' ? curl_text_.data() : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Error{ErrorCode::invalid_argument, std::move(text)};
    case CURLE_OUT_OF_MEMORY:
      return Error{ErrorCode::limit_reached, std::move(text)};
    default:
      return Error{ErrorCode::network, std::move(text)};
  }
}

void ClientTransfer::end(std::optional<Error> error) {
  if (ended_.exchange(true)) return;
  ClientResult result;
  result.head = std::move(head_);
  if (!head_done_) result.head = {};
  result.error = std::move(error);
  result.first_byte_ms = first_byte_ms_;
  result.duration_ms = elapsed_ms();
  request_.body = {};  // the caller may keep this object for long
  const auto handler = std::move(handler_);
  handler->on_end(std::move(result));
}

std::size_t ClientTransfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<ClientTransfer*>(self);
  const std::size_t bytes = size * count;
  return transfer.header_line({data, bytes}) ? bytes : 0;
}

std::size_t ClientTransfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<ClientTransfer*>(self);
  const std::size_t bytes = size * count;
  return transfer.body_bytes({data, bytes}) ? bytes : CURL_WRITEFUNC_ERROR;
}

int ClientTransfer::on_connected(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<ClientTransfer*>(self);
  transfer.connected_ = true;
  transfer.last_byte_loop_ms_ = transfer.engine_->now();
  transfer.engine_->connected(transfer);
  return CURL_PREREQFUNC_OK;
}

bool ClientTransfer::header_line(std::string_view line) {
  note_byte();
  if (head_done_) return true;  // trailers
  if (line.starts_with("HTTP/")) {
    head_.block.clear();
    head_.status = status_of(line);
    return true;
  }
  if (line == "\r\n" || line == "\n") {
    if (head_.status < 200) return true;  // the real one follows
    head_done_ = true;
    return handler_->on_head(head_, *this) ||
           break_off(ErrorCode::cancelled, "stopped at the headers");
  }
  if (head_.block.size() + line.size() > request_.max_header_bytes)
    return break_off(ErrorCode::limit_reached,
                     "headers larger than " + std::to_string(request_.max_header_bytes) + " bytes");
  head_.block += line;
  return true;
}

bool ClientTransfer::body_bytes(std::string_view bytes) {
  note_byte();
  body_bytes_ += bytes.size();
  if (body_bytes_ > request_.max_body_bytes)
    return break_off(ErrorCode::limit_reached,
                     "a body larger than " + std::to_string(request_.max_body_bytes) + " bytes");
  return handler_->on_data(bytes) || break_off(ErrorCode::cancelled, "stopped inside the body");
}

bool ClientTransfer::break_off(ErrorCode code, std::string message) {
  broken_off_ = Error{code, std::move(message)};
  return false;
}

void ClientTransfer::note_byte() {
  if (first_byte_ms_ == 0) first_byte_ms_ = std::max<std::int64_t>(1, elapsed_ms());
  last_byte_loop_ms_ = engine_->now();
}

std::int64_t ClientTransfer::elapsed_ms() const {
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  return std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
}

}  // namespace muster::http
