#pragma once
// From a mission's journal to its state, and how often the journal gets a snapshot so that this
// stays quick.

#include <cstdint>
#include <string>

#include "runtime/core/effect_ledger.hpp"
#include "runtime/core/journal_record.hpp"
#include "runtime/core/result.hpp"
#include "runtime/core/state.hpp"
#include "runtime/ports/store.hpp"

namespace muster {

/// When a snapshot is due.
struct SnapshotBounds {
  std::size_t events = 500;       ///< since the last one ...
  std::size_t bytes = 4U << 20U;  ///< ... or so many bytes of events
};

/// Counts what a start would have to fold. A snapshot waits until the events since the last one
/// weigh as much as that one did: so snapshots never cost more than the events themselves.
class SnapshotMeter {
 public:
  SnapshotMeter() = default;
  explicit SnapshotMeter(SnapshotBounds bounds) : bounds_(bounds) {}
  void event(std::size_t bytes);
  void snapshot(std::size_t bytes);
  [[nodiscard]] bool due() const;

 private:
  SnapshotBounds bounds_;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
  std::size_t last_snapshot_ = 0;
};

/// What a journal says about its mission.
struct Replayed {
  State state;
  bool any = false;  ///< there was an event
  EffectLedger effects;
  SnapshotMeter meter;
  std::string warning;  ///< a snapshot that could not be read: everything was folded anew
};

/// Folds the events since the last snapshot, or all of them. An error names the mission: corrupt,
/// or invalid_argument when a newer muster wrote an event. Blocks: pool thread.
Result<Replayed> replay_mission(Store& store, const std::string& mission,
                                SnapshotBounds bounds = {});

/// The record that makes a start begin here.
NewRecord snapshot_record(const State& state, const EffectLedger& effects);

}  // namespace muster
