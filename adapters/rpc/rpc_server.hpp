#pragma once
// The control socket: JSON-RPC 2.0, one message per line, on a unix socket that only its user can
// open.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "adapters/io/io_loop.hpp"
#include "runtime/core/result.hpp"

namespace muster::rpc {

using ClientId = std::uint64_t;
/// Answers one request: call it once, from any thread. A reply that is dropped without a call
/// answers with an internal error, so that no client waits for ever.
using Reply = std::function<void(Result<nlohmann::json>)>;
/// Called on the loop thread; must not block. `params` is an object. Exceptions become error
/// replies.
using Handler =
    std::function<void(std::string method, nlohmann::json params, ClientId client, Reply reply)>;

struct RpcServerOptions {
  std::string socket_path;     ///< at most 107 bytes
  bool private_folder = true;  ///< make the socket's folder 0700; false for a path the user chose
  std::set<std::string> methods;  ///< what the handler knows; anything else is refused here
  nlohmann::json info;            ///< object merged into the result of initialize
  std::function<void(ClientId)> on_disconnect;  ///< loop thread; may be empty
  std::size_t max_clients = 64;
  std::size_t max_in_flight =
      32;  ///< requests of one client; then it is not read until one is answered
  std::size_t notify_bytes =
      1U << 20U;  ///< unsent bytes of one client above which notifications are dropped
};

/// Serves until it is destroyed. The IoLoop must outlive it.
///
/// A client that reads slowly costs bounded memory: its notifications are dropped and, when it has
/// caught up, one `lagged` {dropped, first_seq, last_seq} tells it what to read again (with
/// `status`). Replies are never dropped; instead the client is not read while they pile up.
class RpcServer {
 public:
  /// Binds and listens; a stale socket is replaced. Errors: conflict (somebody serves there),
  /// invalid_argument (path too long), io_error and its like. Not from the loop thread.
  static Result<std::unique_ptr<RpcServer>> listen(IoLoop& loop, RpcServerOptions options,
                                                   Handler handler);
  /// Closes every connection and removes the socket. Not from the loop thread.
  ~RpcServer();
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  /// Sends a notification to one client; does nothing when it is gone. Thread-safe.
  void notify(ClientId client, std::string method, nlohmann::json params);
  /// The path that clients connect to.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  class Core;
  RpcServer(IoLoop& loop, std::shared_ptr<Core> core, std::string path);

  IoLoop& loop_;
  std::shared_ptr<Core> core_;
  std::string path_;
};

}  // namespace muster::rpc
