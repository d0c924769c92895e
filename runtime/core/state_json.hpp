#pragma once
// A mission's state as JSON: what a snapshot in the journal holds, so that a start need not fold
// everything from the beginning.

#include <nlohmann/json_fwd.hpp>

#include "runtime/core/result.hpp"
#include "runtime/core/state.hpp"

namespace muster {

/// The form in which states are written. Any change of State is a new one, unless its default says
/// the truth about older states: then a member that is missing keeps it. Snapshots of another form
/// than this are not read; the events that made them always are.
inline constexpr int state_version = 1;

/// All of it, derived members too, but for `index`.
[[nodiscard]] nlohmann::json state_to_json(const State& state);
/// Inverse: what applies to the one applies to the other from there on. invalid_argument when
/// another version of muster wrote it, corrupt when it is no state.
Result<State> state_from_json(const nlohmann::json& in);

}  // namespace muster
