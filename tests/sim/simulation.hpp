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
  /// The engine of one workspace, whatever life of it.
  struct Engine {
    const MissionPlan* plan = nullptr;
    EngineLife* now = nullptr;    ///< null between a crash and the restart
    std::optional<int> crash_in;  ///< steps
    std::uint64_t seed = 0;       ///< of the crash
    bool crash_again = false;     ///< while it recovers
  };
  [[nodiscard]] Outside outside() {
    return {world_, ledger_, disk_, provider_, trees_, scenario_, options_};
  }
  void begin_life(Engine& engine, bool again);
  void play();
  void inject_due();
  void inject(const PlannedFault& fault);
  void crash(Engine& engine);
  void check_lives();
  void stop_in_time();
  void settle();
  void check_end(const MissionPlan& plan);
  void compare_rebuilt(const std::string& mission);
  [[nodiscard]] EngineLife* engine_of(const std::string& mission);
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
  bool stopped_ = false;
  std::vector<std::unique_ptr<EngineLife>> lives_;  ///< all: actors of earlier ones may linger
  std::vector<Engine> engines_;
};

}  // namespace muster::sim
