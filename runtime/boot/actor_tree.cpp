#include "runtime/boot/actor_tree.hpp"

#include <atomic>
#include <utility>

namespace muster {
namespace {

// Intensities multiply down a tree, and a mission that takes its time to fold its journal crashes
// too slowly for any of them: without a count of its own it would do so for ever.
constexpr std::size_t mission_crashes = 10;
constexpr std::int64_t mission_crash_period_ms = 30 * 60 * 1000;

}  // namespace

ActorTree::ActorTree(caf::actor_system& system, ActorTreeParts parts)
    : system_(system), parts_(std::move(parts)) {
  auto notify = [this](const Notice& notice) { this->notify(notice); };
  parts_.scheduler.notify = notify;
  parts_.jobs.notify = notify;
}

Status ActorTree::start() {
  auto core = supervisor("core", Strategy::rest_for_one);
  core.children = {journal_child(), scheduler_child(), jobs_child(), missions_child()};
  auto engine = supervisor("engine", Strategy::one_for_one);
  engine.children = {notifier_child(), hosts_child()};
  if (parts_.language_port) engine.children.push_back(languages_child());
  engine.children.push_back(supervisor_child(system_, std::move(core)));
  auto started = start_supervisor(system_, std::move(engine));
  if (!started) return started.error();
  root_ = *started;
  return ok_status();
}

SupervisorSpec ActorTree::supervisor(const std::string& name, Strategy strategy) {
  SupervisorSpec spec;
  spec.name = name;
  spec.strategy = strategy;
  spec.registry = registry_;
  spec.on_event = [this](const SupervisorEvent& event) { on_event(event); };
  return spec;
}

ChildSpec ActorTree::notifier_child() {
  return {"notifier", [this]() -> Result<caf::actor> {
            return compat::untyped(spawn_notifier(system_, parts_.sinks));
          }};
}

/// A dynamic supervisor forgets the children that were added while it ran, so they are kept here:
/// each of its starts begins with those of `kept`, which is called with mutex_ held.
ChildSpec ActorTree::dynamic_child(const std::string& name,
                                   std::function<std::vector<ChildSpec>()> kept) {
  ChildSpec child;
  child.id = name;
  child.shutdown = NoBudget{};
  child.start = [this, name, kept = std::move(kept)]() -> Result<caf::actor> {
    auto spec = supervisor(name, Strategy::dynamic);
    {
      std::lock_guard lock(mutex_);
      spec.children = kept();
    }
    auto started = start_supervisor(system_, std::move(spec));
    if (!started) return started.error();
    return compat::untyped(*started);
  };
  return child;
}

/// Beside the core: while a host's server is away its sessions wait, others go on.
ChildSpec ActorTree::hosts_child() {
  return dynamic_child("hosts", [this] {
    return host_ ? std::vector<ChildSpec>{*host_} : std::vector<ChildSpec>{};
  });
}

ChildSpecPtr ActorTree::host_child(std::shared_ptr<HostServerPort> port, HostServerConfig config) {
  auto child = host_server_child(system_, std::move(port), std::move(config));
  std::lock_guard lock(mutex_);
  host_ = child;
  return std::make_shared<const ChildSpec>(std::move(child));
}

void ActorTree::forget_host() {
  std::lock_guard lock(mutex_);
  host_.reset();
}

/// Beside the core: without diagnostics missions go on. The desk is started again with the servers'
/// supervisor, which then knows none of those that there were.
ChildSpec ActorTree::languages_child() {
  auto servers = language_servers_spec(registry_);
  servers.on_event = [this](const SupervisorEvent& event) { on_event(event); };
  auto languages = supervisor("languages", Strategy::rest_for_one);
  languages.children = {supervisor_child(system_, std::move(servers)),
                        {"language_desk", [this]() -> Result<caf::actor> {
                           return compat::untyped(compat::spawn<Languages, languages_actor>(
                               system_, registry_, parts_.language_port, parts_.languages));
                         }}};
  return supervisor_child(system_, std::move(languages));
}

/// By name, at each use: whoever asks outlives the desk.
LanguageAccess ActorTree::language_access() const {
  if (!parts_.language_port) return {};
  return {parts_.language_port,
          [registry = registry_] { return registry->whereis<languages_actor>("language_desk"); }};
}

ChildSpec ActorTree::journal_child() {
  return {"journal", [this]() -> Result<caf::actor> {
            return compat::untyped(
                spawn_journal(system_, parts_.store, parts_.blocking, {.backlog = backlog_}));
          }};
}

ChildSpec ActorTree::scheduler_child() {
  return {"scheduler", [this]() -> Result<caf::actor> {
            return compat::untyped(spawn_scheduler(system_, parts_.scheduler));
          }};
}

ChildSpec ActorTree::jobs_child() {
  auto start = [this]() -> Result<caf::actor> {
    return compat::untyped(spawn_jobs(system_, parts_.processes, parts_.jobs));
  };
  return {"jobs", start, Restart::permanent, std::chrono::milliseconds(10000)};
}

ChildSpec ActorTree::missions_child() {
  return dynamic_child("missions", [this] {
    std::vector<ChildSpec> out;
    for (const auto& id : started_) out.push_back(known_.at(id));
    return out;
  });
}

ChildSpecPtr ActorTree::mission_child(MissionSpec spec, std::function<MissionDeps()> deps) {
  auto child = std::make_shared<ChildSpec>();
  child->id = spec.mission;
  child->restart = Restart::transient;
  // A person's wish to go on is one wish: a mission that crashes later keeps its pause.
  auto wish = std::make_shared<std::atomic<bool>>(spec.end_pause);
  child->start = [this, spec, wish, deps = std::move(deps)]() mutable -> Result<caf::actor> {
    spec.end_pause = wish->exchange(false);
    {
      std::lock_guard lock(mutex_);
      auto worn_out = worn_out_.find(spec.mission);
      if (worn_out != worn_out_.end()) return worn_out->second;
      started_.insert(spec.mission);
    }
    auto all = deps();
    all.session.scheduler = registry_->whereis<scheduler_actor>("scheduler");
    all.session.jobs = registry_->whereis<jobs_actor>("jobs");
    all.session.journal = registry_->whereis<journal_actor>("journal");
    all.session.languages = language_access();
    all.notifier = registry_->whereis<notifier_actor>("notifier");
    return compat::untyped(compat::spawn<Mission, mission_actor>(system_, spec, std::move(all)));
  };
  std::lock_guard lock(mutex_);
  known_[child->id] = *child;
  return child;
}

void ActorTree::on_event(const SupervisorEvent& event) {
  bool quit = event.kind == SupervisorEvent::Kind::ended && event.error.message.empty();
  if (quit && event.supervisor == "missions") {
    std::lock_guard lock(mutex_);
    started_.erase(event.child);
  }
  if (event.supervisor == "missions" && event.kind == SupervisorEvent::Kind::ended && !quit)
    count_crash(event);
  if (parts_.on_event) parts_.on_event(event);
}

void ActorTree::count_crash(const SupervisorEvent& event) {
  std::lock_guard lock(mutex_);
  auto& crashes =
      crashes_.try_emplace(event.child, mission_crashes, mission_crash_period_ms).first->second;
  if (crashes.allow(compat::meter_ns(system_.clock()) / 1'000'000)) return;
  auto what = "mission " + event.child + " crashed more than " + std::to_string(mission_crashes) +
              " times within half an hour: " + event.error.message;
  worn_out_.insert_or_assign(event.child, Error{ErrorCode::limit_reached, what, event.child});
}

void ActorTree::let_go() {
  root_ = nullptr;
  registry_ = std::make_shared<Registry>();
}

void ActorTree::notify(const Notice& notice) {
  compat::post(registry_->whereis<notifier_actor>("notifier"), publish_atom_v,
               std::make_shared<const Notice>(notice));
}

}  // namespace muster
