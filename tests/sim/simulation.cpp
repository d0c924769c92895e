#include "tests/sim/simulation.hpp"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr Micros stuck_after = 4 * 60 * minutes;

bool is_flag(const std::string& fault) {
  return fault == "torn" || fault == "reorder" || fault == "interleave" || fault == "user" ||
         fault == "recovery";
}

std::uint64_t tasks_of(const Scenario& scenario) {
  std::uint64_t all = 0;
  for (const auto& mission : scenario.missions) all += static_cast<std::uint64_t>(mission.tasks);
  return all;
}

}  // namespace

std::vector<PlannedFault> plan_faults(const Options& options, const Scenario& scenario) {
  std::vector<PlannedFault> out;
  auto span = 60 * scenario.missions.size() + 50 * tasks_of(scenario);
  for (const auto& name : options.faults) {
    if (is_flag(name)) continue;
    auto random = stream(options.seed, {"fault", name});
    if (!random.chance(0.4)) continue;
    for (auto left = random.between(1, 3); left > 0; --left)
      out.push_back({1 + random.below(span), name, random.next()});
  }
  std::sort(out.begin(), out.end(), [](const PlannedFault& a, const PlannedFault& b) {
    return std::tie(a.at, a.name, a.seed) < std::tie(b.at, b.name, b.seed);
  });
  if (options.max_faults >= 0 && out.size() > static_cast<std::size_t>(options.max_faults))
    out.resize(static_cast<std::size_t>(options.max_faults));
  return out;
}

Simulation::Simulation(const Options& options, bool trace)
    : options_(options),
      scenario_(make_scenario(options_)),
      world_(options_.seed, options_.faults.contains("interleave")),
      ledger_(world_, scenario_, options_, trace),
      team_(scenario_, ledger_, options_),
      provider_(world_, ledger_, team_, options_),
      disk_(world_, ledger_, options_.seed),
      person_({world_, ledger_, disk_, provider_, trees_, scenario_, options_},
              [this] { return engine_; }) {
  disk_.forget_last = options_.plant == "lost-record";
  for (const auto& mission : scenario_.missions)
    trees_[mission.start.mission] =
        std::make_shared<Trees>(ledger_, mission.start.mission, mission.red_before);
  for (auto& fault : plan_faults(options_, scenario_)) faults_.push_back(std::move(fault));
}

void Simulation::begin_life(bool again) {
  Outside outside{world_, ledger_, disk_, provider_, trees_, scenario_, options_};
  lives_.push_back(std::make_unique<EngineLife>(outside, static_cast<int>(lives_.size())));
  engine_ = lives_.back().get();
  for (const auto& mission : scenario_.missions) {
    bool known = disk_.has(mission.start.mission);
    if (known && is_terminal(ledger_.book(mission.start.mission).state.phase)) continue;
    auto start = [this, &mission, known] { engine_->start_mission(mission, known); };
    world_.after(engine_->life(), again ? 0 : mission.begins, start);
  }
}

Outcome Simulation::run() {
  begin_life(false);
  world_.after(30 * seconds, [this] { person_.watch(); });
  play();
  if (!world_.violation()) settle();
  Outcome out;
  out.violation = world_.violation();
  out.hash = ledger_.trace_hash();
  out.tally = ledger_.tally;
  out.messages = world_.messages();
  out.virtual_time = world_.now();
  for (const auto& [mission, book] : ledger_.books())
    ++out.ends[std::string(name_of(book.state.phase))];
  out.last_lines = {ledger_.last_lines().begin(), ledger_.last_lines().end()};
  // However it went: nothing may be left that could still call into what is about to go.
  if (engine_ != nullptr) engine_->crash();
  return out;
}

std::uint64_t Simulation::patience() const {
  return 5000 * scenario_.missions.size() + 3000 * tasks_of(scenario_);
}

void Simulation::play() {
  while (!world_.violation() && !ledger_.all_over()) {
    if (!world_.step()) return world_.fail("stuck", "nothing will ever happen any more");
    if (crash_in_ && --*crash_in_ <= 0) crash_engine();
    inject_due();
    check_life();
  }
}

void Simulation::check_life() {
  if (!world_.crashes.empty())
    world_.fail("exception", world_.crashes.front().actor + ": " + world_.crashes.front().what);
  if (engine_ != nullptr && engine_->gave_up()) {
    ledger_.fault("(the engine gave up)");
    crash_engine();
  }
  if (world_.now() - ledger_.last_progress() > stuck_after) {
    std::string where;
    for (const auto& [mission, book] : ledger_.books())
      if (!book.ended_at)
        where += " " + mission + ": " + std::string(name_of(book.state.phase)) + ", " +
                 std::to_string(book.state.open.size()) + " open, " +
                 std::to_string(book.state.questions.size()) + " questions" +
                 (book.state.paused ? ", paused" : "");
    world_.fail("stuck", "nothing happened for hours:" + where);
  }
  if (ledger_.tally.events > patience())
    world_.fail("endless", std::to_string(ledger_.tally.events) + " events and no end");
}

// ---- faults

void Simulation::inject_due() {
  while (!faults_.empty() && faults_.front().at <= ledger_.tally.records && engine_ != nullptr) {
    auto fault = faults_.front();
    faults_.pop_front();
    inject(fault);
  }
}

void Simulation::inject(const PlannedFault& fault) {
  Rng random(fault.seed);
  const auto& name = fault.name;
  ledger_.fault(name);
  auto lasts = random.between(5, 150) * seconds;
  if (name == "429" || name == "5xx" || name == "stall" || name == "drop")
    return provider_.outage(name, lasts);
  if (name == "session" || name == "verifier" || name == "job") return world_.kill_next(name);
  if (name == "scheduler" || name == "jobs" || name == "journal" || name == "notifier")
    return engine_->kill(name);
  if (name == "mission") return kill_some_mission(random);
  if (name == "engine") {
    crash_in_ = static_cast<int>(random.below(400)) + 1;
    crash_seed_ = random.next();
    crash_again_ = options_.faults.contains("recovery") && random.chance(0.5);
  }
  if (name == "slow_disk") {
    disk_.set_slow(true);
    engine_->set_slow(true);
    world_.after(lasts, [this] {
      disk_.set_slow(false);
      if (engine_ != nullptr) engine_->set_slow(false);
    });
  }
  if (name == "disk_full") {
    disk_.set_full(true);
    world_.after(lasts, [this] { disk_.set_full(false); });
  }
  if (name == "lost_notice") engine_->lose_notices(lasts);
  if (name == "clock") world_.jump_wall_clock(random.between(-7200, 7200) * 1000);
}

void Simulation::kill_some_mission(Rng& random) {
  const auto& missions = scenario_.missions;
  engine_->kill(missions[random.below(missions.size())].start.mission);
}

/// Power loss or kill -9. The keeper starts the engine again a second later.
void Simulation::crash_engine() {
  crash_in_.reset();
  if (engine_ == nullptr) return;
  ledger_.say("the engine is gone");
  std::exchange(engine_, nullptr)->crash();
  disk_.crash(options_.faults.contains("torn"));
  Rng random(crash_seed_);
  world_.after(seconds, [this, random]() mutable {
    begin_life(true);
    ledger_.progress();
    if (!std::exchange(crash_again_, false)) return;
    crash_in_ = static_cast<int>(random.below(300)) + 1;
    ledger_.fault("recovery");
  });
}

// ---- the end

void Simulation::settle() {
  crash_in_.reset();
  faults_.clear();
  if (engine_ == nullptr) world_.run_for(5 * seconds);
  world_.run_for(3 * minutes);
  if (world_.violation()) return;
  engine_->ask_scheduler([this](const SchedulerStatus& status) {
    if (status.in_use != 0 || status.waiting != 0)
      world_.fail("slots", "S1 " + std::to_string(status.in_use) + " slots in use and " +
                               std::to_string(status.waiting) + " waiting after the end");
  });
  world_.drain();
  if (ledger_.calls_in_flight() != 0) world_.fail("the end", "a model call is still in flight");
  if (ledger_.processes_running() != 0) world_.fail("the end", "a process still runs");
  for (const auto& mission : scenario_.missions) {
    const auto& id = mission.start.mission;
    auto records = disk_.load(id);
    if (!records) return world_.fail("journal", id + ": " + records.error().text());
    ledger_.compare_rebuilt(id, *records);
    auto phase = ledger_.book(id).state.phase;
    bool fine = phase == Phase::sealed || phase == Phase::answered || person_.stopped(id);
    if (options_.tame && !fine)
      world_.fail("tame", id + " ends as " + std::string(name_of(phase)) + " (" +
                              ledger_.book(id).state.outcome_reason +
                              ") although its agents only did good work");
  }
  std::exchange(engine_, nullptr)->stop();
  for (int waited = 0; waited < 30 && world_.actors_alive() > 0; ++waited) world_.run_for(minutes);
  if (world_.actors_alive() > 0)
    world_.fail("leak", std::to_string(world_.actors_alive()) + " actors outlive the engine");
}

Outcome simulate(const Options& options, bool trace) { return Simulation(options, trace).run(); }

}  // namespace muster::sim
