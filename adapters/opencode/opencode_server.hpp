#pragma once
// An `opencode serve` of the engine's own, for missions without a person's OpenCode; or one that
// runs elsewhere. Either way the plugin in it is what talks to the engine.

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/http/http_client.hpp"
#include "adapters/io/io_loop.hpp"
#include "runtime/core/backoff.hpp"
#include "runtime/core/result.hpp"
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
  /// One line for the log: it ended, it is started again.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

/// Keeps a server at hand from start() to its destruction: one that ends is started again, with
/// backoff. Loop, processes and client outlive it. Its callbacks run on the loop.
class OpenCodeServer : public std::enable_shared_from_this<OpenCodeServer> {
 public:
  static std::shared_ptr<OpenCodeServer> start(IoLoop& loop, ProcessPort& processes,
                                               http::HttpClient& http, ServerOptions options);
  OpenCodeServer(const OpenCodeServer&) = delete;
  OpenCodeServer& operator=(const OpenCodeServer&) = delete;

  /// Ends the server, if it is ours, and starts no other. Idempotent; any thread.
  void stop();
  /// What keeps it from being at hand, for a person; empty when nothing is known.
  [[nodiscard]] std::string trouble() const;

 private:
  OpenCodeServer(IoLoop& loop, ProcessPort& processes, http::HttpClient& http,
                 ServerOptions options);
  void launch();
  [[nodiscard]] ProcessSpec spec() const;
  void look_for_url();
  void wake_plugin(const std::string& url);
  void woken(const http::ClientResult& result);
  void ended(const ProcessExit& exit);
  void again(const std::string& why);

  IoLoop& loop_;
  ProcessPort& processes_;
  http::HttpClient& http_;
  ServerOptions options_;
  mutable std::mutex mutex_;
  bool stopped_ = false;  // guarded by mutex_, as is what follows
  std::string trouble_;
  std::shared_ptr<Process> process_;
  std::shared_ptr<IoTimer> timer_;
  Backoff backoff_{{500, 200, 20'000, 2.0, 60'000}};
};

}  // namespace muster::opencode
