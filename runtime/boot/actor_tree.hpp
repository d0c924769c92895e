#pragma once
// The supervision tree of one engine, whatever its ports are made of: the program and the simulator
// run the same one. DESIGN §3.
//   engine (one_for_one) -> notifier, hosts (dynamic) -> host_server
//                           languages (rest_for_one) -> language_servers, language_desk
//                           core (rest_for_one) -> journal, scheduler, jobs, missions

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/host_server.hpp"
#include "actors/jobs.hpp"
#include "actors/journal.hpp"
#include "actors/languages.hpp"
#include "actors/mission.hpp"
#include "actors/notifier.hpp"
#include "actors/registry.hpp"
#include "actors/scheduler.hpp"
#include "actors/supervisor.hpp"
#include "runtime/core/intensity.hpp"
#include "runtime/ports/process.hpp"

namespace muster {

/// What the tree is started with. The ports outlive all actors.
struct ActorTreeParts {
  std::shared_ptr<Store> store;
  std::shared_ptr<Blocking> blocking;
  std::shared_ptr<ProcessPort> processes;
  std::shared_ptr<NoticeSinks> sinks;
  SchedulerConfig scheduler;                    ///< `notify` is set by the tree
  JobsConfig jobs;                              ///< `notify` is set by the tree
  std::shared_ptr<LanguagePort> language_port;  ///< null: there are no language servers
  LanguagesConfig languages;
  /// What happens to children; called on supervisors' threads, must not throw or block. May be
  /// empty.
  std::function<void(const SupervisorEvent&)> on_event;
};

/// Thread-safe after start(). It outlives all its actors.
class ActorTree {
 public:
  ActorTree(caf::actor_system& system, ActorTreeParts parts);
  ActorTree(const ActorTree&) = delete;
  ActorTree& operator=(const ActorTree&) = delete;

  /// Starts all that is not a mission, in order, on this thread. Once.
  Status start();
  /// A mission as a child of the supervisor "missions" (start_child). `deps` is called at every
  /// start, on the supervisor's thread; the actors among the dependencies are filled in here. A
  /// mission whose supervisor is restarted is started again with it; one that crashed ten times in
  /// half an hour is not, so that its supervisors give up.
  [[nodiscard]] ChildSpecPtr mission_child(MissionSpec spec, std::function<MissionDeps()> deps);

  /// The server of a host as a child of the supervisor "hosts" (start_child). It is started again
  /// with that supervisor, until forget_host().
  [[nodiscard]] ChildSpecPtr host_child(std::shared_ptr<HostServerPort> port,
                                        HostServerConfig config);
  void forget_host();

  /// Tells the front ends; lost while the notifier is down.
  void notify(const Notice& notice);
  /// Drops all handles: when the actors have ended, before the actor system goes.
  void let_go();

  [[nodiscard]] const supervisor_actor& root() const { return root_; }
  [[nodiscard]] supervisor_actor missions() const {
    return registry_->whereis<supervisor_actor>("missions");
  }
  [[nodiscard]] supervisor_actor hosts() const {
    return registry_->whereis<supervisor_actor>("hosts");
  }
  [[nodiscard]] const Registry& registry() const { return *registry_; }

 private:
  [[nodiscard]] ChildSpec journal_child();
  [[nodiscard]] ChildSpec scheduler_child();
  [[nodiscard]] ChildSpec jobs_child();
  [[nodiscard]] ChildSpec notifier_child();
  [[nodiscard]] ChildSpec dynamic_child(const std::string& name,
                                        std::function<std::vector<ChildSpec>()> kept);
  [[nodiscard]] ChildSpec hosts_child();
  [[nodiscard]] ChildSpec languages_child();
  [[nodiscard]] LanguageAccess language_access() const;
  [[nodiscard]] ChildSpec missions_child();
  [[nodiscard]] SupervisorSpec supervisor(const std::string& name, Strategy strategy);
  void on_event(const SupervisorEvent& event);
  void count_crash(const SupervisorEvent& event);

  caf::actor_system& system_;
  ActorTreeParts parts_;
  std::shared_ptr<Registry> registry_ = std::make_shared<Registry>();
  std::shared_ptr<JournalBacklog> backlog_ = std::make_shared<JournalBacklog>();
  supervisor_actor root_;
  std::mutex mutex_;
  std::optional<ChildSpec> host_;             ///< guarded by mutex_
  std::map<std::string, ChildSpec> known_;    ///< missions; guarded by mutex_
  std::set<std::string> started_;             ///< of these, who has not quit; guarded by mutex_
  std::map<std::string, Intensity> crashes_;  ///< of missions; guarded by mutex_
  std::map<std::string, Error> worn_out_;  ///< missions that crashed too often; guarded by mutex_
};

}  // namespace muster
