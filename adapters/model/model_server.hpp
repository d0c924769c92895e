#pragma once
// `muster model-server`: the scripted model behind the chat-completions API, as a real HTTP server.

#include <cstdint>
#include <memory>
#include <string>

#include "adapters/model/scenario.hpp"
#include "runtime/core/result.hpp"

namespace muster {
class IoLoop;
}

namespace muster::scripted {

struct ModelServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0 = one that is free
};

/// Serves POST /v1/chat/completions, GET /v1/models, GET /stats and POST /reset (each also without
/// /v1) until it is destroyed. `muster demo` runs one in its own process.
class ModelServer {
 public:
  /// Any thread. `loop` outlives the server. Errors: those of http::HttpServer::start.
  static Result<std::unique_ptr<ModelServer>> start(IoLoop& loop, Scenario scenario,
                                                    ModelServerOptions options = {});
  /// Calls stop().
  ~ModelServer();
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;

  /// What a model's endpoint is configured with: "http://127.0.0.1:PORT/v1".
  [[nodiscard]] std::string base_url() const;
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// What GET /stats answers, as JSON text; empty when the loop has stopped. Any thread.
  [[nodiscard]] std::string stats() const;
  /// Closes everything. Any thread, idempotent.
  void stop();

 private:
  class Impl;
  explicit ModelServer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

struct ModelServerMain {
  std::string scenario;  ///< path of the file
  ModelServerOptions server;
};

/// The command: prints "listening on http://ADDRESS:PORT/v1" to stdout, serves until SIGINT or
/// SIGTERM, returns the exit code: 0, 1 when it cannot listen, 2 for a bad scenario (said on
/// stderr). Called from the main thread before there are others: it takes the two signals for
/// itself.
int model_server_main(const ModelServerMain& options);

}  // namespace muster::scripted
