#pragma once
// The reader's side of a mission's files: verified, without disturbing a writer. Blocks.

#include <functional>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/ports/store.hpp"

namespace muster::store {

/// What the query names. `live` is asked at the end: did a writer have the mission open meanwhile,
/// so that the segment's end was in motion?
Status read_mission(const std::string& folder, const std::string& mission,
                    const JournalQuery& query, const std::function<bool()>& live,
                    const RecordVisitor& visit);
/// The records of one kind and key.
Result<std::vector<StoredRecord>> read_keyed(const std::string& folder, const std::string& mission,
                                             const std::string& kind, const std::string& key);
/// Name, last sequence and times; does not verify.
Result<MissionSummary> summarize_mission(const std::string& folder, const std::string& mission);

}  // namespace muster::store
