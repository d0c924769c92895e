#pragma once
// The journal's disk: keeps what was acknowledged, and a part of what was not, through crashes of
// the engine.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/ports/store.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/world.hpp"

namespace muster::sim {

class Disk {
 public:
  Disk(World& world, Ledger& ledger, std::uint64_t seed)
      : world_(world), ledger_(ledger), random_(stream(seed, {"disk"})) {}

  void append(const LifePtr& life, std::string mission, std::vector<NewRecord> records,
              std::function<void(Result<std::uint64_t>)> on_durable);
  Result<std::vector<StoredRecord>> load(const std::string& mission);
  /// What is on disk; null when there is no such mission.
  [[nodiscard]] const std::vector<StoredRecord>* records(const std::string& mission) const;
  Result<std::vector<MissionSummary>> missions();
  Status reopen(const std::string& mission);

  /// Power loss: of what was not acknowledged a part stays (`torn`), or nothing.
  void crash(const std::string& mission, bool torn);
  /// No room from now on, until there is again.
  void set_full(bool full) { full_ = full; }
  /// How long a write takes; slow for a while under the fault slow_disk.
  void set_slow(bool slow) { slow_ = slow; }
  [[nodiscard]] bool has(const std::string& mission) const { return records(mission) != nullptr; }
  bool forget_last = false;  ///< planted: a crash loses an acknowledged record, too

 private:
  struct Batch {
    std::vector<NewRecord> records;
    std::function<void(Result<std::uint64_t>)> on_durable;
  };
  struct Mission {
    std::vector<StoredRecord> durable;
    std::deque<Batch> waiting;
    Micros last_commit = 0;
    std::optional<Error> failure;
  };
  void commit(const std::string& mission);
  void fail_all(const std::string& name, Mission& mission, const Error& error);
  void keep(const std::string& name, Mission& mission, Batch& batch);

  World& world_;
  Ledger& ledger_;
  Rng random_;
  bool full_ = false;
  bool slow_ = false;
  std::map<std::string, Mission> missions_;
};

/// The store of one life of the engine.
class DiskStore final : public Store {
 public:
  DiskStore(Disk& disk, LifePtr life) : disk_(disk), life_(std::move(life)) {}
  void append(std::string mission, std::vector<NewRecord> records,
              std::function<void(Result<std::uint64_t>)> on_durable) override {
    if (!life_->alive) return on_durable(gone());
    disk_.append(life_, std::move(mission), std::move(records), std::move(on_durable));
  }
  Result<std::vector<StoredRecord>> load(const std::string& mission) override {
    if (!life_->alive) return gone();
    return disk_.load(mission);
  }
  // Without a copy of all: a crowd's journal is long, and every session looks at its part of it.
  Status read(const std::string& mission, const JournalQuery& query,
              const RecordVisitor& visit) override;
  Result<std::vector<StoredRecord>> load_keyed(const std::string& mission, const std::string& kind,
                                               const std::string& key) override;
  Result<std::vector<MissionSummary>> missions() override { return disk_.missions(); }
  Status reopen(const std::string& mission) override {
    if (!life_->alive) return gone();
    return disk_.reopen(mission);
  }

 private:
  static Error gone() { return {ErrorCode::unavailable, "the engine is gone"}; }
  Disk& disk_;
  LifePtr life_;
};

}  // namespace muster::sim
