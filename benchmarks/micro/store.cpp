// The store itself: what a disk with its syncs lets through, and how long a start takes.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "actors/mission_replay.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "benchmarks/support/temp_folder.hpp"

namespace muster::bench {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double quantile(std::vector<double>& values, double at) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(static_cast<double>(values.size() - 1) * at));
}

std::unique_ptr<SqliteStore> open_store(const TempFolder& folder) {
  SqliteStoreConfig files;
  files.folder = folder.path() + "/journal";
  return std::move(*SqliteStore::open(std::move(files)));
}

/// An event whose row has 400 bytes.
NewRecord event_of_400() {
  UsageRecorded usage{"S17", "worker", "M1.T1", 12345, 678, 90, 0.0123};
  auto row = event_to_json(usage);
  row["session"] = std::string(400 - row.dump().size() + 3, 's');
  return {"event", {}, row.dump(), {}};
}

/// Appends and waits.
bool append(Store& store, const std::string& mission, std::vector<NewRecord> records) {
  std::promise<bool> done;
  store.append(mission, std::move(records),
               [&done](const Result<std::uint64_t>& outcome) { done.set_value(outcome.ok()); });
  return done.get_future().get();
}

/// 50,000 events of 400 bytes, each a batch of its own; until the last is on disk.
void store_durable_events(benchmark::State& state) {
  constexpr int count = 50000;
  TempFolder folder;
  auto store = open_store(folder);
  int mission = 0;
  for (auto _ : state) {
    auto name = "m" + std::to_string(mission++);
    std::atomic<int> left{count};
    std::atomic<bool> failed{false};
    std::promise<void> done;
    for (int i = 0; i < count; ++i)
      store->append(name, {event_of_400()}, [&](const Result<std::uint64_t>& outcome) {
        if (!outcome.ok()) failed = true;
        if (left.fetch_sub(1) == 1) done.set_value();
      });
    done.get_future().wait();
    if (failed) return state.SkipWithError("an append failed");
  }
  state.SetItemsProcessed(state.iterations() * count);
}

/// The disk's own pace: 4 KB more in a file, and a sync.
class Probe {
 public:
  explicit Probe(const std::string& folder)
      : fd_(::open((folder + "/probe").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  ~Probe() { ::close(fd_); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  /// False when the disk said no.
  bool sync() {
    if (::pwrite(fd_, block_.data(), block_.size(), at_) < 0) return false;
    at_ += static_cast<off_t>(block_.size());
    auto start = Clock::now();
    if (::fdatasync(fd_) != 0) return false;
    took.push_back(ms_since(start));
    return true;
  }
  std::vector<double> took;

 private:
  int fd_;
  std::string block_ = std::string(4096, 'x');
  off_t at_ = 0;
};

/// Events of 400 bytes, each awaited; between them the disk's own pace is taken, so that both see
/// the same disk. The time is that of the appends.
void store_append(benchmark::State& state) {
  TempFolder folder;
  auto store = open_store(folder);
  Probe probe(folder.path());
  std::vector<double> took;
  for (auto _ : state) {
    if (!probe.sync()) return state.SkipWithError("no sync");
    auto start = Clock::now();
    if (!append(*store, "m", {event_of_400()})) return state.SkipWithError("an append failed");
    took.push_back(ms_since(start));
    state.SetIterationTime(took.back() / 1000);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["p50_ms"] = quantile(took, 0.5);
  state.counters["p99_ms"] = quantile(took, 0.99);
  state.counters["fdatasync_p50_ms"] = quantile(probe.took, 0.5);
  state.counters["fdatasync_p99_ms"] = quantile(probe.took, 0.99);
}

/// A mission of 1,000 sessions with 1,000 records each: messages of 350 bytes and bills, in turn.
/// `snapshots`: as missions make them, else none.
bool fill(Store& store, bool snapshots) {
  State folded;
  EffectLedger effects;
  SnapshotMeter meter;
  std::vector<NewRecord> batch;
  auto take = [&](const EventBody& event) {
    auto row = event_to_json(event).dump();
    muster::apply(folded, event);
    meter.event(row.size());
    batch.push_back({"event", {}, std::move(row), {}});
    if (!snapshots || !meter.due()) return;
    batch.push_back(snapshot_record(folded, effects));
    meter.snapshot(batch.back().body.size());
  };
  MissionStarted start;
  start.mission = "m";
  start.objective = "o";
  take(start);
  for (int i = 0; i < 1'000'000; ++i) {
    auto session = "S" + std::to_string(i % 1000);
    if (i % 2 == 0)
      batch.push_back({"session", session, R"({"t":"message"})", std::string(350, 'm')});
    else
      take(UsageRecorded{session, "worker", "M1.T1", 1000, 10, 20, 0.0001});
    if (batch.size() < 2000 && i + 1 < 1'000'000) continue;
    if (!append(store, "m", std::exchange(batch, {}))) return false;
  }
  return true;
}

/// Filled once for all repetitions.
const TempFolder* filled(bool snapshots) {
  static std::map<bool, std::unique_ptr<TempFolder>> folders;
  auto& folder = folders[snapshots];
  if (folder) return folder.get();
  folder = std::make_unique<TempFolder>();
  return fill(*open_store(*folder), snapshots) ? folder.get() : nullptr;
}

/// From closed files to the state, and to the first new record on disk.
void store_resume(benchmark::State& state) {
  const auto* folder = filled(state.range(0) != 0);
  if (!folder) return state.SkipWithError("the store said no");
  for (auto _ : state) {
    auto store = open_store(*folder);
    auto replayed = replay_mission(*store, "m");
    if (!replayed || replayed->state.input_tokens < 1000) return state.SkipWithError("no state");
    if (!append(*store, "m", {event_of_400()})) return state.SkipWithError("an append failed");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(store_durable_events)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(store_append)->UseManualTime()->Iterations(2000)->Unit(benchmark::kMillisecond);
BENCHMARK(store_resume)
    ->Arg(1)
    ->Arg(0)
    ->UseRealTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace muster::bench
