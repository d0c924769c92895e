// Appending to the journal: the actor, the store's writer thread and SQLite on a real file system.

#include <benchmark/benchmark.h>

#include <caf/actor_system.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "actors/journal.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "benchmarks/support/temp_folder.hpp"

namespace muster::bench {
namespace {

using namespace std::chrono_literals;

NewRecord record() {
  return {"session", "S17", R"({"t":"message","turn":3})", std::string(1024, 'x')};
}

/// Store, journal and actor system on a folder of their own.
struct Bench {
  TempFolder folder;
  std::shared_ptr<Store> store;
  compat::SystemConfig config{2};
  std::unique_ptr<caf::actor_system> system;
  journal_actor journal;

  Bench() {
    SqliteStoreConfig files;
    files.folder = folder.path();
    auto opened = SqliteStore::open(std::move(files));
    store = std::move(*opened);
    system = std::make_unique<caf::actor_system>(config);
    journal = spawn_journal(*system, store, std::make_shared<InlineBlocking>());
  }
  ~Bench() {
    compat::stop(journal);
    system->await_all_actors_done();
    journal = nullptr;
    store.reset();  // its callbacks speak to actors: before the system goes
  }
};

struct Latch {
  explicit Latch(std::size_t count) : left(count) {}
  void count_down() {
    if (left.fetch_sub(1) == 1) done.set_value();
  }
  std::atomic<std::size_t> left;
  std::promise<void> done;
};

/// Appends, awaits, appends again.
class Writer {
 public:
  Writer(compat::Self<session_actor> self, journal_actor journal, std::size_t count,
         std::shared_ptr<Latch> latch)
      : self_(self), journal_(std::move(journal)), left_(count), latch_(std::move(latch)) {}

  compat::Behavior<session_actor> make_behavior() {
    next();
    return {
        [](resume_atom, Continuation& then) { then.run(); },
        [](tell_atom, const Prompt&) {},
        [](stop_atom) {},
        [](job_done_atom, const JobReceiptPtr&) {},
    };
  }
  static constexpr const char* name = "writer";

 private:
  void next() {
    if (left_-- == 0) {
      latch_->count_down();
      return compat::quit(self_);
    }
    compat::request(
        self_, journal_, 60s, [this](std::uint64_t) { next(); },
        [this](const Error&) { compat::quit(self_); }, append_atom_v,
        JournalBatch{"m", {record()}});
  }

  compat::Self<session_actor> self_;
  journal_actor journal_;
  std::size_t left_;
  std::shared_ptr<Latch> latch_;
};

void awaited(benchmark::State& state, std::size_t writers, std::size_t each) {
  Bench bench;
  for (auto _ : state) {
    auto latch = std::make_shared<Latch>(writers);
    std::vector<session_actor> actors;
    for (std::size_t i = 0; i < writers; ++i)
      actors.push_back(
          compat::spawn<Writer, session_actor>(*bench.system, bench.journal, each, latch));
    if (latch->done.get_future().wait_for(60s) != std::future_status::ready)
      return state.SkipWithError("the journal did not answer");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(writers * each));
}

/// One caller that waits for each append: two syncs each (segment and database).
void journal_append_one(benchmark::State& state) { awaited(state, 1, 20); }
/// 200 callers that each wait for their own: they share the syncs.
void journal_append_grouped(benchmark::State& state) { awaited(state, 200, 5); }

/// Nobody waits; at the end all is durable.
void journal_append_lazy(benchmark::State& state) {
  constexpr std::size_t count = 5000;
  Bench bench;
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i)
      compat::post(bench.journal, append_lazy_atom_v, JournalBatch{"m", {record()}});
    auto flushed =
        compat::ask<Unit>(*bench.system, bench.journal, 60s, flush_atom_v, std::string("m"));
    if (!flushed) return state.SkipWithError(flushed.error().message.c_str());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}

BENCHMARK(journal_append_one)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(journal_append_grouped)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(journal_append_lazy)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace muster::bench
