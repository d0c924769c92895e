#include "adapters/store/walk.hpp"

#include "adapters/store/mission_file.hpp"

namespace muster::store {

Status check_version(const std::string& mission, const Meta& meta) {
  if (meta.version >= 1 && meta.version <= schema_version) return ok_status();
  return Error{ErrorCode::invalid_argument,
               "its journal has schema " + std::to_string(meta.version) +
                   "; this muster reads 1 to " + std::to_string(schema_version) +
                   ": a newer muster wrote it",
               "mission " + mission};
}

Result<Start> find_start(Database& database, const std::string& mission, const Meta& meta,
                         const std::string& kind) {
  Start first{1, first_link(mission, meta), 0};
  if (kind.empty()) return first;
  // From the end backwards: what comes after the last one is what is about to be read.
  auto last = database.prepare(
      "SELECT seq, offset, (SELECT chain FROM records p WHERE p.seq = r.seq - 1) FROM records r "
      "WHERE kind = ? ORDER BY seq DESC LIMIT 1");
  if (!last.ok()) return named(last.error(), mission, 1);
  last->bind_blob(1, kind);
  auto found = last->step();
  if (!found.ok()) return named(found.error(), mission, 1);
  if (!*found || last->integer(0) <= 1) return first;
  auto seq = static_cast<std::uint64_t>(last->integer(0));
  auto before = hash_from(last->view(2));
  if (!before) return corrupt(mission, seq - 1, "it is missing, or has no hash");
  return Start{seq, *before, static_cast<std::uint64_t>(last->integer(1))};
}

Status Walk::follow(const Row& row, std::string_view stored_link) {
  if (row.seq != seq + 1)
    return corrupt(mission_, seq + 1, "the next record is " + std::to_string(row.seq));
  chain = link_(chain, row);
  if (stored_link != view(chain)) return corrupt(mission_, row.seq, "its hash does not follow");
  seq = row.seq;
  if (seq == witness_seq_) witnessed_ = chain;
  if (row.has_body()) bodies_end = std::max(bodies_end, row.offset + row.length);
  return ok_status();
}

Result<StoredRecord> read_record(const std::string& mission, const Row& row,
                                 const Segment& segment) {
  StoredRecord out{
      row.seq, row.at_ms, std::string(row.kind), std::string(row.key), std::string(row.row), {}};
  if (!row.has_body()) return out;
  auto payload = segment.read(row.offset, row.length);
  if (!payload.ok()) return named(payload.error(), mission, row.seq);
  if (payload->size() != row.length || view(hash_of(*payload)) != row.digest)
    return corrupt(mission, row.seq, "its body is not what was written");
  if (row.row_bytes != 0) out.row = payload->substr(0, row.row_bytes);
  out.body = row.row_bytes == 0 ? std::move(*payload) : payload->substr(row.row_bytes);
  return out;
}

Status Walk::check_witness(const Start& start, const SegmentScan& scan) const {
  auto acknowledged = std::max(bodies_end, scan.witness ? scan.witness->end : 0);
  if (acknowledged > scan.good_end)
    return corrupt(mission_, seq, "the segment is damaged before its end");
  if (!scan.witness) return ok_status();
  if (scan.witness->seq > seq)
    return corrupt(mission_, seq + 1,
                   "its tail is lost: " + std::to_string(scan.witness->seq) +
                       " records were acknowledged, " + std::to_string(seq) + " are there");
  // One from before the walk's first row vouches for nothing that was walked.
  if (scan.witness->seq < start.seq) return ok_status();
  if (!witnessed_ || scan.witness->chain != *witnessed_)
    return corrupt(mission_, scan.witness->seq, "it is not the record that was acknowledged");
  return ok_status();
}

}  // namespace muster::store
