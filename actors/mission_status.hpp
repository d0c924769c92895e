#pragma once
// What a mission tells people about itself, as JSON: the status of the control protocol, its
// questions, its outcome.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "messages/values.hpp"
#include "runtime/core/gate.hpp"
#include "runtime/core/state.hpp"
#include "runtime/core/todo.hpp"

namespace muster {

/// As text; ill-formed UTF-8 becomes U+FFFD.
[[nodiscard]] std::string dumped(const nlohmann::json& value);
[[nodiscard]] nlohmann::json view_to_json(const SessionView& view);
/// The status of docs/control-protocol.md; `now_ms` is wall time.
[[nodiscard]] nlohmann::json status_to_json(const State& state,
                                            const std::vector<SessionView>& agents,
                                            std::int64_t now_ms);
/// Adds slots and lanes to a status; pauses as wall time.
void add_slots(nlohmann::json& status, const SchedulerStatus& slots, std::int64_t now_ms);
/// Adds the jobs that run or wait, oldest first, at most 64.
void add_jobs(nlohmann::json& status, const JobList& jobs);
[[nodiscard]] nlohmann::json questions_to_json(const State& state);
/// {outcome, exit_code, reason, ...}: how the mission ended, with its evidence.
[[nodiscard]] nlohmann::json outcome_to_json(const State& state);
/// 0 sealed or answered, 1 failed, 4 a limit, 130 stopped, 3 needs the user, -1 under way.
[[nodiscard]] int exit_code_of(const State& state);
[[nodiscard]] std::vector<TodoItem> todo_items_of(const State& state);

}  // namespace muster
