#pragma once
// The stochastic mode: plausible work of every role, from a seed.

#include <optional>
#include <string_view>

#include "adapters/model/scripted_model.hpp"

namespace muster::scripted {

/// A line of this text in a file says that its author got it wrong; a reviewer that sees it added
/// (with a diff's '+' before it) rejects.
inline constexpr std::string_view kDefectMarker = "MUSTER-DEFECT";

/// What that role does next, by what its briefing asks for, the tools on offer and the agent's
/// name. Depends on the seed, agent, task, attempt and turn only: neither order nor time changes
/// it. Nothing for a role it cannot play.
std::optional<ScriptedReply> stochastic_reply(const Stochastic& mode, const Pace& defaults,
                                              const ScriptedRequest& request);

}  // namespace muster::scripted
