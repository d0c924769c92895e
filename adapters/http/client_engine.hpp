#pragma once
// What runs the HTTP client: one curl multi handle on the I/O loop.

#include <curl/curl.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "adapters/http/client_sockets.hpp"
#include "adapters/http/client_transfer.hpp"
#include "adapters/http/http_client.hpp"
#include "adapters/io/io_loop.hpp"

struct uv_timer_s;

namespace muster::http {

/// Loop thread only, but for post(), loop() and count. Transfers keep it alive.
class ClientEngine final : public std::enable_shared_from_this<ClientEngine> {
 public:
  ClientEngine(IoLoop& loop, ClientOptions options);
  ~ClientEngine();
  ClientEngine(const ClientEngine&) = delete;
  ClientEngine& operator=(const ClientEngine&) = delete;

  [[nodiscard]] IoLoop& loop() noexcept { return loop_; }
  /// Milliseconds of the loop's clock.
  [[nodiscard]] std::int64_t now() const;

  void open();
  /// Ends everything with code cancelled; later transfers end with unavailable.
  void close();

  void admit(std::shared_ptr<ClientTransfer> transfer);
  /// Ends a transfer in whatever state it is.
  void abort(ClientTransfer& transfer, Error error);
  /// The limits of a transfer moved: look at it in time.
  void retime(ClientTransfer& transfer);
  /// A connection to the transfer's origin is open. Called inside curl.
  void connected(ClientTransfer& transfer);

  /// Transfers started and not yet ended.
  std::atomic<std::size_t> count{0};

 private:
  using Shared = std::shared_ptr<ClientTransfer>;
  /// One connection attempt at a time to an origin whose address is not known: curl looks names up
  /// in a thread each, and a thousand sessions that start together would start a thousand threads.
  struct Gate {
    bool probing = false;
    std::int64_t open_until = 0;
    std::deque<Shared> waiting;
  };

  static int on_timer(CURLM*, long timeout_ms, void* self);
  void curl_timeout();
  void socket_ready(curl_socket_t fd, int bits);
  /// Everything that may not happen inside curl.
  void after_curl();
  void finished(CURL* easy, CURLcode code);
  void begin(const Shared& transfer);
  void launch(const Shared& transfer, bool probe);
  void begin_waiting();
  void settle(const Shared& transfer, std::optional<Error> error);
  void detach(ClientTransfer& transfer);
  void settle_probe(ClientTransfer& transfer, bool cancelled,
                    const std::optional<Error>& shared_error);
  void open_gate(const std::string& origin);
  void next_probe(const std::string& origin);
  void prune_gates();
  CURL* take_easy();
  void give_easy(CURL* easy);
  void arm_deadline();
  void check_deadlines();

  IoLoop& loop_;
  ClientOptions options_;
  std::size_t max_active_ = 0;
  CURLM* multi_ = nullptr;
  std::unique_ptr<ClientSockets> sockets_;
  uv_timer_s* curl_timer_ = nullptr;      ///< freed by its close callback
  uv_timer_s* deadline_timer_ = nullptr;  ///< freed by its close callback
  std::int64_t armed_for_ = 0;            ///< loop time of deadline_timer_; 0 = not armed
  Deadlines deadlines_;
  std::unordered_map<ClientTransfer*, Shared> transfers_;  ///< all that have not ended
  std::deque<Shared> waiting_;
  std::size_t active_ = 0;
  std::unordered_map<std::string, Gate> gates_;
  std::vector<std::string> opened_;  ///< origins whose gates open after this call of curl
  std::vector<CURL*> pool_;
  bool closed_ = false;
};

}  // namespace muster::http
