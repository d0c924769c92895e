// The life of actors: sessions from spawn to their end, and a child that is killed and comes back.

#include <benchmark/benchmark.h>

#include <caf/actor_system.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>

#include "actors/journal.hpp"
#include "actors/scheduler.hpp"
#include "actors/supervisor.hpp"
#include "benchmarks/support/crew.hpp"
#include "benchmarks/support/temp_folder.hpp"

namespace muster::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t sessions = 1000;
constexpr auto no_answer = 60s;

/// Answers every call at once with the final tool.
class InstantModel final : public ModelPort {
 public:
  std::shared_ptr<ModelCall> start(ModelRequest, std::function<void(std::string_view)>,
                                   std::function<void(ModelOutcome)> on_done) override {
    ModelReply reply;
    reply.tool_calls = {{"call_1", "submit_result", R"({"summary":"done"})"}};
    on_done(std::move(reply));
    return std::make_shared<Call>();
  }

 private:
  class Call final : public ModelCall {
   public:
    void cancel() override {}
  };
};

/// Takes everything and keeps nothing: the journal's own cost is measured apart.
class NullStore final : public Store {
 public:
  void append(std::string, std::vector<NewRecord>,
              std::function<void(Result<std::uint64_t>)> on_durable) override {
    on_durable(std::uint64_t{1});
  }
  Result<std::vector<StoredRecord>> load(const std::string&) override {
    return std::vector<StoredRecord>{};
  }
  Result<std::vector<MissionSummary>> missions() override { return std::vector<MissionSummary>{}; }
  Status reopen(const std::string&) override { return ok_status(); }
};

struct Bench {
  explicit Bench(SlotLimit slots) {
    SchedulerConfig limits;
    limits.limits.global = slots;
    scheduler = spawn_scheduler(system, std::move(limits));
    journal = spawn_journal(system, std::make_shared<NullStore>(), blocking);
  }
  ~Bench() {
    compat::stop(journal);
    compat::stop(scheduler);
  }

  [[nodiscard]] CrewPlan plan(const std::shared_ptr<Tally>& tally) {
    CrewPlan plan;
    plan.sessions = plan.concurrent = sessions;
    plan.tally = tally;
    plan.deps.scheduler = scheduler;
    plan.deps.journal = journal;
    plan.deps.model = &model;
    plan.deps.blocking = blocking.get();
    plan.deps.open_files = open_files;
    plan.deps.guard = allow_all;
    plan.deps.wall_ms = wall_ms;
    plan.spec = [profile = profile, root = folder.path()](std::size_t number) {
      SessionSpec spec;
      spec.session = "S" + std::to_string(number);
      spec.mission = "m";
      spec.briefing = "[muster agent=worker task=M1.T1 attempt=1 session=S1]\nDo it.";
      spec.root = root;
      spec.profile = profile;
      return spec;
    };
    return plan;
  }

  TempFolder folder;
  InstantModel model;
  std::shared_ptr<InlineBlocking> blocking = std::make_shared<InlineBlocking>();
  std::shared_ptr<const AgentProfile> profile = worker_profile("http://127.0.0.1:1/v1");
  compat::SystemConfig config{2};
  caf::actor_system system{config};
  scheduler_actor scheduler;
  journal_actor journal;
};

/// A thousand at once, each: spawn, slot, lane, one model call, final tool, session_done.
void session_life(benchmark::State& state) {
  Bench bench{std::nullopt};
  for (auto _ : state) {
    auto tally = std::make_shared<Tally>();
    auto crew = compat::spawn<Crew, mission_actor>(bench.system, bench.plan(tally));
    if (!tally->await_done(sessions, no_answer) || tally->failure())
      return state.SkipWithError("a session failed");
    compat::kill(crew);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(sessions));
}

/// Only until they live, each with its transcript, its open folder and its place in the line.
void session_spawn(benchmark::State& state) {
  Bench bench{1};
  // The only slot is taken, so that all of them wait.
  SlotRequest first{"first", "m", "scripted/scripted", "scripted", "worker", {}};
  if (!compat::ask<Unit>(bench.system, bench.scheduler, no_answer, acquire_atom_v, first))
    return state.SkipWithError("no slot");
  for (auto _ : state) {
    auto tally = std::make_shared<Tally>();
    auto began = std::chrono::steady_clock::now();
    auto plan = bench.plan(tally);
    auto crew = compat::spawn<Crew, mission_actor>(bench.system, std::move(plan));
    if (!tally->await_alive(sessions, no_answer)) return state.SkipWithError("not all alive");
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    state.SetIterationTime(took.count());
    compat::post(crew, control_atom_v, ControlRequest{"stop", {}});
    if (!tally->await_done(sessions, no_answer)) return state.SkipWithError("not all ended");
    compat::kill(crew);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(sessions));
}

// ---- restart ------------------------------------------------------------------------------------

struct Births {
  std::counting_semaphore<> born{0};
  std::mutex mutex;
  caf::actor last;
};

class Mortal {
 public:
  Mortal(compat::Self<handle_watcher> self, std::shared_ptr<Births> births)
      : self_(self), births_(std::move(births)) {}
  compat::Behavior<handle_watcher> make_behavior() {
    {
      std::lock_guard lock(births_->mutex);
      births_->last = compat::untyped(compat::handle_of<handle_watcher>(self_));
    }
    births_->born.release();
    return {[](handle_changed_atom, const std::string&, const caf::actor&) {}};
  }
  static constexpr const char* name = "mortal";

 private:
  compat::Self<handle_watcher> self_;
  std::shared_ptr<Births> births_;
};

/// From the kill of a supervised child until its next incarnation runs.
void supervised_restart(benchmark::State& state) {
  compat::SystemConfig config{2};
  caf::actor_system system{config};
  auto births = std::make_shared<Births>();
  SupervisorSpec spec;
  spec.name = "bench";
  spec.max_restarts = 1'000'000'000;
  spec.period = 1ms;
  spec.children.push_back({"mortal", [&system, births]() -> Result<caf::actor> {
                             return compat::untyped(
                                 compat::spawn<Mortal, handle_watcher>(system, births));
                           }});
  auto supervisor = start_supervisor(system, std::move(spec));
  if (!supervisor || !births->born.try_acquire_for(no_answer))
    return state.SkipWithError("the child did not start");
  for (auto _ : state) {
    caf::actor victim;
    {
      std::lock_guard lock(births->mutex);
      victim = std::exchange(births->last, {});
    }
    compat::kill(victim);
    victim = nullptr;
    if (!births->born.try_acquire_for(no_answer)) return state.SkipWithError("no restart");
  }
  state.SetItemsProcessed(state.iterations());
  {
    std::lock_guard lock(births->mutex);
    births->last = {};
  }
  compat::stop(*supervisor);
}

BENCHMARK(session_life)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(session_spawn)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(supervised_restart)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace muster::bench
