#pragma once
// Port to durable storage: an append-only, hash-chained journal per mission.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
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
  bool archived = false;  ///< compressed; reading it takes longer
};

/// Which records of a mission are read.
struct JournalQuery {
  std::string since_last = {};          ///< a kind: from its last record on; "" or none there: all
  std::vector<std::string> kinds = {};  ///< that are handed over; empty = all

  [[nodiscard]] bool wants(const std::string& kind) const {
    return kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }
};

/// Takes one record; called on the reader's thread, in order.
using RecordVisitor = std::function<void(StoredRecord&&)>;

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
  /// Hands over what the query names, without keeping it all in memory. The part of the journal
  /// that is read is verified as by load(): its chain from the link that its first record has, the
  /// digests of what is handed over, and that no acknowledged record is missing at the end. After
  /// an error what was visited must be thrown away. Blocks.
  virtual Status read(const std::string& mission, const JournalQuery& query,
                      const RecordVisitor& visit);
  /// The records of one kind and key, in order, each verified against the link before it; empty
  /// when there are none. Reads no others. Blocks.
  virtual Result<std::vector<StoredRecord>> load_keyed(const std::string& mission,
                                                       const std::string& kind,
                                                       const std::string& key);
  /// Missions known to the store, newest first. Blocks.
  virtual Result<std::vector<MissionSummary>> missions() = 0;
  /// Tries again after an append error (disk full ...). Blocks.
  virtual Status reopen(const std::string& mission) = 0;
  /// Compresses a mission that nobody works on; it is read and listed as before, and an append
  /// brings it back. A store that has no other form for it does nothing. Blocks.
  virtual Status archive(const std::string& mission);
};

// What any store can do that can load; a store of many records does better.

inline Status Store::read(const std::string& mission, const JournalQuery& query,
                          const RecordVisitor& visit) {
  auto records = load(mission);
  if (!records) return records.error();
  auto first = records->begin();
  for (auto at = records->begin(); at != records->end(); ++at)
    if (!query.since_last.empty() && at->kind == query.since_last) first = at;
  for (; first != records->end(); ++first)
    if (query.wants(first->kind)) visit(std::move(*first));
  return ok_status();
}

inline Result<std::vector<StoredRecord>> Store::load_keyed(const std::string& mission,
                                                           const std::string& kind,
                                                           const std::string& key) {
  auto records = load(mission);
  if (!records) return records;
  std::erase_if(*records, [&](const StoredRecord& r) { return r.kind != kind || r.key != key; });
  return records;
}

inline Status Store::archive(const std::string&) { return ok_status(); }

}  // namespace muster
