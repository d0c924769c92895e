#pragma once
// Runs one mission in this process from start to end: engine, control socket, view, signals, exit
// code.

#include <optional>
#include <string>

#include "adapters/cli/command_line.hpp"
#include "adapters/ui/view.hpp"
#include "runtime/boot/engine.hpp"

namespace muster {

struct RunOptions {
  EngineOptions engine;
  cli::ViewOptions view;
  std::optional<MissionStarted> start;  ///< a new mission ...
  std::string id;                       ///< of the new mission; empty = a fresh one
  std::string resume;                   ///< ... or one of the journal
  bool by_keeper = false;               ///< resumed after a crash: no person asked for it
  bool show_diff = false;               ///< print the mission's diff when it was sealed (the demo)
};

/// Blocks until the mission ended, paused, or needs the user without a terminal. Returns the
/// process's exit code. Call it from the main thread of an engine process, with SIGINT and SIGTERM
/// blocked (block_signals()).
int run_mission(RunOptions options);

/// Blocks SIGINT and SIGTERM for this thread and all it will start; run_mission waits for them.
void block_signals();

/// JSON Lines, a live picture on a terminal, or a line per event.
std::unique_ptr<ui::View> choose_view(const cli::ViewOptions& wanted,
                                      const config::Environment& environment);

/// Serves the control socket until a signal comes or the engine fails: `muster serve`. `stdio`: or
/// until stdin ends.
int serve(EngineOptions options, bool stdio);

}  // namespace muster
