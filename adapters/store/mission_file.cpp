#include "adapters/store/mission_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "runtime/core/sha256.hpp"

namespace muster::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* select_rows =
    "SELECT seq, at_ms, kind, key, row, row_bytes, offset, length, digest, chain FROM records "
    "ORDER BY seq";

std::string_view view(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

Hash hash_of(std::string_view bytes) {
  Sha256 sha;
  sha.update(bytes);
  return sha.digest();
}

void add_number(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void add_text(std::string& out, std::string_view text) {
  add_number(out, text.size());
  out += text;
}

/// A row as it is stored. `row_bytes` of the payload's front are the row itself, when it was too
/// long.
struct Row {
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;
  std::string_view kind, key, row;
  std::uint64_t row_bytes = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string_view digest;  ///< of the payload; empty without one
};

/// The chain's next link covers everything in the row and the link before it.
Hash link(const Hash& before, const Row& row) {
  std::string bytes(view(before));
  add_number(bytes, row.seq);
  add_number(bytes, static_cast<std::uint64_t>(row.at_ms));
  for (auto text : {row.kind, row.key, row.row, row.digest}) add_text(bytes, text);
  for (auto number : {row.row_bytes, row.offset, row.length}) add_number(bytes, number);
  return hash_of(bytes);
}

Hash first_link(const std::string& mission, std::int64_t created_at_ms) {
  std::string bytes = "muster journal " + std::to_string(schema_version) + "\n";
  add_text(bytes, mission);
  add_number(bytes, static_cast<std::uint64_t>(created_at_ms));
  return hash_of(bytes);
}

Error corrupt(const std::string& mission, std::uint64_t seq, const std::string& what) {
  return {ErrorCode::corrupt,
          "the journal is corrupt at record " + std::to_string(seq) + ": " + what,
          "mission " + mission};
}

/// Errors below the journal that mean "not as it was written" get the mission's name.
Error named(const Error& error, const std::string& mission, std::uint64_t seq) {
  return error.code == ErrorCode::corrupt ? corrupt(mission, seq, error.text()) : error;
}

Status sync_folder(const std::string& folder) {
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "cannot open the folder", folder);
  int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return system_error(failed, "cannot sync the folder", folder);
  return ok_status();
}

struct Meta {
  std::int64_t version = 0;
  std::int64_t created_at_ms = 0;
};

/// nullopt: there is no schema, so nothing was ever acknowledged by this file.
Result<std::optional<Meta>> read_meta(Database& database) {
  auto table = database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'");
  if (!table.ok()) return table.error();
  auto counted = table->step();
  if (!counted.ok()) return counted.error();
  if (table->integer(0) == 0) return std::optional<Meta>{};
  auto rows = database.prepare("SELECT schema_version, created_at_ms FROM meta");
  if (!rows.ok()) return rows.error();
  auto row = rows->step();
  if (!row.ok()) return row.error();
  if (!*row) return std::optional<Meta>{};
  return std::optional<Meta>{Meta{rows->integer(0), rows->integer(1)}};
}

/// Walks all rows, checks them against each other, and hands each to `visit`.
class Walk {
 public:
  Walk(std::string mission, Database& database, const Segment& segment)
      : mission_(std::move(mission)), database_(database), segment_(segment) {}

  Hash chain{};                  ///< of the last row
  std::uint64_t seq = 0;         ///< of the last row
  std::uint64_t bodies_end = 0;  ///< of the last body, in the segment
  Hash witnessed{};              ///< the chain at `witness_seq`, when that row was met
  std::uint64_t witness_seq = 0;
  bool verify_bodies = true;

  template <class Visit>
  Status run(const Meta& meta, Visit visit) {
    chain = first_link(mission_, meta.created_at_ms);
    auto rows = database_.prepare(select_rows);
    if (!rows.ok()) return named(rows.error(), mission_, 1);
    while (true) {
      auto row = rows->step();
      if (!row.ok()) return named(row.error(), mission_, seq + 1);
      if (!*row) return ok_status();
      auto record = next(*rows);
      if (!record.ok()) return record.error();
      visit(std::move(*record));
    }
  }

 private:
  Result<StoredRecord> next(Statement& rows) {
    StoredRecord out{static_cast<std::uint64_t>(rows.integer(0)),
                     rows.integer(1),
                     rows.bytes(2),
                     rows.bytes(3),
                     rows.bytes(4),
                     {}};
    auto digest = rows.bytes(8);
    Row row{out.seq,
            out.at_ms,
            out.kind,
            out.key,
            out.row,
            static_cast<std::uint64_t>(rows.integer(5)),
            static_cast<std::uint64_t>(rows.integer(6)),
            static_cast<std::uint64_t>(rows.integer(7)),
            digest};
    if (out.seq != seq + 1)
      return corrupt(mission_, seq + 1, "the next record is " + std::to_string(out.seq));
    chain = link(chain, row);
    if (rows.bytes(9) != view(chain)) return corrupt(mission_, out.seq, "its hash does not follow");
    seq = out.seq;
    if (seq == witness_seq) witnessed = chain;
    if (row.length != 0 || !digest.empty()) {
      bodies_end = std::max(bodies_end, row.offset + row.length);
      if (verify_bodies)
        if (auto status = load_body(row, out); !status.ok()) return status.error();
    }
    return out;
  }

  Status load_body(const Row& row, StoredRecord& out) {
    auto payload = segment_.read(row.offset, row.length);
    if (!payload.ok()) return named(payload.error(), mission_, row.seq);
    if (payload->size() != row.length || view(hash_of(*payload)) != row.digest)
      return corrupt(mission_, row.seq, "its body is not what was written");
    if (row.row_bytes != 0) out.row = payload->substr(0, row.row_bytes);
    out.body = row.row_bytes == 0 ? std::move(*payload) : payload->substr(row.row_bytes);
    return ok_status();
  }

  std::string mission_;
  Database& database_;
  const Segment& segment_;
};

/// Does the journal agree with the last witness, and is the segment whole up to what both refer to?
Status check_witness(const std::string& mission, const SegmentScan& scan, const Walk& walk) {
  auto acknowledged = std::max(walk.bodies_end, scan.witness ? scan.witness->end : 0);
  if (acknowledged > scan.good_end)
    return corrupt(mission, walk.seq, "the segment is damaged before its end");
  if (!scan.witness) return ok_status();
  if (scan.witness->seq > walk.seq)
    return corrupt(mission, walk.seq + 1,
                   "its tail is lost: " + std::to_string(scan.witness->seq) +
                       " records were acknowledged, " + std::to_string(walk.seq) + " are there");
  if (scan.witness->chain != walk.witnessed)
    return corrupt(mission, scan.witness->seq, "it is not the record that was acknowledged");
  return ok_status();
}

}  // namespace

Result<MissionPaths> mission_paths(const std::string& folder, const std::string& mission) {
  auto safe = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (mission.empty() || mission.size() > 128 || mission[0] == '.' ||
      !std::all_of(mission.begin(), mission.end(), safe))
    return Error{ErrorCode::invalid_argument, "not a mission's id", mission};
  auto base = (fs::path(folder) / mission).string();
  return MissionPaths{base + ".db", base + ".seg"};
}

Status check_record(const NewRecord& record) {
  if (record.kind.empty() || record.kind.size() > max_name_bytes ||
      record.key.size() > max_name_bytes)
    return Error{ErrorCode::invalid_argument, "a record's kind or key is empty or too long"};
  if (record.row.size() + record.body.size() > max_body_bytes)
    return Error{ErrorCode::limit_reached, "a record is bigger than 256 MiB"};
  return ok_status();
}

// ---- writing
// ----------------------------------------------------------------------------------------

MissionFile::MissionFile(std::string mission, Database database, Segment segment)
    : mission_(std::move(mission)), database_(std::move(database)), segment_(std::move(segment)) {}

Result<std::unique_ptr<MissionFile>> MissionFile::open(const std::string& folder,
                                                       const std::string& mission,
                                                       std::optional<std::uint64_t> keep,
                                                       std::string& said) {
  auto paths = mission_paths(folder, mission);
  if (!paths.ok()) return paths.error();
  std::error_code ignored;
  bool is_new = !fs::exists(paths->database, ignored);
  // The segment first: a database without one would look like a lost segment.
  auto segment = Segment::open(paths->segment, is_new);
  if (!segment.ok() && segment.error().code == ErrorCode::not_found)
    return corrupt(mission, 1, "the segment file is missing");
  if (!segment.ok()) return named(segment.error(), mission, 1);
  auto database = Database::open(paths->database, true);
  if (!database.ok()) return named(database.error(), mission, 1);
  std::unique_ptr<MissionFile> file(
      new MissionFile(mission, std::move(*database), std::move(*segment)));
  if (auto status = file->recover(keep, said); !status.ok()) return status.error();
  if (auto status = file->prepare(); !status.ok()) return status.error();
  if (is_new)
    if (auto status = sync_folder(folder); !status.ok()) return status.error();
  return file;
}

Status MissionFile::prepare() {
  auto insert = database_.prepare("INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?,?)");
  if (!insert.ok()) return insert.error();
  auto begin = database_.prepare("BEGIN IMMEDIATE");
  if (!begin.ok()) return begin.error();
  auto commit = database_.prepare("COMMIT");
  if (!commit.ok()) return commit.error();
  insert_ = std::move(*insert);
  begin_ = std::move(*begin);
  commit_ = std::move(*commit);
  return ok_status();
}

Status MissionFile::create_schema() {
  auto now = static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::system_clock::now().time_since_epoch())
                                           .count());
  chain_ = first_link(mission_, now);
  seq_ = 0;
  auto sql =
      "BEGIN IMMEDIATE;"
      "CREATE TABLE meta (schema_version INTEGER NOT NULL, created_at_ms INTEGER NOT NULL);"
      "CREATE TABLE records (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
      " kind BLOB NOT NULL, key BLOB NOT NULL, row BLOB NOT NULL, row_bytes INTEGER NOT NULL,"
      " offset INTEGER NOT NULL, length INTEGER NOT NULL, digest BLOB NOT NULL,"
      " chain BLOB NOT NULL);"
      "INSERT INTO meta VALUES (" +
      std::to_string(schema_version) + "," + std::to_string(now) + "); COMMIT";
  return database_.run(sql.c_str());
}

Status MissionFile::recover(std::optional<std::uint64_t> keep, std::string& said) {
  auto scan = segment_.scan();
  if (!scan.ok()) return scan.error();
  auto meta = read_meta(database_);
  if (!meta.ok()) return named(meta.error(), mission_, 1);
  if (!*meta) {
    if (scan->witness) return corrupt(mission_, 1, "the database was lost");
    if (scan->size > scan->good_end || scan->good_end > 8)
      if (auto status = segment_.truncate(8); !status.ok()) return status;
    return create_schema();
  }
  if ((*meta)->version != schema_version)
    return Error{ErrorCode::invalid_argument,
                 "the journal has schema " + std::to_string((*meta)->version) + ", not " +
                     std::to_string(schema_version),
                 "mission " + mission_};
  if (keep) {
    auto sql = "DELETE FROM records WHERE seq > " + std::to_string(*keep);
    if (auto status = database_.run(sql.c_str()); !status.ok()) return status;
  }
  Walk walk(mission_, database_, segment_);
  walk.verify_bodies = false;  // load() does that
  walk.witness_seq = scan->witness ? scan->witness->seq : 0;
  if (auto status = walk.run(**meta, [](StoredRecord&&) {}); !status.ok()) return status;
  if (auto status = check_witness(mission_, *scan, walk); !status.ok()) return status;
  if (scan->corrupt) return corrupt(mission_, walk.seq, "the end of the segment is damaged");
  seq_ = walk.seq;
  chain_ = walk.chain;
  auto end = std::max({walk.bodies_end, scan->witness ? scan->witness->end : 0, std::uint64_t{8}});
  if (end == scan->size) return ok_status();
  said = "mission " + mission_ + ": cut " + std::to_string(scan->size - end) +
         " bytes of unacknowledged work after record " + std::to_string(seq_);
  return segment_.truncate(end);
}

Status MissionFile::begin() { return begin_.run(); }

Result<std::uint64_t> MissionFile::add(const std::vector<NewRecord>& records, std::int64_t now_ms) {
  for (const auto& record : records) {
    Row row{++seq_, now_ms, record.kind, record.key, record.row};
    if (record.row.size() > max_row_bytes) {
      row.row = {};
      row.row_bytes = record.row.size();
    }
    Hash digest{};
    if (row.row_bytes != 0 || !record.body.empty()) {
      Sha256 sha;
      auto front = row.row_bytes != 0 ? std::string_view(record.row) : std::string_view();
      sha.update(front);
      sha.update(record.body);
      digest = sha.digest();
      row.digest = view(digest);
      row.length = front.size() + record.body.size();
      row.offset = segment_.add_body(row.seq, front, record.body);
    }
    chain_ = link(chain_, row);
    insert_.bind(1, static_cast<std::int64_t>(row.seq)).bind(2, row.at_ms);
    insert_.bind_blob(3, row.kind).bind_blob(4, row.key).bind_blob(5, row.row);
    insert_.bind(6, static_cast<std::int64_t>(row.row_bytes));
    insert_.bind(7, static_cast<std::int64_t>(row.offset));
    insert_.bind(8, static_cast<std::int64_t>(row.length));
    insert_.bind_blob(9, row.digest).bind_blob(10, view(chain_));
    if (auto status = insert_.run(); !status.ok()) return status.error();
  }
  return seq_;
}

Status MissionFile::commit() {
  if (auto status = segment_.write(); !status.ok()) return status;
  if (auto status = segment_.sync(); !status.ok()) return status;
  if (auto status = commit_.run(); !status.ok()) return status;
  // Not synced here: that costs as much as a commit. It is with the next bodies, or in settle().
  segment_.add_witness(seq_, chain_);
  return segment_.write();
}

Status MissionFile::settle() { return segment_.sync(); }

// ---- reading
// ----------------------------------------------------------------------------------------

Result<std::vector<StoredRecord>> read_mission(const std::string& folder,
                                               const std::string& mission, bool live) {
  auto paths = mission_paths(folder, mission);
  if (!paths.ok()) return paths.error();
  std::error_code ignored;
  bool has_segment = fs::exists(paths->segment, ignored);
  if (!fs::exists(paths->database, ignored)) {
    if (!has_segment) return Error{ErrorCode::not_found, "no such mission", mission};
    return corrupt(mission, 1, "the database file is missing");
  }
  if (!has_segment) return corrupt(mission, 1, "the segment file is missing");
  auto segment = Segment::open(paths->segment, false);
  if (!segment.ok()) return named(segment.error(), mission, 1);
  // Before the rows are read: a witness that a living writer adds meanwhile may be ahead of them.
  auto scan = segment->scan();
  if (!scan.ok()) return scan.error();
  auto database = Database::open(paths->database, false);
  if (!database.ok()) return named(database.error(), mission, 1);
  auto meta = read_meta(*database);
  if (!meta.ok()) return named(meta.error(), mission, 1);
  if (!*meta) {
    if (scan->witness) return corrupt(mission, 1, "the database was lost");
    return std::vector<StoredRecord>{};
  }
  Walk walk(mission, *database, *segment);
  walk.witness_seq = scan->witness ? scan->witness->seq : 0;
  std::vector<StoredRecord> records;
  auto keep = [&records](StoredRecord&& record) { records.push_back(std::move(record)); };
  if (auto status = walk.run(**meta, keep); !status.ok()) return status.error();
  if (live) scan->good_end = std::max(scan->good_end, walk.bodies_end);
  if (auto status = check_witness(mission, *scan, walk); !status.ok()) return status.error();
  if (scan->corrupt && !live)
    return corrupt(mission, walk.seq, "the end of the segment is damaged");
  return records;
}

Result<MissionSummary> summarize_mission(const std::string& folder, const std::string& mission) {
  auto paths = mission_paths(folder, mission);
  if (!paths.ok()) return paths.error();
  auto database = Database::open(paths->database, false);
  if (!database.ok()) return named(database.error(), mission, 1);
  auto meta = read_meta(*database);
  if (!meta.ok()) return named(meta.error(), mission, 1);
  MissionSummary summary{mission, 0, 0, 0};
  if (!*meta) return summary;
  summary.created_at_ms = summary.updated_at_ms = (*meta)->created_at_ms;
  auto last = database->prepare("SELECT seq, at_ms FROM records ORDER BY seq DESC LIMIT 1");
  if (!last.ok()) return named(last.error(), mission, 1);
  auto row = last->step();
  if (!row.ok()) return named(row.error(), mission, 1);
  if (*row) {
    summary.last_seq = static_cast<std::uint64_t>(last->integer(0));
    summary.updated_at_ms = last->integer(1);
  }
  return summary;
}

}  // namespace muster::store
