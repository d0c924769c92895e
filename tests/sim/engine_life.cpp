#include "tests/sim/engine_life.hpp"

namespace muster::sim {
namespace {

/// Hears what front ends hear; sometimes nothing.
class Ear final : public NoticeSink {
 public:
  Ear(World& world, Ledger& ledger, LifePtr life, std::shared_ptr<Micros> deaf_until)
      : world_(world),
        ledger_(ledger),
        life_(std::move(life)),
        deaf_until_(std::move(deaf_until)) {}
  bool offer(const Notice& notice) override {
    if (life_->alive && world_.now() >= *deaf_until_) ledger_.notice(notice);
    return true;
  }

 private:
  World& world_;
  Ledger& ledger_;
  LifePtr life_;
  std::shared_ptr<Micros> deaf_until_;
};

Status guard(const std::string& command, const std::string&, RunRight right) {
  if (command.starts_with("rm")) return Error{ErrorCode::permission_denied, "refused (delete): no"};
  if (right == RunRight::verification && !command.starts_with("make"))
    return Error{ErrorCode::permission_denied, "verification only"};
  return ok_status();
}

}  // namespace

EngineLife::EngineLife(Outside outside, const MissionPlan& plan, int number)
    : outside_(outside), plan_(plan) {
  auto& world = outside_.world;
  auto life_name = mission() + "." + std::to_string(number);
  store_ = std::make_shared<DiskStore>(outside_.disk, life_);
  pool_ =
      std::make_shared<SimPool>(world, life_, stream(outside_.options.seed, {"pool", life_name}),
                                outside_.options.faults.contains("reorder"));
  processes_ = std::make_shared<SimProcesses>(world, outside_.ledger, outside_.trees,
                                              outside_.options.seed, life_);
  processes_->deaf = outside_.options.plant == "deaf-processes";
  processes_->run_twice = outside_.options.plant == "double-run";
  model_ = std::make_unique<SimModel>(outside_.provider, life_);
  ActorTreeParts parts;
  parts.store = store_;
  parts.blocking = pool_;
  parts.processes = processes_;
  parts.sinks = std::make_shared<NoticeSinks>();
  parts.scheduler = outside_.scenario.scheduler;
  if (outside_.options.plant == "extra-slot" && parts.scheduler.limits.global)
    ++*parts.scheduler.limits.global;
  parts.jobs = outside_.scenario.jobs;
  parts.on_event = [this](const SupervisorEvent& event) {
    if (!life_->alive) return;
    using Kind = SupervisorEvent::Kind;
    if (event.kind != Kind::started)
      outside_.ledger.say("supervisor " + event.supervisor + ": " + event.child + " " +
                          std::string(to_string(event.kind)) + " " + event.error.message);
    if (event.kind == Kind::gave_up && event.supervisor == "engine") gave_up_ = true;
  };
  auto sinks = parts.sinks;
  SinkSpec ear;
  ear.id = "ear";
  ear.sink = std::make_shared<Ear>(world, outside_.ledger, life_, deaf_until_);
  ear.capacity = 4096;
  sinks->sinks["ear"].spec = ear;
  tree_ = std::make_unique<ActorTree>(world.system(), std::move(parts));
  if (auto started = tree_->start(); !started)
    world.fail("start", "the tree did not start: " + started.error().text());
}

MissionDeps EngineLife::deps() {
  auto trees = outside_.trees.at(mission());
  MissionDeps out;
  out.session.model = model_.get();
  out.session.blocking = pool_.get();
  out.session.open_files = [trees, life = life_](const std::string& root) {
    return open_sim_files(trees, life, root);
  };
  out.session.guard = guard;
  out.session.wall_ms = [&world = outside_.world] { return world.wall_ms(); };
  out.store = store_.get();
  out.tree = std::make_shared<SimVersionControl>(trees, life_);
  for (const auto& [role, profile] : outside_.scenario.roster) {
    auto own = std::make_shared<AgentProfile>(*profile);
    for (auto& model : own->models) model.endpoint.api_key = mission();  // tells whose call it is
    out.roster[role] = own;
  }
  out.survey = [](const std::string&) {
    return ProjectFacts{
        {"C++"}, {{"test", "test", "make test", "", "Makefile"}}, "context", "", "src/old.cpp"};
  };
  out.builtin_check = [](const Verification&, const std::string& content) -> Result<std::string> {
    return content.find("BAD") == std::string::npos ? std::string() : std::string("it is bad");
  };
  out.is_verification = [](const std::string& command) { return command.starts_with("make"); };
  out.project = [](const std::string&, const std::string&,
                   const std::string&) -> Result<std::optional<std::string>> {
    return std::optional<std::string>();
  };
  return out;
}

void EngineLife::start_mission(bool resume) {
  MissionSpec spec;
  spec.mission = mission();
  spec.end_pause = resume;
  if (!resume) spec.start = plan_.start;
  if (spec.start) spec.start->at_ms = outside_.world.wall_ms();
  spec.session = outside_.scenario.session;
  spec.new_test_rule = outside_.scenario.new_test_rule;
  spec.snapshots = outside_.scenario.snapshots;
  auto child = tree_->mission_child(spec, [this] { return deps(); });
  auto started = [this, life = life_, resume](const Result<caf::actor>& handle) {
    if (handle.ok() || !life->alive) return;
    // Its supervisor may be on its way out: tried again by whoever wanted the mission.
    outside_.world.after(life, seconds, [this, resume] { start_mission(resume); });
  };
  outside_.world.ask<caf::actor>(tree_->missions(), started, start_child_atom_v, std::move(child));
}

void EngineLife::crash() {
  life_->alive = false;
  outside_.ledger.engine_gone(mission());
  compat::kill(tree_->root());
  pool_->crash();
  tree_->let_go();
}

void EngineLife::stop() {
  auto root = compat::untyped(tree_->root());
  compat::stop(tree_->root());
  for (int waited = 0; waited < 180 && !outside_.world.dead(root); ++waited)
    outside_.world.run_for(seconds);
  if (!outside_.world.dead(root)) outside_.world.fail("stop", "the engine does not stop");
  tree_->let_go();
}

void EngineLife::control(const std::string& method, const std::string& params,
                         std::function<void(Result<std::string>)> then) {
  auto handle = tree_->registry().whereis<mission_actor>(mission());
  if (!handle) return then(Error{ErrorCode::unavailable, "no mission is at work"});
  outside_.world.ask<std::string>(handle, std::move(then), control_atom_v,
                                  ControlRequest{method, params});
}

void EngineLife::kill(const std::string& name) { compat::kill(tree_->registry().find(name)); }

void EngineLife::lose_notices(Micros time) { *deaf_until_ = outside_.world.now() + time; }

void EngineLife::ask_scheduler(std::function<void(const SchedulerStatus&)> then) {
  auto scheduler = tree_->registry().whereis<scheduler_actor>("scheduler");
  if (!scheduler) return;
  auto answered = [then = std::move(then)](const Result<SchedulerStatus>& status) {
    if (status) then(*status);
  };
  outside_.world.ask<SchedulerStatus>(scheduler, answered, status_atom_v);
}

}  // namespace muster::sim
