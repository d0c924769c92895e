#include "benchmarks/macro/load.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <caf/actor_system.hpp>
#include <chrono>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "actors/jobs.hpp"
#include "actors/journal.hpp"
#include "actors/scheduler.hpp"
#include "adapters/http/http_client.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/io/worker_pool.hpp"
#include "adapters/model/direct_model.hpp"
#include "adapters/process/uv_process.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "benchmarks/support/crew.hpp"
#include "benchmarks/support/temp_folder.hpp"

namespace muster::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The direct model, counting what is sent.
class CountingModel final : public ModelPort {
 public:
  explicit CountingModel(ModelPort& model) : model_(model) {}
  std::shared_ptr<ModelCall> start(ModelRequest request,
                                   std::function<void(std::string_view)> on_delta,
                                   std::function<void(ModelOutcome)> on_done) override {
    bytes.fetch_add(request.body.size(), std::memory_order_relaxed);
    calls.fetch_add(1, std::memory_order_relaxed);
    return model_.start(std::move(request), std::move(on_delta), std::move(on_done));
  }
  std::atomic<std::size_t> bytes{0};
  std::atomic<std::size_t> calls{0};

 private:
  ModelPort& model_;
};

/// The store, counting the messages of the transcripts that pass through.
class CountingStore final : public Store {
 public:
  explicit CountingStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}
  void append(std::string mission, std::vector<NewRecord> records,
              std::function<void(Result<std::uint64_t>)> on_durable) override {
    for (const auto& record : records)
      if (record.kind == "session") bytes.fetch_add(record.body.size(), std::memory_order_relaxed);
    store_->append(std::move(mission), std::move(records), std::move(on_durable));
  }
  Result<std::vector<StoredRecord>> load(const std::string& mission) override {
    return store_->load(mission);
  }
  Result<std::vector<MissionSummary>> missions() override { return store_->missions(); }
  Status reopen(const std::string& mission) override { return store_->reopen(mission); }
  std::atomic<std::size_t> bytes{0};

 private:
  std::unique_ptr<Store> store_;
};

/// The engine's parts that sessions need, put together as the engine does (runtime/boot).
struct Parts {
  explicit Parts(std::size_t threads) : config(threads) {}
  IoLoop loop;
  std::shared_ptr<WorkerPool> pool = std::make_shared<WorkerPool>(4);
  std::shared_ptr<UvProcessPort> processes =
      std::make_shared<UvProcessPort>(loop, std::string("/proc/self/exe"));
  std::unique_ptr<http::HttpClient> http = std::make_unique<http::HttpClient>(loop);
  model::DirectModel direct{*http};
  CountingModel model{direct};
  std::shared_ptr<CountingStore> store;
  compat::SystemConfig config;
  std::unique_ptr<caf::actor_system> system;
  journal_actor journal;
  scheduler_actor scheduler;
  jobs_actor jobs;

  Status open(const std::string& folder) {
    SqliteStoreConfig files;
    files.folder = folder;
    auto opened = SqliteStore::open(std::move(files));
    if (!opened) return opened.error();
    store = std::make_shared<CountingStore>(std::move(*opened));
    system = std::make_unique<caf::actor_system>(config);
    journal = spawn_journal(*system, store, pool);
    SchedulerConfig limits;
    limits.limits.global = std::nullopt;
    scheduler = spawn_scheduler(*system, std::move(limits));
    jobs = spawn_jobs(*system, processes, {});
    return ok_status();
  }

  ~Parts() {
    if (system) {
      compat::stop(jobs);
      compat::stop(scheduler);
      compat::stop(journal);
      system->await_all_actors_done();
    }
    jobs = nullptr;
    scheduler = nullptr;
    journal = nullptr;
    processes->stop();
    pool->stop();
    store.reset();
    system.reset();
    http.reset();
    loop.stop();
  }
};

std::size_t rss_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::chrono::microseconds own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto micros = [](const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; };
  return std::chrono::microseconds(micros(usage.ru_utime) + micros(usage.ru_stime));
}

std::string briefing(std::size_t number, std::size_t bytes) {
  auto out = "[muster agent=worker task=M1.T" + std::to_string(number) + " attempt=1 session=S" +
             std::to_string(number) + "]\n";
  static constexpr std::string_view words = "Write the function that the task names, with a test. ";
  while (out.size() < bytes) out += words.substr(0, std::min(words.size(), bytes - out.size()));
  return out;
}

class Run {
 public:
  explicit Run(const LoadSpec& spec)
      : spec_(spec), parts_(threads_of(spec)), profile_(worker_profile(spec.url)) {}

  Result<nlohmann::json> run() {
    if (auto status = parts_.open(folder_.path() + "/journal"); !status) return status.error();
    // Connections, allocator and code are warm, and the base of memory is known, before it counts.
    if (auto status = crowd(8, 8); !status) return status.error();
    return measured();
  }

 private:
  static std::size_t threads_of(const LoadSpec& spec) {
    auto cores = std::thread::hardware_concurrency();
    return spec.threads ? spec.threads : std::clamp<std::size_t>(cores, 1, 4);
  }

  CrewPlan plan(std::size_t concurrent, std::size_t sessions) {
    CrewPlan out;
    out.concurrent = concurrent;
    out.sessions = sessions;
    out.tally = tally_ = std::make_shared<Tally>();
    out.deps.scheduler = parts_.scheduler;
    out.deps.jobs = parts_.jobs;
    out.deps.journal = parts_.journal;
    out.deps.model = &parts_.model;
    out.deps.blocking = parts_.pool.get();
    out.deps.open_files = open_files;
    out.deps.guard = allow_all;
    out.deps.wall_ms = wall_ms;
    out.spec = [this](std::size_t) {
      SessionSpec session;
      auto number = ++numbers_;
      session.session = "S" + std::to_string(number);
      session.mission = "bench";
      session.task = "M1.T" + std::to_string(number);
      session.briefing = briefing(number, spec_.briefing_bytes);
      session.root = folder_.path();
      session.profile = profile_;
      return session;
    };
    return out;
  }

  Status crowd(std::size_t concurrent, std::size_t sessions) {
    auto crew = compat::spawn<Crew, mission_actor>(*parts_.system, plan(concurrent, sessions));
    auto watch_memory = concurrent == sessions;
    auto until = Clock::now() + std::chrono::seconds(spec_.at_most_s);
    while (!tally_->await_done(sessions, 20ms) && Clock::now() < until)
      if (watch_memory && tally_->done() == 0) look_at_memory();
    auto done = tally_->done() == sessions;
    compat::kill(crew);
    if (auto failure = tally_->failure()) return *failure;
    if (!done) return Error{ErrorCode::timeout, "the sessions did not end in time"};
    began_flush_ = Clock::now();
    auto flushed =
        compat::ask<Unit>(*parts_.system, parts_.journal, 60s, flush_atom_v, std::string("bench"));
    if (!flushed) return flushed.error();
    return ok_status();
  }

  void look_at_memory() {
    auto rss = rss_bytes();
    auto known = base_rss_ + parts_.store->bytes.load() - base_transcripts_;
    if (rss > known) beyond_ = std::max(beyond_, rss - known);
  }

  Result<nlohmann::json> measured() {
    base_rss_ = rss_bytes();
    base_transcripts_ = parts_.store->bytes;
    beyond_ = 0;
    auto calls = parts_.model.calls.load();
    auto bytes = parts_.model.bytes.load();
    auto cpu = own_cpu();
    auto began = Clock::now();
    if (auto status = crowd(spec_.concurrent, spec_.sessions); !status) return status.error();
    std::chrono::duration<double> wall = Clock::now() - began;
    std::chrono::duration<double, std::milli> flush = Clock::now() - began_flush_;
    auto used = own_cpu() - cpu;
    calls = parts_.model.calls - calls;
    bytes = parts_.model.bytes - bytes;
    auto per_session = [this](std::size_t count) {
      return static_cast<double>(count) / static_cast<double>(spec_.sessions);
    };
    auto per_call = [calls](auto count) {
      return static_cast<double>(count) / static_cast<double>(std::max<std::size_t>(calls, 1));
    };
    return nlohmann::json{
        {"wall_s", wall.count()},
        {"calls", calls},
        {"calls_per_s", static_cast<double>(calls) / wall.count()},
        {"turns_per_session", per_session(calls)},
        {"request_bytes", per_call(bytes)},
        {"engine_cpu_us_per_call", per_call(used.count())},
        {"transcript_bytes", per_session(parts_.store->bytes - base_transcripts_)},
        {"rss_beyond_transcript_kb", per_session(beyond_) / 1024},
        {"flush_ms", flush.count()}};
  }

  LoadSpec spec_;
  TempFolder folder_;
  Parts parts_;
  std::shared_ptr<const AgentProfile> profile_;
  std::shared_ptr<Tally> tally_;
  std::size_t numbers_ = 0;  ///< crew's thread only
  Clock::time_point began_flush_;
  std::size_t base_rss_ = 0;
  std::size_t base_transcripts_ = 0;
  std::size_t beyond_ = 0;
};

}  // namespace

Result<nlohmann::json> run_load(const LoadSpec& spec) { return Run(spec).run(); }

}  // namespace muster::bench
