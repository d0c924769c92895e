#pragma once
// One transfer of the HTTP client: a request, its easy handle while it runs, and its limits.

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/http/http_client.hpp"

namespace muster::http {

class ClientEngine;
class ClientTransfer;

/// Transfers by the time at which their limits must be looked at again (ms of the loop's clock).
using Deadlines = std::multimap<std::int64_t, ClientTransfer*>;

/// Everything but cancel() on the loop thread.
class ClientTransfer final : public ClientCall,
                             public std::enable_shared_from_this<ClientTransfer> {
 public:
  ClientTransfer(std::shared_ptr<ClientEngine> engine, ClientRequest request,
                 std::shared_ptr<ResponseHandler> handler);
  ~ClientTransfer() override;

  void cancel() override;
  void set_idle_timeout(std::chrono::milliseconds timeout) override;

  [[nodiscard]] ClientEngine& engine() noexcept { return *engine_; }
  /// What makes the request impossible to send, if anything.
  [[nodiscard]] std::optional<Error> invalid() const;
  /// Scheme, host and port: transfers with the same one share name lookups.
  [[nodiscard]] std::string_view origin() const;
  /// The origin's host is a loopback address, or an IP address of any kind.
  [[nodiscard]] bool loopback() const;
  [[nodiscard]] bool literal_address() const;

  /// Sets the request's options on `easy`; `probe` = open a connection of its own.
  void prepare(CURL* easy, bool probe);
  [[nodiscard]] CURL* easy() const noexcept { return easy_; }
  /// Takes the easy handle away after the transfer.
  CURL* release_easy();

  /// The engine has it; `now` is the loop's time, as below.
  void arrived(std::int64_t now);
  /// When its limits must be looked at again; nullopt = never. Never later than a limit is reached.
  [[nodiscard]] std::optional<std::int64_t> deadline(std::int64_t now) const;
  /// The limit that is reached, if any.
  [[nodiscard]] std::optional<Error> expired(std::int64_t now) const;

  /// What curl's verdict means, after what this transfer itself broke off for.
  [[nodiscard]] std::optional<Error> error_of(CURLcode code) const;
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_relaxed); }
  /// Calls on_end, once.
  void end(std::optional<Error> error);

  // For the engine.
  bool counted = false;  ///< among the active ones
  bool probe = false;    ///< its origin's others wait for its connection
  bool timed = false;    ///< `place` is valid
  Deadlines::iterator place;

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static int on_connected(void* self, char*, char*, int, int);

  bool header_line(std::string_view line);
  bool body_bytes(std::string_view bytes);
  bool break_off(ErrorCode code, std::string message);
  void note_byte();
  [[nodiscard]] std::int64_t elapsed_ms() const;

  std::shared_ptr<ClientEngine> engine_;
  ClientRequest request_;
  std::shared_ptr<ResponseHandler> handler_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  ResponseHead head_;
  bool head_done_ = false;
  std::size_t body_bytes_ = 0;
  std::optional<Error> broken_off_;  ///< why a callback refused to go on
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::int64_t started_loop_ms_ = 0;
  std::int64_t first_byte_ms_ = 0;
  std::int64_t last_byte_loop_ms_ = 0;
  bool connected_ = false;
  std::atomic<bool> ended_{false};
  std::array<char, CURL_ERROR_SIZE> curl_text_{};
};

}  // namespace muster::http
