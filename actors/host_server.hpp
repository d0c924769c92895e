#pragma once
// Keeps the server of a host at hand: one that ends is started again, with backoff. DESIGN §3.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/core/backoff.hpp"
#include "runtime/ports/host_server.hpp"

namespace muster {

struct HostServerConfig {
  BackoffPolicy backoff{500, 200, 20'000, 2.0, 60'000};
  std::uint64_t seed = 1;  ///< of the backoff's jitter
  /// For the log: why it ended. Called in the actor, must not block. May be empty.
  std::function<void(const Error&)> on_ended;
};

/// A child for a supervisor: `host_server`. The server lives as long as its actor.
[[nodiscard]] ChildSpec host_server_child(caf::actor_system& system,
                                          std::shared_ptr<HostServerPort> port,
                                          HostServerConfig config = {});

class KeptHostServer {
 public:
  KeptHostServer(compat::Self<host_server_actor> self, std::shared_ptr<HostServerPort> port,
                 HostServerConfig config);
  compat::Behavior<host_server_actor> make_behavior();

  static constexpr const char* name = "host_server";

 private:
  using State = HostServerStatus::State;

  void start();
  void ready();
  void ended(const Error& why);

  compat::Self<host_server_actor> self_;
  const std::shared_ptr<HostServerPort> port_;
  const HostServerConfig config_;
  HostServerStatus status_;
  std::shared_ptr<HostServer> server_;
  Backoff backoff_;
  std::mt19937_64 random_;
  compat::Timer retry_;
};

}  // namespace muster
