#pragma once
// An `opencode serve` of the engine's own, for missions without a person's OpenCode; or one that
// runs elsewhere. Either way the plugin in it is what talks to the engine.

#include <functional>
#include <memory>
#include <string>

#include "adapters/http/http_client.hpp"
#include "adapters/io/io_loop.hpp"
#include "runtime/ports/host_server.hpp"
#include "runtime/ports/process.hpp"

namespace muster::opencode {

struct ServerOptions {
  std::string binary = "opencode";  ///< looked up in PATH
  std::string url;                  ///< of a server that runs already; empty = one is started
  std::string workspace;            ///< absolute
  std::string state_dir;          ///< the workspace's: the plugin's files and a TMPDIR go below it
  std::string socket;             ///< of the engine, for the plugin
  std::string muster_binary;      ///< what the plugin starts as its bridge
  std::string user = "opencode";  ///< of HTTP's basic authentication
  std::string password;           ///< of `url`; a server of our own gets a fresh one
  std::string model;              ///< "provider/model", whose timeouts are set; may be empty
};

/// Starts such a server, or asks the one at `url`. Loop, processes and client outlive it and its
/// servers.
class OpenCodeServerPort final : public HostServerPort {
 public:
  /// `run_blocking` runs what blocks elsewhere.
  OpenCodeServerPort(IoLoop& loop, ProcessPort& processes, http::HttpClient& http,
                     std::function<void(std::function<void()>)> run_blocking,
                     ServerOptions options);
  /// Errors: as the port's. A server of our own has ended when its process has, or when it does not
  /// answer at its start.
  std::shared_ptr<HostServer> start(HostServerEvents events) override;

 private:
  IoLoop& loop_;
  ProcessPort& processes_;
  http::HttpClient& http_;
  const std::function<void(std::function<void()>)> run_blocking_;
  const ServerOptions options_;
};

}  // namespace muster::opencode
