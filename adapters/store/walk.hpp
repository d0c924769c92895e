#pragma once
// Walks the rows of a journal, checks them against each other and against the witness in the
// segment.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "adapters/store/chain.hpp"
#include "adapters/store/segment.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/store.hpp"

namespace muster::store {

/// Where a walk begins: at the first row, or at one further on, which is taken at its own word.
struct Start {
  std::uint64_t seq = 1;
  Hash before{};                   ///< the link before that row
  std::uint64_t segment_from = 0;  ///< no frame of a later record begins before this
};

/// The last row of that kind; the first row of all when `kind` is empty or there is none.
Result<Start> find_start(Database& database, const std::string& mission, const Meta& meta,
                         const std::string& kind);
/// Refuses what a newer muster wrote.
Status check_version(const std::string& mission, const Meta& meta);

class Walk {
 public:
  Walk(std::string mission, Database& database, const Segment& segment)
      : mission_(std::move(mission)), database_(database), segment_(segment) {}

  Hash chain{};                  ///< of the last row
  std::uint64_t seq = 0;         ///< of the last row
  std::uint64_t bodies_end = 0;  ///< of the last body, in the segment

  /// Checks every row and hands those with `wants(kind)` to `visit(StoredRecord&&)`, their bodies
  /// checked.
  template <class Wants, class Visit>
  Status run(const Start& start, const SegmentScan& scan, Wants wants, Visit visit);
  /// After run(): does the journal agree with the last witness, and is the segment whole up to what
  /// both refer to?
  [[nodiscard]] Status check_witness(const Start& start, const SegmentScan& scan) const;

 private:
  Status follow(const Row& row, std::string_view stored_link);

  std::string mission_;
  Database& database_;
  const Segment& segment_;
  Linker link_;
  std::uint64_t witness_seq_ = 0;
  std::optional<Hash> witnessed_;  ///< the chain at `witness_seq_`, when that row was met
};

/// One row's record, its body read and checked.
Result<StoredRecord> read_record(const std::string& mission, const Row& row,
                                 const Segment& segment);

template <class Wants, class Visit>
Status Walk::run(const Start& start, const SegmentScan& scan, Wants wants, Visit visit) {
  chain = start.before;
  seq = start.seq - 1;
  witness_seq_ = scan.witness ? scan.witness->seq : 0;
  auto sql = std::string("SELECT ") + row_columns +
             " FROM records WHERE seq >= " + std::to_string(start.seq) + " ORDER BY seq";
  auto rows = database_.prepare(sql.c_str());
  if (!rows.ok()) return named(rows.error(), mission_, start.seq);
  while (true) {
    auto more = rows->step();
    if (!more.ok()) return named(more.error(), mission_, seq + 1);
    if (!*more) return ok_status();
    auto row = row_of(*rows);
    if (auto status = follow(row, rows->view(chain_column)); !status.ok()) return status;
    if (!wants(row.kind)) continue;
    auto out = read_record(mission_, row, segment_);
    if (!out.ok()) return out.error();
    visit(std::move(*out));
  }
}

}  // namespace muster::store
