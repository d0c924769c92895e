#include "runtime/boot/mission_start.hpp"

#include <algorithm>

#include "runtime/boot/engine.hpp"

namespace muster {
namespace {

int bound(const config::Limit& limit, int unlimited) {
  if (!limit) return unlimited;
  return static_cast<int>(std::clamp<std::int64_t>(*limit, 0, unlimited));
}

MissionLimits mission_limits(const config::Config& config) {
  constexpr int many = 1000000;
  MissionLimits out;
  out.iterations = bound(config.limits.iterations, many);
  out.attempts_per_task = bound(config.limits.attempts_per_task, many);
  out.review_rounds = bound(config.limits.review_rounds, many);
  out.active_tasks = bound(config.limits.workers, 64);
  out.max_tasks = static_cast<std::size_t>(bound(config.limits.max_tasks, many));
  out.max_files_per_task = static_cast<std::size_t>(bound(config.limits.max_files_per_task, many));
  out.max_cost_usd = config.limits.max_cost_usd;
  out.max_time_ms = config.limits.max_time_ms;
  out.max_tokens = config.limits.max_tokens;
  return out;
}

}  // namespace

MissionStarted mission_start(const config::Config& config, MissionKind kind,
                             const std::string& objective) {
  MissionStarted out;
  out.kind = kind;
  out.objective = objective;
  out.team = config.team;
  out.approve_plan = config.approve == config::Approve::plan;
  out.limits = mission_limits(config);
  // In a shared tree there is one writer: what another task does must not be in its diff.
  if (shares_tree(config, kind)) out.limits.active_tasks = 1;
  return out;
}

bool has_models(const config::Config& config) {
  const bool ours = config.model_for("commander") && config.model_for("worker");
  return ours || config.host == config::Host::opencode;
}

}  // namespace muster
