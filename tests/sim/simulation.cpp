#include "tests/sim/simulation.hpp"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr Micros longest_stop = 20 * seconds;  // commands get some of it to end by themselves
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
      person_(outside(), [this](const std::string& mission) { return engine_of(mission); }) {
  disk_.forget_last = options_.plant == "lost-record";
  for (const auto& mission : scenario_.missions) {
    trees_[mission.start.mission] =
        std::make_shared<Trees>(ledger_, mission.start.mission, mission.red_before);
    engines_.push_back({&mission});
  }
  for (auto& fault : plan_faults(options_, scenario_)) faults_.push_back(std::move(fault));
}

EngineLife* Simulation::engine_of(const std::string& mission) {
  for (auto& engine : engines_)
    if (engine.plan->start.mission == mission) return engine.now;
  return nullptr;
}

void Simulation::begin_life(Engine& engine, bool again) {
  lives_.push_back(
      std::make_unique<EngineLife>(outside(), *engine.plan, static_cast<int>(lives_.size())));
  engine.now = lives_.back().get();
  const auto& mission = engine.plan->start.mission;
  bool known = disk_.has(mission);
  if (known && is_terminal(ledger_.book(mission).state.phase)) return;
  auto start = [now = engine.now, known] { now->start_mission(known); };
  world_.after(engine.now->life(), again ? 0 : engine.plan->begins, start);
}

Outcome Simulation::run() {
  for (auto& engine : engines_) begin_life(engine, false);
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
  for (auto& engine : engines_)
    if (engine.now != nullptr) engine.now->crash();
  world_.drain();
  return out;
}

std::uint64_t Simulation::patience() const {
  return 5000 * scenario_.missions.size() + 3000 * tasks_of(scenario_);
}

void Simulation::play() {
  while (!world_.violation() && !ledger_.all_over()) {
    if (!world_.step()) return world_.fail("stuck", "nothing will ever happen any more");
    for (auto& engine : engines_)
      if (engine.crash_in && --*engine.crash_in <= 0) crash(engine);
    inject_due();
    stop_in_time();
    check_lives();
  }
}

void Simulation::check_lives() {
  if (!world_.crashes.empty())
    world_.fail("exception", world_.crashes.front().actor + ": " + world_.crashes.front().what);
  for (auto& engine : engines_)
    if (engine.now != nullptr && engine.now->gave_up()) {
      ledger_.fault("(the engine gave up)");
      crash(engine);
    }
  if (ledger_.tally.events > patience())
    world_.fail("endless", std::to_string(ledger_.tally.events) + " events and no end");
  if (world_.now() - ledger_.last_progress() <= stuck_after) return;
  std::string where;
  for (const auto& [mission, book] : ledger_.books())
    if (!book.ended_at)
      where += " " + mission + ": " + std::string(name_of(book.state.phase)) + ", " +
               std::to_string(book.state.open.size()) + " open, " +
               std::to_string(book.state.questions.size()) + " questions" +
               (book.state.paused ? ", paused" : "");
  world_.fail("stuck", "nothing happened for hours:" + where);
}

/// T9: at this event of the journal the user has had enough.
void Simulation::stop_in_time() {
  if (options_.stop_at == 0 || stopped_ || ledger_.tally.events < options_.stop_at) return;
  stopped_ = true;
  for (const auto& mission : scenario_.missions) person_.stop(mission.start.mission);
}

// ---- faults

void Simulation::inject_due() {
  while (!faults_.empty() && faults_.front().at <= ledger_.tally.records) {
    auto fault = faults_.front();
    faults_.pop_front();
    inject(fault);
  }
}

void Simulation::inject(const PlannedFault& fault) {
  Rng random(fault.seed);
  const auto& name = fault.name;
  auto lasts = random.between(5, 150) * seconds;
  auto& engine = engines_[random.below(engines_.size())];
  if (engine.now == nullptr) return;
  ledger_.fault(name);
  if (name == "429" || name == "5xx" || name == "stall" || name == "drop")
    return provider_.outage(name, lasts);
  if (name == "session" || name == "verifier" || name == "job") return world_.kill_next(name);
  if (name == "scheduler" || name == "jobs" || name == "journal" || name == "notifier")
    return engine.now->kill(name);
  if (name == "mission") return engine.now->kill(engine.plan->start.mission);
  if (name == "engine") {
    engine.crash_in = static_cast<int>(random.below(400)) + 1;
    engine.seed = random.next();
    engine.crash_again = options_.faults.contains("recovery") && random.chance(0.5);
  }
  if (name == "slow_disk") {
    disk_.set_slow(true);
    engine.now->set_slow(true);
    world_.after(lasts, [this, now = engine.now] {
      disk_.set_slow(false);
      now->set_slow(false);
    });
  }
  if (name == "disk_full") {
    disk_.set_full(true);
    world_.after(lasts, [this] { disk_.set_full(false); });
  }
  if (name == "lost_notice") engine.now->lose_notices(lasts);
  if (name == "clock") world_.jump_wall_clock(random.between(-7200, 7200) * 1000);
}

/// Power loss or kill -9. The keeper starts the engine again a second later.
void Simulation::crash(Engine& engine) {
  engine.crash_in.reset();
  if (engine.now == nullptr) return;
  const auto& mission = engine.plan->start.mission;
  ledger_.say("the engine of " + mission + " is gone");
  std::exchange(engine.now, nullptr)->crash();
  disk_.crash(mission, options_.faults.contains("torn"));
  if (disk_.has(mission)) compare_rebuilt(mission);
  world_.after(seconds, [this, &engine] {
    begin_life(engine, true);
    ledger_.progress();
    if (!std::exchange(engine.crash_again, false)) return;
    engine.crash_in = static_cast<int>(Rng(engine.seed).below(300)) + 1;
    ledger_.fault("recovery");
  });
}

// ---- the end

void Simulation::settle() {
  faults_.clear();
  for (auto& engine : engines_) engine.crash_in.reset();
  world_.run_for(3 * minutes);
  for (const auto& mission : scenario_.missions) check_end(mission);
  for (auto& engine : engines_)
    if (!world_.violation()) std::exchange(engine.now, nullptr)->stop();
  for (int waited = 0; waited < 30 && world_.actors_alive() > 0; ++waited) world_.run_for(minutes);
  if (world_.actors_alive() > 0)
    world_.fail("leak", std::to_string(world_.actors_alive()) + " actors outlive the engine");
}

void Simulation::check_end(const MissionPlan& plan) {
  if (world_.violation()) return;
  const auto& id = plan.start.mission;
  const auto& book = ledger_.book(id);
  engine_of(id)->ask_scheduler([this, id](const SchedulerStatus& status) {
    if (status.in_use != 0 || status.waiting != 0)
      world_.fail("slots", "S1 " + id + ": " + std::to_string(status.in_use) +
                               " slots in use and " + std::to_string(status.waiting) +
                               " waiting after the end");
  });
  world_.drain();
  if (book.calls != 0) world_.fail("the end", id + ": a model call is still in flight");
  if (book.processes != 0) world_.fail("the end", id + ": a process still runs");
  compare_rebuilt(id);
  auto phase = book.state.phase;
  if (stopped_ && options_.faults.empty() && phase == Phase::stopped &&
      *book.told_end_at - *book.stopped_at > longest_stop)
    world_.fail("slow stop", "T9 " + id + ": its end was told " +
                                 std::to_string((*book.told_end_at - *book.stopped_at) / millis) +
                                 " ms after the user's stop");
  bool fine = phase == Phase::sealed || phase == Phase::answered || person_.stopped(id);
  if (options_.tame && !fine)
    world_.fail("tame", id + " ends as " + std::string(name_of(phase)) + " (" +
                            book.state.outcome_reason + ") although its agents only did good work");
}

/// Through the engine's own reader: from the last snapshot on.
void Simulation::compare_rebuilt(const std::string& mission) {
  DiskStore store(disk_, std::make_shared<Life>());
  auto replayed = replay_mission(store, mission, scenario_.snapshots);
  if (!replayed) return world_.fail("journal", mission + ": " + replayed.error().text());
  if (!replayed->warning.empty()) world_.fail("journal", mission + ": " + replayed->warning);
  ledger_.compare_rebuilt(mission, std::move(replayed->state));
}

Outcome simulate(const Options& options, bool trace) { return Simulation(options, trace).run(); }

}  // namespace muster::sim
