// A session whose actor dies, built anew from the journal on disk as a mission does it
// (actors/mission_recovery.cpp), but without the mission's backoff.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <caf/actor_system.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <vector>

#include "actors/journal.hpp"
#include "actors/scheduler.hpp"
#include "adapters/io/worker_pool.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "benchmarks/support/crew.hpp"
#include "benchmarks/support/temp_folder.hpp"
#include "runtime/core/saved_session.hpp"

namespace muster::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int turns = 10;  ///< that the session has behind it
constexpr std::size_t result_bytes = 1000;
constexpr int restarts = 300;
constexpr auto no_answer = 60s;

/// Ten turns with a tool call each; then calls that are never answered, and counted.
class StuckModel final : public ModelPort {
 public:
  std::shared_ptr<ModelCall> start(ModelRequest, std::function<void(std::string_view)>,
                                   std::function<void(ModelOutcome)> on_done) override {
    auto number = ++calls_;
    if (number <= turns) {
      ModelReply reply;
      reply.tool_calls = {{"call_" + std::to_string(number), "todo_read", "{}"}};
      on_done(std::move(reply));
    } else {
      asked.release();
    }
    return std::make_shared<Call>();
  }
  std::counting_semaphore<> asked{0};  ///< calls after the first ten

 private:
  class Call final : public ModelCall {
   public:
    void cancel() override {}
  };
  std::atomic<int> calls_{0};
};

struct Revival {
  SessionSpec spec;
  SessionDeps deps;
  Store* store = nullptr;
};

/// The last incarnation, for whoever kills it.
struct Victim {
  std::mutex mutex;
  session_actor session;  ///< guarded by mutex
  bool failed = false;    ///< guarded by mutex
};

Result<SavedSession> saved_session(Store& store, const SessionSpec& spec) {
  auto messages = store.load_keyed(spec.mission, "session", spec.session);
  if (!messages) return messages.error();
  auto effects = store.load_keyed(spec.mission, "effect", spec.session);
  if (!effects) return effects.error();
  SessionRecords records;
  for (auto& one : *messages) records.messages.push_back({one.row, one.body});
  for (auto& one : *effects) records.effects.push_back(one.row);
  return restore_session(records);
}

/// Stands in for the mission: one session, built anew whenever it dies.
class Owner {
 public:
  Owner(compat::Self<mission_actor> self, Revival revival, std::shared_ptr<Victim> victim)
      : self_(self), revival_(std::move(revival)), victim_(std::move(victim)) {}

  compat::Behavior<mission_actor> make_behavior() {
    compat::on_down(self_, [this](const caf::actor_addr&, const compat::End&) { flush(); });
    start();
    return {
        [](resume_atom, Continuation& next) { next.run(); },
        [this](session_done_atom, const SessionResultPtr&) { fail(); },
        [](session_view_atom, const SessionView&) {},
        [](command_refused_atom, const CommandRefused&) {},
        [](verified_atom, const VerifyResultPtr&) {},
        [](mission_tool_atom, const MissionToolCall&) { return std::string(result_bytes, 'r'); },
        [](control_atom, const ControlRequest&) { return std::string("{}"); },
        [](journal_failed_atom, const JournalFailure&) {},
    };
  }
  static constexpr const char* name = "owner";

 private:
  void start() {
    auto me = compat::handle_of<mission_actor>(self_);
    // Before its first call wakes who kills it.
    std::lock_guard lock(victim_->mutex);
    auto session =
        compat::spawn<Session, session_actor>(self_->system(), revival_.spec, revival_.deps, me);
    compat::monitor(self_, session);
    victim_->session = std::move(session);
  }

  void flush() {
    compat::request(
        self_, revival_.deps.journal, no_answer, [this] { read(); },
        [this](const Error&) { fail(); }, flush_atom_v, revival_.spec.mission);
  }

  void read() {
    auto me = compat::handle_of<mission_actor>(self_);
    revival_.deps.blocking->run([this, me, store = revival_.store, spec = revival_.spec] {
      auto saved = std::make_shared<Result<SavedSession>>(saved_session(*store, spec));
      compat::post(me, resume_atom_v, Continuation{[this, saved] {
                     if (!saved->ok()) return fail();
                     revival_.spec.saved = std::make_shared<SavedSession>(std::move(**saved));
                     start();
                   }});
    });
  }

  void fail() {
    std::lock_guard lock(victim_->mutex);
    victim_->failed = true;
  }

  compat::Self<mission_actor> self_;
  Revival revival_;
  std::shared_ptr<Victim> victim_;
};

/// Store, journal, scheduler and pool as the engine has them.
struct Bench {
  Bench() {
    SqliteStoreConfig files;
    files.folder = folder.path() + "/journal";
    store = std::move(*SqliteStore::open(std::move(files)));
    system = std::make_unique<caf::actor_system>(config);
    journal = spawn_journal(*system, store, pool);
    SchedulerConfig limits;
    limits.limits.global = std::nullopt;
    scheduler = spawn_scheduler(*system, std::move(limits));
  }
  ~Bench() {
    compat::stop(journal);
    compat::stop(scheduler);
    system->await_all_actors_done();
    pool->stop();
    journal = nullptr;
    scheduler = nullptr;
    store.reset();  // its callbacks speak to actors: before the system goes
  }

  [[nodiscard]] Revival revival() {
    Revival out;
    out.store = store.get();
    out.deps.scheduler = scheduler;
    out.deps.journal = journal;
    out.deps.model = &model;
    out.deps.blocking = pool.get();
    out.deps.open_files = open_files;
    out.deps.guard = allow_all;
    out.deps.wall_ms = wall_ms;
    out.spec.session = "S1";
    out.spec.mission = "m";
    out.spec.briefing = "[muster agent=worker task=M1.T1 attempt=1 session=S1]\nDo it.";
    out.spec.root = folder.path();
    out.spec.profile = worker_profile("http://127.0.0.1:1/v1");
    return out;
  }

  TempFolder folder;
  StuckModel model;
  std::shared_ptr<WorkerPool> pool = std::make_shared<WorkerPool>(4);
  std::shared_ptr<Store> store;
  compat::SystemConfig config{2};
  std::unique_ptr<caf::actor_system> system;
  journal_actor journal;
  scheduler_actor scheduler;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

/// From the kill until the next incarnation makes the model call again: its owner is told, the
/// journal is flushed and read, the transcript of ten turns is put together, slot and lane are
/// granted. The time shown is the median.
void session_restart(benchmark::State& state) {
  Bench bench;
  auto victim = std::make_shared<Victim>();
  auto owner = compat::spawn<Owner, mission_actor>(*bench.system, bench.revival(), victim);
  if (!bench.model.asked.try_acquire_for(no_answer)) return state.SkipWithError("no session");
  for (auto _ : state) {
    std::vector<double> took;
    for (int i = 0; i < restarts; ++i) {
      session_actor session;
      {
        std::lock_guard lock(victim->mutex);
        session = std::exchange(victim->session, {});
      }
      auto start = Clock::now();
      compat::kill(session);
      session = nullptr;
      if (!bench.model.asked.try_acquire_for(no_answer)) return state.SkipWithError("no restart");
      took.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
    std::lock_guard lock(victim->mutex);
    if (victim->failed) return state.SkipWithError("a session failed");
    state.SetIterationTime(median(took));
  }
  state.SetItemsProcessed(state.iterations());
  std::lock_guard lock(victim->mutex);
  compat::kill(owner);
  victim->session = nullptr;
}

BENCHMARK(session_restart)->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace muster::bench
