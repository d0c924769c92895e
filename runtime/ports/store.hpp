#pragma once
// Port to durable storage: an append-only, hash-chained journal per mission.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/core/journal_record.hpp"
#include "runtime/core/result.hpp"

namespace muster {

struct StoredRecord {
  std::uint64_t seq = 0;   ///< 1, 2, 3 ... per mission, without gaps
  std::int64_t at_ms = 0;  ///< wall clock
  std::string kind;
  std::string key;
  std::string row;
  std::string body;
};

struct MissionSummary {
  std::string mission;
  std::uint64_t last_seq = 0;
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  /// Queues the records, in order, as one atomic batch of `mission` (created when new).
  /// `on_durable` is called exactly once, from the writer thread, with the sequence of the last
  /// record after it is on disk, or with the error; after an error nothing of the batch is stored
  /// and later appends of that mission fail too until reopen(). Thread-safe.
  virtual void append(std::string mission, std::vector<NewRecord> records,
                      std::function<void(Result<std::uint64_t>)> on_durable) = 0;
  /// Reads everything back, verifying chain, digests and witness; an error of code corrupt names
  /// the mission and the sequence. Blocks: call from the blocking pool or before the actors run.
  virtual Result<std::vector<StoredRecord>> load(const std::string& mission) = 0;
  /// Missions known to the store, newest first. Blocks.
  virtual Result<std::vector<MissionSummary>> missions() = 0;
  /// Tries again after an append error (disk full ...). Blocks.
  virtual Status reopen(const std::string& mission) = 0;
};

}  // namespace muster
