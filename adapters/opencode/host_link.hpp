#pragma once
// What the engine asks of an OpenCode, through the plugin that is connected: each ask is answered
// once, by the plugin, by its deadline, or by the end of the connection.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "adapters/io/io_loop.hpp"
#include "runtime/core/result.hpp"

namespace muster::opencode {

/// Thread-safe. The IoLoop must outlive it.
class HostLink {
 public:
  using Done = std::function<void(Result<nlohmann::json>)>;
  /// Sends one ask to the plugin: what, its number, its parameters.
  using Send = std::function<void(nlohmann::json params)>;

  explicit HostLink(IoLoop& loop);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  /// From now on this plugin is asked; what another one was asked has failed.
  void attach(Send send);
  /// Nobody is there any more; `on_lost` is called, then what was asked fails with code network.
  void detach();
  [[nodiscard]] bool attached() const;
  /// Blocks until somebody is connected, at most so long; whether somebody is.
  bool wait_attached(std::chrono::milliseconds patience) const;
  /// Called when the connection ends, on the thread that ends it. Set once, before attach().
  void on_lost(std::function<void()> lost);

  /// `done` is called once, on any thread, never before ask() has returned. Errors: network (nobody
  /// is connected, or not any more), timeout, and the plugin's own.
  void ask(const std::string& what, nlohmann::json params, Done done);
  /// The plugin's answer; false: to nothing that is still waited for.
  bool answer(std::uint64_t id, Result<nlohmann::json> result);

 private:
  struct Asked {
    Done done;
    std::shared_ptr<IoTimer> timer;
  };
  void fail_all(const Error& error);

  IoLoop& loop_;
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  Send send_;  // guarded by mutex_, as is what follows
  std::function<void()> lost_;
  std::map<std::uint64_t, Asked> asked_;
  std::uint64_t last_ = 0;
  // Timers may fire while it goes away.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace muster::opencode
