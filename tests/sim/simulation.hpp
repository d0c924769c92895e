#pragma once
// One run: a seed's missions from their start to their end, with all that goes wrong in between.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/person.hpp"

namespace muster::sim {

struct Outcome {
  std::optional<Violation> violation;
  std::uint64_t hash = 0;
  Tally tally;
  std::uint64_t messages = 0;
  Micros virtual_time = 0;
  std::map<std::string, int> ends;  ///< phase -> missions
  std::vector<std::string> last_lines;
};

[[nodiscard]] Outcome simulate(const Options& options, bool trace = false);

/// A fault that was planned: what, and after how many journalled records.
struct PlannedFault {
  std::uint64_t at = 0;
  std::string name;
  std::uint64_t seed = 0;
};
[[nodiscard]] std::vector<PlannedFault> plan_faults(const Options& options,
                                                    const Scenario& scenario);

class Simulation {
 public:
  Simulation(const Options& options, bool trace);
  Outcome run();

 private:
  void begin_life(bool again);
  void play();
  void inject_due();
  void inject(const PlannedFault& fault);
  void kill_some_mission(Rng& random);
  void crash_engine();
  void check_life();
  void settle();
  [[nodiscard]] std::uint64_t patience() const;

  Options options_;
  Scenario scenario_;
  World world_;
  Ledger ledger_;
  Team team_;
  Provider provider_;
  Disk disk_;
  TreesByMission trees_;
  Person person_;
  std::deque<PlannedFault> faults_;
  std::vector<std::unique_ptr<EngineLife>> lives_;  ///< all: actors of earlier ones may linger
  EngineLife* engine_ = nullptr;                    ///< null between a crash and the restart
  std::optional<int> crash_in_;                     ///< steps
  std::uint64_t crash_seed_ = 0;
  bool crash_again_ = false;
};

}  // namespace muster::sim
