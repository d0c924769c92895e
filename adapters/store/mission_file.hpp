#pragma once
// One mission's journal on disk: `<mission>.db` with the rows and `<mission>.seg` with bodies and
// witnesses.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/store/chain.hpp"
#include "adapters/store/database.hpp"
#include "adapters/store/segment.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/store.hpp"

namespace muster::store {

constexpr int schema_version = 2;  ///< of new journals; older ones are read and go on as they are
constexpr std::size_t max_row_bytes = 512;   ///< of the database; a longer one goes to the segment
constexpr std::size_t max_name_bytes = 256;  ///< of a record's kind and key
constexpr std::size_t max_body_bytes = 256U << 20U;

/// How long the database's log gets, in pages, before it is moved into the database.
struct LogBounds {
  int quiet = 1000;  ///< when nobody waits
  int busy = 2000;   ///< between two rounds
};

struct MissionPaths {
  std::string database;
  std::string segment;
};

/// The mission's files in `folder`; invalid_argument when the id would be no safe file name
/// (letters, digits, . _ -).
Result<MissionPaths> mission_paths(const std::string& folder, const std::string& mission);

/// Makes the names in a folder durable.
Status sync_folder(const std::string& folder);

/// Whether a record fits; the error says what does not.
Status check_record(const NewRecord& record);

/// The writer's side: owned by the writer thread.
class MissionFile {
 public:
  /// Opens or creates. Cuts what a crash left unfinished behind the acknowledged part, saying so in
  /// `said`; refuses with corrupt when the acknowledged part itself is not whole. `keep` is the
  /// last sequence that was acknowledged, when this process knows it: rows beyond are taken back.
  static Result<std::unique_ptr<MissionFile>> open(const std::string& folder,
                                                   const std::string& mission,
                                                   std::optional<std::uint64_t> keep,
                                                   std::string& said, LogBounds bounds = {});

  /// Begins a round. On an error of any call until commit() the file must be closed and opened
  /// anew.
  Status begin();
  /// Adds a batch; returns its last sequence.
  Result<std::uint64_t> add(const std::vector<NewRecord>& records, std::int64_t now_ms);
  /// Makes the round durable: bodies first, then rows.
  Status commit();
  /// Makes the last witness durable, too. Called when there is time, and after the round that
  /// fills a block with witnesses.
  Status settle();
  [[nodiscard]] bool settles_now() const { return segment_.unsynced() >= witness_block; }
  /// Keeps the database's log in bounds; after the round was acknowledged, since it takes as long
  /// as several commits. After an error the log is longer than it should be, and nothing else.
  Status tend_log(bool quiet);
  [[nodiscard]] bool unsettled() const { return segment_.dirty(); }
  [[nodiscard]] std::uint64_t last_seq() const { return seq_; }

 private:
  MissionFile(std::string mission, Database database, Segment segment, LogBounds bounds);
  Status prepare();
  Status create_schema();
  Status recover(std::optional<std::uint64_t> keep, std::string& said);
  Status begin_empty();
  Status grow_log(std::int64_t bytes);

  /// What a power loss may take is so small that it is told from damage.
  static constexpr std::uint64_t witness_block = 4096;

  std::string mission_;
  Database database_;
  Segment segment_;
  Statement insert_;
  Statement begin_;
  Statement commit_;
  LogBounds bounds_;
  std::int64_t log_bytes_ = 0;  // of the log's file, as far as it was made beforehand
  int tried_at_ = 0;            // pages in the log when moving it was tried last
  std::uint64_t seq_ = 0;
  Hash chain_{};
  Linker link_;
};

}  // namespace muster::store
