#pragma once
// From a command line to a workspace with its configuration.

#include <string>

#include "adapters/cli/command_line.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "runtime/core/result.hpp"

namespace muster {

struct Workspace {
  config::Environment environment;
  config::WorkspacePaths paths;
  config::Loaded config;
};

/// Finds the workspace (the git work tree around the folder, else the folder itself) and loads its
/// configuration. Warnings are not printed.
Result<Workspace> open_workspace(const cli::CommandLine& line,
                                 const config::Environment& environment);

/// The mission that is meant: the given one, else the newest of the journal; not_found when there
/// is none.
Result<std::string> choose_mission(const Workspace& workspace, const std::string& given);

/// Whether the journal holds anything of this mission.
bool has_mission(const Workspace& workspace, const std::string& mission);

/// This program's own file: OpenCode's plugin starts it.
Result<std::string> own_path();

}  // namespace muster
