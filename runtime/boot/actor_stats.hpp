#pragma once
// What the meter and the watchdog know, as it is told to people and programs
// (docs/control-protocol.md).

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "messages/values.hpp"
#include "runtime/core/actor_meter.hpp"
#include "runtime/core/watchdog.hpp"

namespace muster {

/// {"classes": [...], "running": [...]}, at this moment of the actors' clock.
[[nodiscard]] nlohmann::json actors_to_json(ActorMeter& meter, std::int64_t now_ns);

/// A line for the log.
[[nodiscard]] std::string text_of(const WatchdogReport& report);
/// For front ends; a tick, as it says nothing about a mission.
[[nodiscard]] Notice notice_of(const WatchdogReport& report);

}  // namespace muster
