#include "actors/mission.hpp"
#include "runtime/core/ladder.hpp"

// A mission at which nothing happens for an hour gives its memory back: its actor stays, its state
// is on disk. The next message brings it back whole (D6).

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr auto projection_time = 1s;  // until todo.md, which is being written, is there

}  // namespace

/// Only what has ended, and what a person has paused. Never what runs, retries or waits for a
/// person.
bool Mission::is_idle() const {
  if (!loaded_ || journal_failure_) return false;
  bool nothing_runs = sessions_.empty() && verifiers_.empty() && rebuilds_.empty() &&
                      asking_.empty() && state_.open.empty();
  if (!nothing_runs) return false;
  if (ended_) return told_end_;
  return state_.paused && state_.questions.empty() && !needs_user(state_);
}

/// Called after whatever happened here. The time runs from the first moment of idleness on.
void Mission::watch_idleness() {
  if (!is_idle()) return idle_timer_.cancel();
  if (!idle_timer_.armed()) arm_idle_timer(spec_.passivate_after);
}

void Mission::arm_idle_timer(std::chrono::milliseconds delay) {
  idle_timer_ = compat::run_delayed(self_, delay, [this] {
    idle_timer_.cancel();
    passivate();
  });
}

/// What is lazily on its way to the disk must be there before it is forgotten here.
void Mission::passivate() {
  if (!is_idle()) return;
  compat::request(
      self_, deps_.session.journal, request_deadline,
      [this] {
        if (!is_idle()) return;
        if (projecting_) return arm_idle_timer(projection_time);
        forget_state();
      },
      [this](const Error&) { watch_idleness(); }, flush_atom_v, spec_.mission);
}

void Mission::forget_state() {
  publish("mission_passivated", "{}");
  passivated_ = true;
  loaded_ = false;
  clock_.cancel();
  todo_timer_.cancel();
  intent_floor_ = std::max(intent_floor_, state_.next_intent);
  reset_state();
  facts_ = {};
}

void Mission::reset_state() {
  state_ = State{};
  state_.mission = spec_.mission;
  closed_tasks_.clear();
  task_epochs_.clear();
  rebuilds_.clear();
  effects_ = {};
}

/// Answers when the mission is back.
caf::result<std::string> Mission::wake(const ControlRequest& request) {
  auto promise = compat::promise<std::string>(self_);
  waiting_requests_.push_back({request, promise});
  if (!std::exchange(passivated_, false)) return promise;
  spec_.start.reset();
  spec_.end_pause = false;
  load();
  return promise;
}

void Mission::answer_waiting(const std::optional<Error>& failure) {
  for (auto& [request, promise] : std::exchange(waiting_requests_, {})) {
    if (failure)
      compat::fail(promise, *failure);
    else
      answer_request(request, promise);
  }
}

}  // namespace muster
