#pragma once
// From configuration to agents that can be started: prompts, tools, rights and models of each role.

#include <functional>
#include <set>
#include <string>

#include "actors/agent_profile.hpp"
#include "config/agents.hpp"
#include "config/config.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// The scheduler's key of a model: provider and model, as the config spells them.
[[nodiscard]] std::string lane_of(const config::ModelName& name);

/// One profile per role of the team, without the tools that are left out. A role without a model
/// gets a profile without one: its first session fails with that reason. Errors: an unknown
/// provider or a missing key variable of a first choice, named. A fallback that cannot be used for
/// want of a key is left out, and `warn` told once.
Result<Roster> make_roster(const config::Config& config, const config::Team& team,
                           const config::Environment& environment,
                           const std::set<std::string>& left_out,
                           const std::function<void(const std::string&)>& warn);

}  // namespace muster
