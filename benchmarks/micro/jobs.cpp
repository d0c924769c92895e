// Child processes: how soon an owner learns of a death, and how soon a large family has gone.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <caf/actor_system.hpp>
#include <charconv>
#include <chrono>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <vector>

#include "actors/jobs.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/io/unique_fd.hpp"
#include "adapters/process/uv_process.hpp"
#include "benchmarks/support/temp_folder.hpp"

namespace muster::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr auto no_answer = 60s;
constexpr int deaths = 500;
constexpr int at_once = 1;
constexpr int family_size = 1000;

microseconds wall() {
  return std::chrono::duration_cast<microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

/// What the owner of the jobs saw.
struct Told {
  std::counting_semaphore<> ends{0};
  std::mutex mutex;
  std::vector<double> delays_ms;  ///< guarded by mutex
  bool failed = false;            ///< guarded by mutex
};

/// Each child says its own time as its last word, in microseconds.
class Owner {
 public:
  Owner(compat::Self<job_owner>, std::shared_ptr<Told> told) : told_(std::move(told)) {}
  compat::Behavior<job_owner> make_behavior() {
    return {[this](job_done_atom, const JobReceiptPtr& receipt) { note(*receipt); }};
  }
  static constexpr const char* name = "owner";

 private:
  void note(const JobReceipt& receipt) {
    auto now = wall();
    auto text = receipt.exit.output;
    std::erase(text, '.');
    std::int64_t said = 0;
    std::from_chars(text.data(), text.data() + text.size(), said);
    {
      std::lock_guard lock(told_->mutex);
      told_->failed = told_->failed || !receipt.exit.success() || said == 0;
      told_->delays_ms.push_back(static_cast<double>(now.count() - said) / 1000);
    }
    told_->ends.release();
  }

  std::shared_ptr<Told> told_;
};

struct Bench {
  ~Bench() {
    compat::stop(jobs);
    port->stop();
  }

  StartJob job(const std::string& script, const job_owner& owner) {
    StartJob out;
    out.spec.id = "J" + std::to_string(++number);
    out.spec.owner = {"m", "S1", "M1.T1"};
    out.spec.command = script;
    out.spec.process.argv = {"/bin/bash", "-c", script};
    out.spec.process.cwd = folder.path();
    out.owner = owner;
    return out;
  }

  TempFolder folder;
  IoLoop loop;
  std::shared_ptr<UvProcessPort> port = std::make_shared<UvProcessPort>(loop, MUSTER_BINARY);
  compat::SystemConfig config{2};
  caf::actor_system system{config};
  jobs_actor jobs = spawn_jobs(system, port);
  int number = 0;
};

double quantile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  auto at = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values.at(std::min(at, values.size() - 1));
}

/// From a child's last word until its owner has the receipt; the child's exit is part of it. 500
/// children, one after the other.
void death_told(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) {
    auto told = std::make_shared<Told>();
    auto owner = compat::spawn<Owner, job_owner>(bench.system, told);
    for (int i = 0; i < deaths; ++i) {
      if (i >= at_once && !told->ends.try_acquire_for(no_answer))
        return state.SkipWithError("a job did not end");
      auto start = bench.job("printf %s $EPOCHREALTIME", owner);
      if (!compat::ask<JobStarted>(bench.system, bench.jobs, no_answer, start_atom_v, start))
        return state.SkipWithError("a job did not start");
    }
    for (int i = 0; i < at_once; ++i)
      if (!told->ends.try_acquire_for(no_answer)) return state.SkipWithError("a job did not end");
    std::lock_guard lock(told->mutex);
    if (told->failed) return state.SkipWithError("a job failed");
    state.counters["p50_ms"] = quantile(told->delays_ms, 0.5);
    auto p99 = quantile(told->delays_ms, 0.99);
    state.counters["p99_ms"] = p99;
    state.SetIterationTime(p99 / 1000);
    compat::kill(owner);
  }
  state.SetItemsProcessed(state.iterations());
}

/// From the order to end a job until none of its 1,000 descendants is left: each holds a pipe open.
void family_cancelled(benchmark::State& state) {
  Bench bench;
  auto gate = bench.folder.path() + "/gate";
  if (::mkfifo(gate.c_str(), 0600) != 0) return state.SkipWithError("mkfifo");
  for (auto _ : state) {
    const UniqueFd reader(::open(gate.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    // Each in a session of its own, beside 1,000 siblings.
    auto script = "exec 9>" + gate + "; for ((i = 0; i < " + std::to_string(family_size) +
                  "; ++i)); do setsid sleep 1000 & done; echo ready >&9; wait";
    auto start = bench.job(script, {});
    if (!compat::ask<JobStarted>(bench.system, bench.jobs, no_answer, start_atom_v, start))
      return state.SkipWithError("the job did not start");
    pollfd ready{reader.get(), POLLIN, 0};
    std::array<char, 16> word{};
    if (::poll(&ready, 1, 60000) <= 0 || ::read(reader.get(), word.data(), word.size()) <= 0)
      return state.SkipWithError("the family did not come");
    auto began = std::chrono::steady_clock::now();
    if (!compat::ask<Unit>(bench.system, bench.jobs, no_answer, kill_atom_v, start.spec.id))
      return state.SkipWithError("the job did not end");
    pollfd gone{reader.get(), 0, 0};
    if (::poll(&gone, 1, 60000) <= 0) return state.SkipWithError("a descendant is left");
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    state.SetIterationTime(took.count());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(death_told)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(family_cancelled)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace muster::bench
