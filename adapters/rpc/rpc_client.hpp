#pragma once
// A plain blocking client of the control socket, for commands in a second terminal.

#include <chrono>
#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "adapters/io/unique_fd.hpp"
#include "adapters/rpc/json_rpc.hpp"
#include "runtime/core/result.hpp"

namespace muster::rpc {

struct Notification {
  std::string method;
  nlohmann::json params;
};

/// One connection. One thread. Movable.
class RpcClient {
 public:
  /// Connects and initializes. Errors: unavailable (no engine serves there), timeout, and what the
  /// engine says.
  static Result<RpcClient> connect(const std::string& socket_path,
                                   std::chrono::milliseconds timeout);

  /// Sends a request and waits for its answer; notifications that come meanwhile are kept (the
  /// newest 4096) for next(). Errors: timeout, unavailable (the engine went away), and what the
  /// engine says.
  Result<nlohmann::json> call(const std::string& method, const nlohmann::json& params,
                              std::chrono::milliseconds timeout);

  /// The next notification; nullopt when none came in time or a signal came. Errors: unavailable at
  /// the end.
  Result<std::optional<Notification>> next(std::chrono::milliseconds timeout);

  /// What the engine said to initialize.
  [[nodiscard]] const nlohmann::json& server() const noexcept { return server_; }

 private:
  explicit RpcClient(UniqueFd fd) : fd_(std::move(fd)) {}
  using Clock = std::chrono::steady_clock;
  enum class Wait { ready, timed_out, interrupted };

  Status send(std::string_view line, Clock::time_point deadline);
  Result<Wait> wait(short events, Clock::time_point deadline);
  /// Reads what is there; frames go to frames_.
  Status receive();

  UniqueFd fd_;
  LineFramer framer_;
  std::deque<LineFramer::Frame> frames_;
  std::deque<Notification> notifications_;
  std::uint64_t next_id_ = 1;
  nlohmann::json server_;
};

/// Copies between two descriptors and the control socket until either side ends: `muster serve
/// --stdio`. The input's end is passed on, answers that are under way still arrive. Blocks. Errors:
/// unavailable, io_error.
Status bridge_stdio(const std::string& socket_path, int in_fd, int out_fd);

}  // namespace muster::rpc
