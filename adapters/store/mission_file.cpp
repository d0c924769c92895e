#include "adapters/store/mission_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "adapters/store/chain.hpp"
#include "adapters/store/walk.hpp"
#include "runtime/core/fault_points.hpp"
#include "runtime/core/sha256.hpp"

namespace muster::store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t frame_bytes = 4096 + 24;  ///< of a page in the log
constexpr std::int64_t first_log_bytes = 1 << 20;
constexpr int try_again_after = 250;  ///< pages, when a reader kept the log from being moved

}  // namespace

Status sync_folder(const std::string& folder) {
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "cannot open the folder", folder);
  int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return system_error(failed, "cannot sync the folder", folder);
  return ok_status();
}

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

MissionFile::MissionFile(std::string mission, Database database, Segment segment, LogBounds bounds)
    : mission_(std::move(mission)),
      database_(std::move(database)),
      segment_(std::move(segment)),
      bounds_(bounds) {}

Result<std::unique_ptr<MissionFile>> MissionFile::open(const std::string& folder,
                                                       const std::string& mission,
                                                       std::optional<std::uint64_t> keep,
                                                       std::string& said, LogBounds bounds) {
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
      new MissionFile(mission, std::move(*database), std::move(*segment), bounds));
  if (auto status = file->recover(keep, said); !status.ok()) return status.error();
  if (auto status = file->prepare(); !status.ok()) return status.error();
  MUSTER_FAULT_POINT("store.opened");
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
  (void)grow_log(first_log_bytes);  // without it everything is slower, not wrong
  return ok_status();
}

Status MissionFile::create_schema() {
  auto now = static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::system_clock::now().time_since_epoch())
                                           .count());
  chain_ = first_link(mission_, {schema_version, now});
  seq_ = 0;
  auto sql =
      "BEGIN IMMEDIATE;"
      "CREATE TABLE meta (schema_version INTEGER NOT NULL, created_at_ms INTEGER NOT NULL);"
      "CREATE TABLE records (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
      " kind BLOB NOT NULL, key BLOB NOT NULL, row BLOB NOT NULL, row_bytes INTEGER NOT NULL,"
      " offset INTEGER NOT NULL, length INTEGER NOT NULL, digest BLOB NOT NULL,"
      " chain BLOB NOT NULL);"
      "CREATE INDEX keyed ON records (kind, key) WHERE key <> x'';"
      "INSERT INTO meta VALUES (" +
      std::to_string(schema_version) + "," + std::to_string(now) + "); COMMIT";
  return database_.run(sql.c_str());
}

Status MissionFile::recover(std::optional<std::uint64_t> keep, std::string& said) {
  auto meta = read_meta(database_);
  if (!meta.ok()) return named(meta.error(), mission_, 1);
  if (!*meta) return begin_empty();
  if (auto status = check_version(mission_, **meta); !status.ok()) return status;
  if (keep) {
    auto sql = "DELETE FROM records WHERE seq > " + std::to_string(*keep);
    if (auto status = database_.run(sql.c_str()); !status.ok()) return status;
  }
  auto start = find_start(database_, mission_, **meta, std::string(snapshot_kind));
  if (!start.ok()) return start.error();
  auto scan = segment_.scan(start->segment_from);
  if (!scan.ok()) return scan.error();
  Walk walk(mission_, database_, segment_);
  auto none = [](std::string_view) { return false; };  // bodies are checked by who reads them
  if (auto status = walk.run(*start, *scan, none, [](StoredRecord&&) {}); !status.ok())
    return status;
  if (auto status = walk.check_witness(*start, *scan); !status.ok()) return status;
  if (scan->corrupt) return corrupt(mission_, walk.seq, "the end of the segment is damaged");
  seq_ = walk.seq;
  chain_ = walk.chain;
  auto end = std::max({walk.bodies_end, scan->witness ? scan->witness->end : 0, scan->from});
  if (end == scan->size) return ok_status();
  said = "mission " + mission_ + ": cut " + std::to_string(scan->size - end) +
         " bytes of unacknowledged work after record " + std::to_string(seq_);
  return segment_.truncate(end);
}

/// There is no schema: nothing was acknowledged, unless a witness says so.
Status MissionFile::begin_empty() {
  auto scan = segment_.scan();
  if (!scan.ok()) return scan.error();
  if (scan->witness) return corrupt(mission_, 1, "the database was lost");
  if (scan->size > scan->from)
    if (auto status = segment_.truncate(scan->from); !status.ok()) return status;
  return create_schema();
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
    chain_ = link_(chain_, row);
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
  const bool bodies = segment_.owes_bodies();
  if (auto status = segment_.write(); !status.ok()) return status;
  if (bodies)
    if (auto status = segment_.sync(); !status.ok()) return status;
  MUSTER_FAULT_POINT("store.before_commit");
  if (MUSTER_FAULT_ERROR("store.commit"))
    return system_error(EIO, "cannot commit", "mission " + mission_);
  if (auto status = commit_.run(); !status.ok()) return status;
  MUSTER_FAULT_POINT("store.after_commit");
  // Not synced here: that costs as much as a commit. It is with the next bodies, or in settle().
  segment_.add_witness(seq_, chain_);
  return segment_.write();
}

Status MissionFile::settle() { return segment_.sync(); }

/// A file that grows makes each sync wait for the file system's own journal, which is what the
/// slowest commits waited for; one that is overwritten does not.
Status MissionFile::grow_log(std::int64_t bytes) {
  log_bytes_ = bytes;
  return database_.grow_log(bytes);
}

Status MissionFile::tend_log(bool quiet) {
  const auto pages = database_.log_pages();
  if (pages < tried_at_) tried_at_ = 0;  // it began anew
  const auto bound = std::max(quiet ? bounds_.quiet : bounds_.busy,
                              tried_at_ == 0 ? 0 : tried_at_ + try_again_after);
  if (pages >= bound) {
    tried_at_ = pages;
    MUSTER_FAULT_POINT("store.before_checkpoint");
    auto status = database_.checkpoint();
    MUSTER_FAULT_POINT("store.after_checkpoint");
    return status;
  }
  if (log_bytes_ >= bounds_.busy * frame_bytes || pages * frame_bytes < log_bytes_ / 4 * 3)
    return ok_status();
  return grow_log(2 * log_bytes_);
}

}  // namespace muster::store
