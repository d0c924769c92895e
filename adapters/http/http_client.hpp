#pragma once
// The HTTP client: many transfers at once on the I/O loop.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {
class IoLoop;
}

namespace muster::http {

class ClientEngine;

using Headers = std::vector<std::pair<std::string, std::string>>;

/// What to ask for. Timeouts of 0 are none.
struct ClientRequest {
  std::string method = "GET";
  std::string url;  ///< http or https
  Headers headers = {};
  /// For HTTP's basic authentication; none when both are empty.
  std::string user = {};
  std::string password = {};
  std::string body = {};  ///< sent when not empty, or when the method is POST, PUT or PATCH
  std::chrono::milliseconds connect_timeout{
      10'000};                                     ///< name lookup, connect, TLS; 0 = curl's 300 s
  std::chrono::milliseconds idle_timeout{60'000};  ///< no byte received for so long, once connected
  std::chrono::milliseconds total_timeout{600'000};  ///< from start() on, waiting included
  std::size_t max_header_bytes = std::size_t{64} << 10U;
  std::size_t max_body_bytes = std::size_t{16} << 20U;
};

/// Status line and headers of the final response.
struct ResponseHead {
  int status = 0;     ///< 0 = there was none
  std::string block;  ///< the header lines as they came, "Name: value\r\n"

  /// Value of the first header of that name, whatever its case, trimmed; nullopt when there is
  /// none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// How a transfer ended. `error`, when set: network (connect, TLS, reset, broken off), stalled
/// (idle timeout), timeout (total timeout), limit_reached (headers or body too large), cancelled,
/// invalid_argument (URL, header), unavailable (client shut down). An HTTP status is no error here.
struct ClientResult {
  ResponseHead head;
  std::string body;  ///< only of fetch()
  std::optional<Error> error;
  std::int64_t first_byte_ms = 0;  ///< since start(); 0 when none came
  std::int64_t duration_ms = 0;    ///< since start()
};

/// A started transfer. Dropping it does not end it.
class ClientCall {
 public:
  virtual ~ClientCall() = default;
  /// Ends the transfer; on_end follows with code cancelled unless it ended before. Thread-safe,
  /// idempotent.
  virtual void cancel() = 0;
  /// From now on, no byte for so long ends the transfer (0 = never). Loop thread only.
  virtual void set_idle_timeout(std::chrono::milliseconds timeout) = 0;
};

/// Receives one response. Called on the loop thread only; must not block or throw.
class ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  /// The final response's headers (never a 1xx). `call` lives until on_end has returned. False ends
  /// the transfer with code cancelled.
  virtual bool on_head(const ResponseHead& head, ClientCall& call) = 0;
  /// Bytes of the body, valid during the call. False ends the transfer with code cancelled.
  virtual bool on_data(std::string_view bytes) = 0;
  /// Exactly once, last.
  virtual void on_end(ClientResult result) = 0;
};

struct ClientOptions {
  /// Transfers at once; more wait in line. 0 = three quarters of the file limit, at most 16,384.
  std::size_t max_active = 0;
  /// Transfers in line; more are refused (unavailable).
  std::size_t max_waiting = 100'000;
  /// PEM file of trusted authorities; empty = $SSL_CERT_FILE, else the system's. Verification
  /// itself cannot be switched off.
  std::string ca_file;
};

/// Text as one part of a URL.
[[nodiscard]] std::string escape_url(const std::string& text);

/// HTTP/1.1 with keep-alive, and HTTP/2 where a TLS server offers it. Connections are shared by all
/// transfers of a client: make one per engine. Proxies come from the environment (http_proxy,
/// https_proxy, all_proxy, no_proxy), never for loopback addresses. Redirects are not followed: a
/// request carries keys. Thread-safe.
///
/// Destroy it, from any thread but inside one of its callbacks, before the loop stops: what still
/// runs ends with code cancelled.
class HttpClient {
 public:
  explicit HttpClient(IoLoop& loop, ClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Starts a transfer; `handler` is kept until its on_end returned, which is never inside this
  /// call (unless the loop has stopped: then it is called here, with code unavailable).
  std::shared_ptr<ClientCall> start(ClientRequest request,
                                    std::shared_ptr<ResponseHandler> handler);

  /// Collects the whole body, at most max_body_bytes. `on_done` is called once, on the loop thread.
  std::shared_ptr<ClientCall> fetch(ClientRequest request,
                                    std::function<void(ClientResult)> on_done);

  /// Transfers that run or wait. Thread-safe; a moment's value.
  [[nodiscard]] std::size_t in_flight() const noexcept;

 private:
  std::shared_ptr<ClientEngine> engine_;
};

}  // namespace muster::http
