// Actors on CAF's own threads, with ports that call back from theirs, as in the program: what
// virtual time, which has one thread, cannot show. ThreadSanitizer is the judge of most of it.

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actors/jobs.hpp"
#include "actors/journal.hpp"
#include "actors/notifier.hpp"
#include "actors/scheduler.hpp"
#include "actors/supervisor.hpp"
#include "adapters/io/worker_pool.hpp"
#include "adapters/store/sqlite_store.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 60s;  // only a broken program waits for it
constexpr std::size_t clients = 4;

/// Runs `work(number)` on a thread for each client; the caller's thread runs `meanwhile`.
template <class Work, class Meanwhile>
void together(Work work, Meanwhile meanwhile) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clients; ++i) threads.emplace_back([&work, i] { work(i); });
  meanwhile();
  for (auto& thread : threads) thread.join();
}

class Folder {
 public:
  Folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "muster-threads-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

/// Processes that end, or are killed, on a thread of the port.
class ThreadedProcesses final : public ProcessPort {
 public:
  ThreadedProcesses() : thread_([this] { work(); }) {}
  ~ThreadedProcesses() override {
    put(nullptr);
    thread_.join();
  }
  ThreadedProcesses(const ThreadedProcesses&) = delete;
  ThreadedProcesses& operator=(const ThreadedProcesses&) = delete;

  std::shared_ptr<Process> start(ProcessSpec, std::function<void(ProcessExit)> on_exit) override {
    auto child = std::make_shared<Child>();
    child->on_exit = std::move(on_exit);
    put(child);
    return child;
  }

 private:
  struct Child final : Process {
    void kill() override { killed = true; }
    [[nodiscard]] std::string tail(std::size_t) const override { return "some"; }
    [[nodiscard]] std::uint64_t output_bytes() const override { return bytes; }
    [[nodiscard]] int pid() const override { return 1; }
    std::atomic<bool> killed{false};
    std::atomic<std::uint64_t> bytes{0};
    std::function<void(ProcessExit)> on_exit;
  };

  void put(std::shared_ptr<Child> child) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(child));
    }
    wake_.notify_one();
  }

  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !queue_.empty(); });
      const auto child = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (!child) return;
      child->bytes = 4;
      ProcessExit exit;
      exit.exit_code = 0;
      exit.killed = child->killed;
      std::exchange(child->on_exit, nullptr)(std::move(exit));
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Child>> queue_;  ///< null: no more
  std::thread thread_;
};

/// What the owners of jobs were told.
struct Ledger {
  void add(const std::string& job) {
    const std::lock_guard lock(mutex);
    told.insert(job);
    changed.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, patience, [&] { return told.size() >= count; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::multiset<std::string> told;
};

class Owner {
 public:
  Owner(compat::Self<job_owner>, std::shared_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}
  compat::Behavior<job_owner> make_behavior() {
    return {[this](job_done_atom, const JobReceiptPtr& receipt) { ledger_->add(receipt->job_id); }};
  }

 private:
  std::shared_ptr<Ledger> ledger_;
};

/// Counts what it is told; says "not now" to every third notice.
class CountingSink final : public NoticeSink {
 public:
  bool offer(const Notice&) override { return ++offers_ % 3 != 0; }
  [[nodiscard]] std::size_t offers() const { return offers_; }

 private:
  std::size_t offers_ = 0;  // read by the subscriber once it has unsubscribed: no lock, no atomic
};

/// Actors under a supervisor, on four threads.
struct Engine {
  compat::SystemConfig config{4};
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  caf::actor_system system{config};
  supervisor_actor root;

  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() { stop(); }

  void supervise(std::string name, std::function<Result<caf::actor>()> start) {
    SupervisorSpec spec;
    spec.name = "root";
    spec.max_restarts = 1000;
    spec.registry = registry;
    spec.children.push_back({std::move(name), std::move(start)});
    auto started = start_supervisor(system, std::move(spec));
    REQUIRE(started.ok());
    root = *started;
  }
  void stop() {
    if (!root) return;
    compat::stop(root);
    caf::scoped_actor self{system};
    self->wait_for(root);
    root = nullptr;
    registry.reset();  // it holds handles
  }
};

}  // namespace

TEST_CASE("the journal on threads: what was acknowledged is in the store once, across its deaths") {
  constexpr std::size_t batches = 40;
  const Folder folder;
  SqliteStoreConfig config;
  config.folder = folder.path;
  std::shared_ptr<SqliteStore> store = std::move(*SqliteStore::open(config));
  auto pool = std::make_shared<WorkerPool>(2);
  std::vector<std::set<std::string>> acknowledged(clients);
  {
    Engine engine;
    auto backlog = std::make_shared<JournalBacklog>();
    engine.supervise("journal", [&engine, &store, pool, backlog]() -> Result<caf::actor> {
      JournalConfig with;
      with.backlog = backlog;
      return compat::untyped(spawn_journal(engine.system, store, pool, with));
    });
    const auto client = [&](std::size_t number) {
      const auto mission = "M" + std::to_string(number % 2);
      for (std::size_t i = 0; acknowledged[number].size() < batches; ++i) {
        const auto journal = engine.registry->whereis<journal_actor>("journal");
        const auto row = std::to_string(number) + "." + std::to_string(i);
        compat::post(journal, append_lazy_atom_v, JournalBatch{mission, {{"lazy", "", row, ""}}});
        auto appended =
            compat::ask<std::uint64_t>(engine.system, journal, patience, append_atom_v,
                                       JournalBatch{mission, {{"event", "", row, "body"}}});
        if (!appended.ok()) continue;  // it died, or is not there again yet: another row
        acknowledged[number].insert(row);
        if (i % 8 == 0)
          (void)compat::ask<Unit>(engine.system, journal, patience, flush_atom_v, mission);
      }
    };
    together(client, [&] {
      for (int deaths = 0; deaths < 10;) {
        const auto journal = engine.registry->whereis<journal_actor>("journal");
        if (!journal) continue;
        (void)compat::ask<Unit>(engine.system, journal, patience, flush_atom_v, std::string());
        (void)store->read("M0", {}, [](StoredRecord&&) {});
        compat::kill(journal);
        ++deaths;
      }
    });
    engine.stop();
    pool->stop();
    store.reset();  // writes all that was queued, and speaks to actors: before their system goes
  }
  store = std::move(*SqliteStore::open(config));
  std::multiset<std::string> rows;
  for (const auto* mission : {"M0", "M1"}) {
    const auto records = store->load(mission);
    REQUIRE(records.ok());
    for (const auto& record : *records)
      if (record.kind == "event") rows.insert(record.row);
  }
  for (const auto& of_client : acknowledged)
    for (const auto& row : of_client) CHECK(rows.count(row) == 1);
}

TEST_CASE("jobs on threads: each owner is told once of each job, killed or not") {
  constexpr std::size_t each = 100;
  auto port = std::make_shared<ThreadedProcesses>();
  auto ledger = std::make_shared<Ledger>();
  Engine engine;
  engine.supervise("jobs", [&engine, port]() -> Result<caf::actor> {
    return compat::untyped(spawn_jobs(engine.system, port));
  });
  const auto jobs = engine.registry->whereis<jobs_actor>("jobs");
  const auto owner = compat::spawn<Owner, job_owner>(engine.system, ledger);
  const auto client = [&](std::size_t number) {
    for (std::size_t i = 0; i < each; ++i) {
      StartJob wanted;
      wanted.spec.id = std::to_string(number) + "." + std::to_string(i);
      wanted.spec.owner = {"M", "s" + std::to_string(number), "T"};
      wanted.spec.process.argv = {"true"};
      wanted.owner = owner;
      if (!compat::ask<JobStarted>(engine.system, jobs, patience, start_atom_v, wanted).ok())
        ledger->add("refused");
      if (i % 3 == 0)
        (void)compat::ask<Unit>(engine.system, jobs, patience, kill_atom_v, wanted.spec.id);
    }
  };
  together(client, [&] {
    for (int look = 0; look < 50; ++look) {
      (void)compat::ask<JobList>(engine.system, jobs, patience, list_atom_v, JobFilter{"M"});
      (void)compat::ask<JobTail>(engine.system, jobs, patience, tail_atom_v, std::string("0.0"),
                                 std::uint64_t{10});
    }
  });
  REQUIRE(ledger->wait_for(clients * each));
  const std::lock_guard lock(ledger->mutex);
  CHECK(ledger->told.count("refused") == 0);
  const std::set<std::string> different(ledger->told.begin(), ledger->told.end());
  CHECK(different.size() == clients * each);
  CHECK(ledger->told.size() == clients * each);
}

TEST_CASE("sinks on threads: nothing is offered to one that has unsubscribed") {
  auto sinks = std::make_shared<NoticeSinks>();
  Engine engine;
  engine.supervise("notifier", [&engine, sinks]() -> Result<caf::actor> {
    return compat::untyped(spawn_notifier(engine.system, sinks));
  });
  const auto notifier = engine.registry->whereis<notifier_actor>("notifier");
  std::atomic<std::size_t> offers{0};
  const auto client = [&](std::size_t number) {
    for (int turn = 0; turn < 20; ++turn) {
      auto sink = std::make_shared<CountingSink>();
      SinkSpec spec;
      spec.id = "sink" + std::to_string(number);
      spec.sink = sink;
      spec.capacity = 16;
      (void)compat::ask<Unit>(engine.system, notifier, patience, subscribe_atom_v, spec);
      for (int i = 0; i < 20; ++i)
        compat::post(notifier, publish_atom_v,
                     std::make_shared<const Notice>(Notice{"", "tick", "{}"}));
      (void)compat::ask<Unit>(engine.system, notifier, patience, unsubscribe_atom_v, spec.id);
      offers += sink->offers();
    }
  };
  together(client, [] {});
  CHECK(offers > 0);
}

TEST_CASE("slots on threads: never more than the limit, and none is left when holders die") {
  static constexpr std::int64_t limit = 3;
  Engine engine;
  engine.supervise("scheduler", [&engine]() -> Result<caf::actor> {
    SchedulerConfig config;
    config.limits.global = limit;
    return compat::untyped(spawn_scheduler(engine.system, config));
  });
  const auto scheduler = engine.registry->whereis<scheduler_actor>("scheduler");
  std::atomic<std::int64_t> held{0};
  std::atomic<std::int64_t> most{0};
  const auto client = [&](std::size_t number) {
    for (int i = 0; i < 50; ++i) {
      const auto ticket = std::to_string(number) + "." + std::to_string(i);
      caf::scoped_actor self{engine.system};  // the holder
      bool granted = false;
      self->request(scheduler, patience, acquire_atom_v,
                    SlotRequest{ticket, "M", "p/m", "p", "worker", patience})
          .receive([&] { granted = true; }, [](const caf::error&) {});
      if (!granted) continue;
      const auto now = ++held;
      for (auto seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) continue;
      --held;
      if (i % 2 == 0) self->send(scheduler, release_atom_v, ticket);  // or it dies with it
    }
  };
  together(client, [] {});
  CHECK(most <= limit);
  CHECK(most > 0);
  // The word of the last deaths may still be on its way: each question lets it pass.
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    const auto status =
        compat::ask<SchedulerStatus>(engine.system, scheduler, patience, status_atom_v);
    REQUIRE(status.ok());
    if (status->in_use == 0) return;
  }
  FAIL("slots are left");
}

}  // namespace muster
