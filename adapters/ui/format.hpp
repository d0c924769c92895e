#pragma once
// Numbers, times and outcomes in words. Everything that goes to a terminal comes through here or
// through event_lines.hpp, where text from outside is stripped of escape sequences.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "adapters/ui/status_snapshot.hpp"

namespace muster::ui {

/// 0:07, 12:34, 1:02:03.
[[nodiscard]] std::string clock_text(std::int64_t ms);
/// 950, 12.3k, 4.5M.
[[nodiscard]] std::string count_text(std::int64_t count);
/// 2026-01-31T12:00:00.123Z.
[[nodiscard]] std::string utc_text(std::int64_t ms);
/// $0.0123, $12.30.
[[nodiscard]] std::string cost_text(double usd);

/// What an agent is doing, in words: its tool, or what it waits for. Safe for a terminal.
[[nodiscard]] std::string doing_text(const StatusSnapshot::Agent& agent);

/// `muster status`: the whole picture, for a terminal of so many columns.
[[nodiscard]] std::string status_text(const StatusSnapshot& status, std::size_t columns,
                                      std::int64_t now_ms);

/// `muster ps`: a line for each agent and each job that is at work.
[[nodiscard]] std::string process_text(const StatusSnapshot& status, std::size_t columns,
                                       std::int64_t now_ms);

/// How a mission ended, from the data of mission_ended, in a few lines. Safe for a terminal.
[[nodiscard]] std::string summary_text(const nlohmann::json& outcome);

}  // namespace muster::ui
