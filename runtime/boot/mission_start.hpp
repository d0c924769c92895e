#pragma once
// From the configuration to the first event of a mission.

#include <string>

#include "config/config.hpp"
#include "runtime/core/events.hpp"

namespace muster {

/// A mission of this kind within the configured limits; the engine fills in id, workspace and time.
[[nodiscard]] MissionStarted mission_start(const config::Config& config, MissionKind kind,
                                           const std::string& objective);

/// Whether there is a model for those without whom no mission can work.
[[nodiscard]] bool has_models(const config::Config& config);

}  // namespace muster
