#pragma once
// The engine's side of the OpenCode plugin: the `opencode.*` methods of the control socket
// (docs/opencode.md), toasts, and the words that go into the session where a mission was asked for.

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "adapters/rpc/rpc_server.hpp"
#include "messages/values.hpp"
#include "runtime/boot/engine.hpp"

namespace muster {

class OpenCodeFront {
 public:
  /// Sends a notification to one client. Called from any thread.
  using Notify =
      std::function<void(rpc::ClientId client, const std::string& method, nlohmann::json params)>;

  /// The engine outlives it.
  OpenCodeFront(Engine& engine, Notify notify);
  ~OpenCodeFront();
  OpenCodeFront(const OpenCodeFront&) = delete;
  OpenCodeFront& operator=(const OpenCodeFront&) = delete;

  /// After it nothing is sent any more; what is under way on the pool ends by itself. Idempotent.
  void close();

  /// The methods that it answers.
  [[nodiscard]] static const std::set<std::string>& methods();

  /// One request. Does not block; any thread.
  void handle(const std::string& method, const nlohmann::json& params, rpc::ClientId client,
              rpc::Reply reply);
  void on_disconnect(rpc::ClientId client);
  /// A notice of the engine. Does not block; any thread.
  void on_notice(const Notice& notice);

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace muster
