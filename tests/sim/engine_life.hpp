#pragma once
// One life of the engine: the program's own actor tree on simulated ports, from start to crash.

#include <memory>
#include <string>

#include "runtime/boot/actor_tree.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/model.hpp"
#include "tests/sim/pool.hpp"
#include "tests/sim/processes.hpp"
#include "tests/sim/trees.hpp"

namespace muster::sim {

/// What is outside of the engine and survives it.
struct Outside {
  World& world;
  Ledger& ledger;
  Disk& disk;
  Provider& provider;
  TreesByMission& trees;
  const Scenario& scenario;
  const Options& options;
};

class EngineLife {
 public:
  /// The engine of that mission's workspace; `number`: of the life.
  EngineLife(Outside outside, const MissionPlan& plan, int number);
  EngineLife(const EngineLife&) = delete;
  EngineLife& operator=(const EngineLife&) = delete;

  /// A fresh mission, or (`resume`) one whose journal there is.
  void start_mission(bool resume);
  /// At once and without a word: whatever it still does has no effect.
  void crash();
  /// In order; returns when nothing of it lives, or an invariant is broken.
  void stop();

  void control(const std::string& method, const std::string& params,
               std::function<void(Result<std::string>)> then);
  /// Ends a supervised actor by its name.
  void kill(const std::string& name);
  void set_slow(bool slow) { pool_->slow = slow; }
  void lose_notices(Micros time);
  [[nodiscard]] const LifePtr& life() const { return life_; }
  [[nodiscard]] bool gave_up() const { return gave_up_; }
  void ask_scheduler(std::function<void(const SchedulerStatus&)> then);

 private:
  [[nodiscard]] MissionDeps deps();
  [[nodiscard]] const std::string& mission() const { return plan_.start.mission; }

  Outside outside_;
  const MissionPlan& plan_;
  LifePtr life_ = std::make_shared<Life>();
  std::shared_ptr<DiskStore> store_;
  std::shared_ptr<SimPool> pool_;
  std::shared_ptr<SimProcesses> processes_;
  std::unique_ptr<SimModel> model_;
  std::unique_ptr<ActorTree> tree_;
  std::shared_ptr<Micros> deaf_until_ = std::make_shared<Micros>(0);
  bool gave_up_ = false;
};

}  // namespace muster::sim
