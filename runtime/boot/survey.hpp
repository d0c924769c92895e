#pragma once
// What the engine finds out about a project by looking at its files.

#include <map>
#include <string>

#include "actors/mission.hpp"

namespace muster {

/// Reads the tree at `root`: stack, commands (those of the config win), rules for agents, a short
/// listing. Blocks.
[[nodiscard]] ProjectFacts survey_project(const std::string& root,
                                          const std::map<std::string, std::string>& configured);

}  // namespace muster
