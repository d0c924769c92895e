#pragma once
// Inside of the mission machine: what the event handlers do to tasks and to the mission. Only
// apply.cpp and settle.cpp include it.

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/core/state.hpp"

namespace muster::machine {

// ---- tasks

[[nodiscard]] std::size_t position_of(const State& state, const TaskState& task);
/// The only place that changes a stage: keeps counters, leases, landing queue and marks true.
void set_stage(State& state, TaskState& task, Stage stage);
/// Appends a task; link_tasks() must follow.
void add_task(State& state, TaskSpec spec);
/// Links dependants and finds what can start, after tasks were added from position `first` on.
void link_tasks(State& state, std::size_t first);
[[nodiscard]] std::vector<std::string> task_ids(const State& state);
[[nodiscard]] PlanLimits plan_limits(const State& state);
/// Opens a question of the engine; returns its id. `task` empty: of the mission.
std::string ask(State& state, const std::string& task, std::string text);
/// The task waits for the user, who is asked.
void park(State& state, TaskState& task, const std::string& reason);
void fail_task(State& state, TaskState& task, const std::string& reason);
/// Counts an error; true when the same one was seen too often and the task has been parked.
bool trips_breaker(State& state, TaskState& task, const std::vector<std::string>& fingerprints,
                   const std::string& sample);
/// Back to a writing session, or to the end of the task's patience.
void write_again(State& state, TaskState& task, bool fixing);
[[nodiscard]] std::string first_message(const std::vector<ReviewFinding>& findings);
/// A verification or a reviewer said no: one round more, the findings to the fixer, unless the
/// breaker trips.
void reject(State& state, TaskState& task, std::vector<ReviewFinding> findings,
            std::vector<std::string> fingerprints);
void finish_task(State& state, TaskState& task);

// ---- who gets nowhere (climb.cpp)

/// A writing session of the task ended because it went round in circles: the rung that was said.
void climb(State& state, TaskState& task, const std::string& reason);
/// The planner's parts take the place of the whole; invalid ones make the next plan go another way.
void take_parts(State& state, TaskState& task, const std::vector<TaskSpec>& parts);
void decompose_failed(State& state, TaskState& task, const std::string& reason);
void on_stuck(State& state, const StuckDetected& event);
/// An iteration is over; `reasons` is what the next one is for, as far as it is known.
void end_iteration(State& state, std::vector<std::string> reasons);
/// A person said how to go on after iterations without progress.
void answer_progress(State& state, const std::string& text);

// ---- the mission

void end_mission(State& state, Phase phase, std::string reason, ErrorCode code);
void hit_limit(State& state, const std::string& name, const std::string& detail);
/// `reasons`: see end_iteration(). False when there is none left: the mission has ended then.
bool next_iteration(State& state, std::vector<std::string> reasons);
/// Forgets everything that was said about an integrated tree.
void clear_final(State& state);
/// A task of the engine's own making, from a finding, an open issue or a failing check; returns its
/// id. link_tasks() must follow.
std::string add_own_task(State& state, const std::string& title, const std::string& detail,
                         const std::string& file);
/// Checks of the final verification that fail and are neither waived nor as red as before.
[[nodiscard]] std::vector<ReviewFinding> failing_checks(const State& state);
/// Turns what still stands against the seal into tasks of a new iteration.
void add_follow_up_tasks(State& state, const std::vector<ReviewFinding>& findings);

/// Moves phases and starts tasks until nothing changes (settle.cpp).
void settle(State& state);

}  // namespace muster::machine
