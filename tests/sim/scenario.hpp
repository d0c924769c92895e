#pragma once
// What a seed generates before anything runs: the team, the limits, the missions.

#include <string>
#include <vector>

#include "actors/jobs.hpp"
#include "actors/mission.hpp"
#include "actors/scheduler.hpp"
#include "tests/sim/options.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/world.hpp"

namespace muster::sim {

/// One mission as it is started.
struct MissionPlan {
  MissionStarted start;
  int tasks = 1;            ///< of the first plan
  int files = 1;            ///< that the tasks share out among themselves
  double shared = 0;        ///< probability of a task to want a second file, maybe somebody else's
  double dependent = 0;     ///< probability of a task to depend on earlier ones
  bool small = false;       ///< the commander makes one task of it
  bool red_before = false;  ///< its checks fail at the base
  Micros begins = 0;
};

struct Scenario {
  SchedulerConfig scheduler;
  JobsConfig jobs;
  SessionLimits session;
  SnapshotBounds snapshots;
  bool new_test_rule = false;
  Roster roster;
  double mischief = 0;   ///< probability of an agent's turn to be a strange one
  double bad_work = 0;   ///< probability of a piece of work to be bad
  double rejection = 0;  ///< probability of a review to reject good work
  std::vector<MissionPlan> missions;
  [[nodiscard]] const MissionPlan& mission(const std::string& id) const;
};

[[nodiscard]] Scenario make_scenario(const Options& options);

}  // namespace muster::sim
