#include "adapters/store/mission_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "adapters/store/chain.hpp"
#include "adapters/store/mission_file.hpp"
#include "adapters/store/walk.hpp"

namespace muster::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t empty_segment = 8;  // its first word alone

/// A mission's files, open for reading.
struct Files {
  Segment segment;
  Database database;
  std::optional<Meta> meta;  ///< nullopt: nothing was ever acknowledged
};

Result<Files> open_files(const std::string& folder, const std::string& mission) {
  auto paths = mission_paths(folder, mission);
  if (!paths.ok()) return paths.error();
  std::error_code ignored;
  // In the order in which a writer makes them, backwards: it may be at it in another process.
  bool has_database = fs::exists(paths->database, ignored);
  auto segment_size = fs::file_size(paths->segment, ignored);
  bool has_segment = !ignored;
  if (!has_database && (!has_segment || segment_size <= empty_segment))
    return Error{ErrorCode::not_found, "no such mission", mission};
  if (!has_database && !fs::exists(paths->database, ignored))
    return corrupt(mission, 1, "the database file is missing");
  if (!has_segment) return corrupt(mission, 1, "the segment file is missing");
  auto segment = Segment::open(paths->segment, false);
  if (!segment.ok()) return named(segment.error(), mission, 1);
  auto database = Database::open(paths->database, false);
  if (!database.ok()) return named(database.error(), mission, 1);
  auto meta = read_meta(*database);
  if (!meta.ok()) return named(meta.error(), mission, 1);
  if (*meta)
    if (auto status = check_version(mission, **meta); !status.ok()) return status.error();
  return Files{std::move(*segment), std::move(*database), *meta};
}

}  // namespace

Status read_mission(const std::string& folder, const std::string& mission,
                    const JournalQuery& query, const std::function<bool()>& live,
                    const RecordVisitor& visit) {
  auto files = open_files(folder, mission);
  if (!files.ok()) return files.error();
  Start start;
  if (files->meta) {
    auto found = find_start(files->database, mission, *files->meta, query.since_last);
    if (!found.ok()) return found.error();
    start = *found;
  }
  // Before the rows are read: a witness that a living writer adds meanwhile may be ahead of them.
  auto scan = files->segment.scan(start.segment_from);
  if (!scan.ok()) return scan.error();
  if (!files->meta) {
    if (!scan->witness) return ok_status();
    // Another process may have made the schema since.
    auto meta = read_meta(files->database);
    if (!meta.ok()) return named(meta.error(), mission, 1);
    if (!*meta) return corrupt(mission, 1, "the database was lost");
    return read_mission(folder, mission, query, live, visit);
  }
  Walk walk(mission, files->database, files->segment);
  auto wants = [&query](std::string_view kind) {
    return query.kinds.empty() ||
           std::find(query.kinds.begin(), query.kinds.end(), kind) != query.kinds.end();
  };
  if (auto status = walk.run(start, *scan, wants, visit); !status.ok()) return status;
  auto size = files->segment.size();
  if (!size.ok()) return size.error();
  bool moved = *size != scan->size || live();  // by this process, or by another one
  if (moved) scan->good_end = UINT64_MAX;
  if (auto status = walk.check_witness(start, *scan); !status.ok()) return status;
  if (scan->corrupt && !moved)
    return corrupt(mission, walk.seq, "the end of the segment is damaged");
  return ok_status();
}

Result<std::vector<StoredRecord>> read_keyed(const std::string& folder, const std::string& mission,
                                             const std::string& kind, const std::string& key) {
  auto files = open_files(folder, mission);
  if (!files.ok()) return files.error();
  std::vector<StoredRecord> out;
  if (!files->meta) return out;
  // The last term lets SQLite use the index of journals that have it (schema 2 on).
  auto sql = std::string("SELECT ") + row_columns +
             ", (SELECT chain FROM records p WHERE p.seq = r.seq - 1) FROM records r "
             "WHERE kind = ? AND key = ?" +
             (key.empty() ? "" : " AND key <> x''") + " ORDER BY seq";
  auto rows = files->database.prepare(sql.c_str());
  if (!rows.ok()) return named(rows.error(), mission, 1);
  rows->bind_blob(1, kind).bind_blob(2, key);
  Linker link;
  while (true) {
    auto more = rows->step();
    if (!more.ok()) return named(more.error(), mission, out.empty() ? 1 : out.back().seq + 1);
    if (!*more) return out;
    auto row = row_of(*rows);
    auto before = row.seq == 1 ? first_link(mission, *files->meta)
                               : hash_from(rows->view(chain_column + 1)).value_or(Hash{});
    if (rows->view(chain_column) != view(link(before, row)))
      return corrupt(mission, row.seq, "its hash does not follow");
    auto record = read_record(mission, row, files->segment);
    if (!record.ok()) return record.error();
    out.push_back(std::move(*record));
  }
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
