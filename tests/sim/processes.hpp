#pragma once
// Processes with virtual durations: checks look at the tree, effects are counted, servers run until
// they are killed.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/ports/process.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/trees.hpp"

namespace muster::sim {

using TreesByMission = std::map<std::string, std::shared_ptr<Trees>>;

/// The process port of one life of the engine; its processes end with it.
class SimProcesses final : public ProcessPort {
 public:
  SimProcesses(World& world, Ledger& ledger, TreesByMission& trees, std::uint64_t seed,
               LifePtr life);
  std::shared_ptr<Process> start(ProcessSpec spec,
                                 std::function<void(ProcessExit)> on_exit) override;

  bool deaf = false;       ///< planted: kill() does nothing
  bool run_twice = false;  ///< planted: a command is run twice

 private:
  class Child;
  World& world_;
  Ledger& ledger_;
  TreesByMission& trees_;
  std::uint64_t seed_;
  LifePtr life_;
  std::uint64_t number_ = 0;
};

}  // namespace muster::sim
