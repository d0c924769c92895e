#pragma once
// The engine put together: threads, adapters, the supervision tree, and the doors to it for
// launchers. DESIGN §3.

#include <functional>
#include <memory>
#include <string>

#include "config/config.hpp"
#include "config/paths.hpp"
#include "messages/values.hpp"
#include "runtime/core/events.hpp"
#include "runtime/core/result.hpp"

namespace muster {

class HostServerPort;
class IoLoop;
namespace opencode {
class HostLink;
class HostedModel;
}  // namespace opencode

struct EngineOptions {
  config::Config config;
  config::Environment environment;
  config::WorkspacePaths paths;
  std::string program = "/proc/self/exe";  ///< starts jobs as `<program> __job`
  std::size_t threads = 0;                 ///< actor threads; 0 = as many as cores, at most 4
  bool new_test_rule = true;  ///< a change of behaviour needs a test that fails on the base
};

/// Whether a mission of this kind works in the user's own tree.
[[nodiscard]] bool shares_tree(const config::Config& config, MissionKind kind);

/// What the journal says about a mission.
struct LastMission {
  std::string id;
  bool ended = false;
  bool end_told = false;  ///< somebody has heard of it
};

/// One engine of one workspace. Its methods may be called from any thread but the I/O loop's and
/// the actors'; they block.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> start(EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// A fresh id: sorts by time, unique in this workspace.
  [[nodiscard]] static std::string new_mission_id();
  /// Starts a mission; conflict while another one runs here (M2). One that has ended makes room.
  Status start_mission(const std::string& id, MissionStarted start);
  /// Goes on with a mission of the journal; conflict as above. `end_pause`: a person asked for it,
  /// so a pause ends; else it survives.
  Status resume_mission(const std::string& id, bool end_pause);
  /// The newest mission of the journal; not_found when there is none. Blocks: reads the journal.
  Result<LastMission> last_mission();
  /// Whether a mission is here that has not ended.
  [[nodiscard]] bool mission_at_work();
  /// Runs `task`, which may block and call this object, on a pool thread.
  void run_blocking(std::function<void()> task);
  /// The mission that runs or ran last in this engine; "" = none.
  [[nodiscard]] std::string current_mission() const;
  /// Asks the current mission; the answer is JSON. unavailable when there is none. `actors` is
  /// answered by the engine itself, without a word to any actor.
  Result<std::string> control(const std::string& method, const std::string& params);
  /// The same without blocking: `reply` is called on a pool thread.
  void control_async(std::string method, std::string params,
                     std::function<void(Result<std::string>)> reply);

  /// Keeps the server of a host at hand until end_host(); conflict when there is one already.
  Status keep_host(std::shared_ptr<HostServerPort> port);
  void end_host();
  Result<HostServerStatus> host_status();

  /// Every notice from now on, on the notifier's thread; must not block. `passive`: see SinkSpec.
  void subscribe(const std::string& id, std::function<void(const Notice&)> sink,
                 bool passive = false);
  void unsubscribe(const std::string& id);

  /// `told` is called once, on any thread, when the engine cannot go on: its root supervisor gave
  /// up. At once when that has been already. Nothing of it works any more then; stop() it and end
  /// the process. It must not block.
  void on_failure(std::function<void(const Error&)> told);

  [[nodiscard]] IoLoop& loop();
  /// The way to an OpenCode that runs sessions for this engine, and those sessions. As long-lived
  /// as the engine; after stop() both only refuse.
  [[nodiscard]] opencode::HostLink& host_link();
  [[nodiscard]] opencode::HostedModel& hosted_model();
  [[nodiscard]] const EngineOptions& options() const;

  /// Stops all actors in reverse order, ends all jobs, closes the store. Idempotent.
  void stop();

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace muster
