#pragma once
// The engine's parts that sessions need, as the program puts them together (runtime/boot), in this
// process.

#include <atomic>
#include <caf/actor_system.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "adapters/http/http_client.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/io/worker_pool.hpp"
#include "adapters/model/direct_model.hpp"
#include "adapters/process/uv_process.hpp"
#include "benchmarks/support/crew.hpp"
#include "benchmarks/support/temp_folder.hpp"
#include "runtime/boot/actor_tree.hpp"

namespace muster::heap {

class SessionEngine {
 public:
  /// Sessions talk to the model server at `url`.
  static Result<std::unique_ptr<SessionEngine>> start(const std::string& url);
  ~SessionEngine();
  SessionEngine(const SessionEngine&) = delete;
  SessionEngine& operator=(const SessionEngine&) = delete;

  /// So many sessions at once, until all have ended, nothing of them runs and the journal has them
  /// on disk.
  Status round(std::size_t sessions);
  /// The same, but they are ended while they work.
  Status round_cut_short(std::size_t sessions);

 private:
  explicit SessionEngine(std::string url);
  Status open();
  bench::CrewPlan plan(std::size_t sessions);
  Status flush();
  Status wait_for_the_end() const;

  std::string url_;
  bench::TempFolder folder_;
  IoLoop loop_;
  std::shared_ptr<WorkerPool> pool_;
  std::shared_ptr<UvProcessPort> processes_;
  std::unique_ptr<http::HttpClient> http_;
  std::unique_ptr<model::DirectModel> model_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<const AgentProfile> profile_;
  std::shared_ptr<bench::Tally> tally_;
  mission_actor crew_;    // all rounds have one owner, as the sessions of a mission have
  std::size_t told_ = 0;  // ends of its sessions
  compat::SystemConfig config_;
  std::unique_ptr<ActorTree> tree_;  // before the system: actors call it
  std::unique_ptr<caf::actor_system> system_;
  std::size_t resting_ = 0;  // actors, when no session is there
  std::atomic<std::size_t> sessions_{0};
};

}  // namespace muster::heap
