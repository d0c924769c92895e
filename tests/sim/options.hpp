#pragma once
// What a simulation is asked for, and how that is written on a command line.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::sim {

/// Everything that decides a run, so that the same values give the same run.
struct Options {
  std::uint64_t seed = 1;
  int missions = 1;
  int agents = 20;               ///< most tasks of a mission, and most agents at work at once
  std::set<std::string> faults;  ///< by name; see all_faults()
  bool tame = false;             ///< agents only do good work
  int max_faults = -1;           ///< faults after so many are not injected; -1 = all
  std::string plant;             ///< a bug to be found; "" = none
  int tasks = 0;                 ///< of the first plan; 0 = the seed's choice
  std::uint64_t stop_at = 0;     ///< the user stops all missions after so many events; 0 = never
  bool operator==(const Options&) const = default;
};

/// The command line as a whole.
struct CommandLine {
  Options options;
  std::uint64_t seeds = 1;  ///< from options.seed on; bounded by $MUSTER_SIM_SEEDS
  bool trace = false;
  bool self_test = false;
  bool stop_everywhere = false;  ///< once for each event of the run
  std::uint64_t bound = 0;       ///< $MUSTER_SIM_SEEDS: of runs, for slow builds; 0 = none
  bool help = false;
};

[[nodiscard]] const std::vector<std::string>& all_faults();
Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments);
[[nodiscard]] std::string usage();
/// The command that runs exactly this.
[[nodiscard]] std::string command_of(const Options& options);

}  // namespace muster::sim
