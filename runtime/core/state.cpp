#include "runtime/core/state.hpp"

#include <algorithm>

namespace muster {

bool is_terminal(Stage stage) noexcept {
  return stage == Stage::done || stage == Stage::failed || stage == Stage::skipped ||
         stage == Stage::dropped || stage == Stage::parked;
}

bool is_terminal(Phase phase) noexcept {
  return phase == Phase::sealed || phase == Phase::answered || phase == Phase::stopped ||
         phase == Phase::failed;
}

bool is_active(Stage stage) noexcept {
  return !is_terminal(stage) && stage != Stage::pending && stage != Stage::waiting_lease;
}

const TaskState* State::task(const std::string& id) const {
  auto found = index.find(id);
  return found == index.end() ? nullptr : &tasks[found->second];
}

TaskState* State::task(const std::string& id) {
  auto found = index.find(id);
  return found == index.end() ? nullptr : &tasks[found->second];
}

const IntentIssued* State::intent(IntentId id) const {
  auto found = open.find(id);
  return found == open.end() ? nullptr : &found->second;
}

bool dependencies_met(const State& state, const TaskState& task) {
  return std::all_of(
      task.spec.depends_on.begin(), task.spec.depends_on.end(), [&](const std::string& id) {
        return std::all_of(state.tasks.begin(), state.tasks.end(), [&](const TaskState& other) {
          if (other.spec.id != id && !id_within(other.spec.id, id)) return true;
          return other.stage == Stage::done || other.stage == Stage::dropped;
        });
      });
}

void mark_all(State& state) {
  for (std::size_t i = 0; i < state.tasks.size(); ++i) state.dirty.insert(i);
}

TodoCount todo_count(const State& state) {
  TodoCount count;
  for (const auto& task : state.tasks) {
    if (task.stage == Stage::dropped) continue;
    ++count.total;
    if (task.stage == Stage::done) ++count.done;
  }
  return count;
}

}  // namespace muster
