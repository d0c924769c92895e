#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <stdexcept>

namespace muster::sim {
namespace {

constexpr int crowd = 50;  // from so many agents on a run is about the number of them

std::set<std::string> tools_of(const std::string& role) {
  std::set<std::string> out{"read",      "list",        "glob",          "grep",
                            "todo_read", "raise_issue", "resolve_issue", "ask_user"};
  if (role == "worker" || role == "fixer")
    out.insert({"write", "edit", "shell", "run_background", "check_background", "list_background",
                "kill_background"});
  if (role == "reviewer" || role == "master_reviewer") out.insert("shell");
  return out;
}

std::set<std::string> final_tools_of(const std::string& role) {
  if (role == "commander") return {"submit_triage", "answer", "request_seal"};
  if (role == "searcher") return {"answer"};
  if (role == "planner") return {"submit_plan"};
  if (role == "worker" || role == "fixer") return {"submit_result"};
  return {"submit_verdict"};
}

ModelBinding binding(const std::string& lane) {
  ModelBinding out;
  out.lane = lane;
  out.endpoint.provider = lane.substr(0, lane.find('/'));
  out.endpoint.model = out.params.model = lane.substr(lane.find('/') + 1);
  out.context_window = 200000;
  return out;
}

/// Roles share two lanes of one provider and one of another; some have a fallback.
Roster make_roster(Rng random) {
  const std::vector<std::string> lanes{"p/a", "p/b", "q/c"};
  Roster out;
  for (const char* role :
       {"commander", "planner", "worker", "fixer", "reviewer", "master_reviewer", "searcher"}) {
    auto profile = std::make_shared<AgentProfile>();
    profile->role = role;
    profile->system_prompt = std::string("You are the ") + role + ".";
    profile->tools = std::make_shared<const std::string>("[]");
    profile->tool_names = tools_of(role);
    profile->final_tools = final_tools_of(role);
    profile->tool_names.insert(profile->final_tools.begin(), profile->final_tools.end());
    profile->writes = profile->tool_names.contains("write");
    profile->runs = profile->writes                         ? RunRight::all
                    : profile->tool_names.contains("shell") ? RunRight::verification
                                                            : RunRight::none;
    auto first = random.below(lanes.size());
    profile->models.push_back(binding(lanes[first]));
    if (random.chance(0.4)) profile->models.push_back(binding(lanes[(first + 1) % lanes.size()]));
    out[role] = profile;
  }
  return out;
}

SlotLimit maybe_limit(Rng& random, std::int64_t most) {
  if (random.chance(0.6)) return std::nullopt;
  return random.between(1, most);
}

SchedulerConfig scheduler_config(const Options& options, Rng random) {
  SchedulerConfig out;
  out.seed = random.next();
  out.limits.global = options.agents;
  if (options.agents >= crowd) return out;
  if (random.chance(0.5)) out.limits.global = random.between(1, options.agents);
  out.limits.default_lane = maybe_limit(random, options.agents);
  out.limits.default_provider = maybe_limit(random, options.agents);
  out.limits.agents["reviewer"] = maybe_limit(random, 4);
  out.limits.agents["worker"] = maybe_limit(random, options.agents);
  return out;
}

MissionKind kind_of(Rng& random) {
  auto roll = random.below(20);
  if (roll == 0) return MissionKind::plan;
  if (roll == 1) return MissionKind::review;
  if (roll == 2) return MissionKind::fix;
  if (roll == 3) return MissionKind::search;
  return MissionKind::run;
}

MissionPlan make_mission(const Options& options, int number, Rng random) {
  bool big = options.agents >= crowd;
  MissionPlan out;
  auto& start = out.start;
  start.mission = "M" + std::to_string(number);
  start.objective = "Objective of " + start.mission;
  start.kind = big || options.tasks > 0 ? MissionKind::run : kind_of(random);
  start.workspace = "/work/" + start.mission;
  start.approve_plan = random.chance(0.15);
  start.baseline = random.chance(0.8);
  start.limits.max_tasks = static_cast<std::size_t>(std::max(200, options.agents * 4));
  start.limits.active_tasks =
      big ? options.agents : static_cast<int>(random.between(1, options.agents));
  start.limits.iterations = static_cast<int>(random.between(3, 8));
  bool bounded = !options.tame;
  if (bounded && random.chance(0.1)) start.limits.max_time_ms = random.between(600, 7200) * 1000;
  if (bounded && random.chance(0.1)) start.limits.max_tokens = random.between(2000, 200000);
  out.tasks = big ? options.agents : static_cast<int>(random.between(1, options.agents));
  out.files = big ? out.tasks : static_cast<int>(random.between(1, out.tasks * 2));
  out.shared = big ? 0.02 : 0.3;
  out.dependent = big ? 0.05 : random.chance(0.5) ? 0.4 : 0.1;
  out.small = random.chance(0.1) && !big;
  if (options.tasks > 0) {
    out.tasks = out.files = options.tasks;
    out.small = false;
    start.approve_plan = false;
    start.limits.active_tasks = options.agents;
  }
  out.red_before = random.chance(0.1);
  out.begins = random.between(0, 30) * seconds;
  return out;
}

}  // namespace

const MissionPlan& Scenario::mission(const std::string& id) const {
  auto found = std::find_if(missions.begin(), missions.end(),
                            [&](const MissionPlan& plan) { return plan.start.mission == id; });
  if (found == missions.end()) throw std::logic_error("no mission " + id);
  return *found;
}

Scenario make_scenario(const Options& options) {
  auto seed = options.seed;
  auto random = stream(seed, {"scenario"});
  Scenario out;
  out.roster = make_roster(stream(seed, {"roster"}));
  out.scheduler = scheduler_config(options, stream(seed, {"slots"}));
  out.jobs.max_running = static_cast<std::size_t>(random.between(1, 12));
  if (options.agents >= crowd) out.jobs.max_running = static_cast<std::size_t>(options.agents / 4);
  out.jobs.max_queued = static_cast<std::size_t>(std::max(1000, options.agents * 4));
  out.session.acquire = std::chrono::hours(24);
  if (!options.tame && random.chance(0.1)) out.session.steps = 15;
  out.new_test_rule = random.chance(0.2);
  if (random.chance(0.5)) out.snapshots = {static_cast<std::size_t>(random.between(5, 60)), 4096};
  bool calm = options.tame || random.chance(0.3);
  out.mischief = calm ? 0 : random.chance(0.3) ? 0.25 : 0.06;
  out.bad_work = calm ? 0 : random.chance(0.3) ? 0.35 : 0.08;
  out.rejection = calm ? 0 : 0.08;
  for (int number = 1; number <= options.missions; ++number)
    out.missions.push_back(
        make_mission(options, number, stream(seed, {"mission", std::to_string(number)})));
  return out;
}

}  // namespace muster::sim
