#include "adapters/store/sqlite_store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <utility>

#include "adapters/io/wall_clock.hpp"
#include "adapters/store/archive.hpp"
#include "adapters/store/mission_reader.hpp"
#include "runtime/core/fault_points.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(SqliteStoreConfig config) {
  std::error_code failed;
  fs::create_directories(config.folder, failed);
  if (failed) return store::system_error(failed.value(), "cannot make the folder", config.folder);
  ::chmod(config.folder.c_str(), 0700);
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(config)));
}

SqliteStore::SqliteStore(SqliteStoreConfig config) : config_(std::move(config)) {
  writer_ = std::thread([this] { work(); });
}

SqliteStore::~SqliteStore() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void SqliteStore::append(std::string mission, std::vector<NewRecord> records,
                         std::function<void(Result<std::uint64_t>)> on_durable) {
  bool was_empty = false;
  {
    std::lock_guard lock(mutex_);
    was_empty = queue_.empty();
    queue_[std::move(mission)].push_back({std::move(records), std::move(on_durable)});
  }
  if (was_empty) wake_.notify_one();
}

// ---- the writer thread
// ------------------------------------------------------------------------------

void SqliteStore::work() {
  std::unique_lock lock(mutex_);
  auto something = [this] { return !queue_.empty() || !errands_.empty() || stopping_; };
  while (true) {
    if (!unsettled_)
      wake_.wait(lock, something);
    else if (!wake_.wait_for(lock, config_.settle_after, something) || stopping_)
      settle(true);
    auto round = std::exchange(queue_, {});
    auto errands = std::exchange(errands_, {});
    if (round.empty() && errands.empty() && stopping_) break;
    lock.unlock();
    ++round_;
    for (auto& [mission, batches] : round) write(mission, batches);
    for (auto& errand : errands) errand();
    close_idle();
    lock.lock();
  }
  settle(false);
  open_.clear();
}

// A record that no store could keep is its sender's mistake: it costs its batch, not the mission.
void SqliteStore::refuse_unfit(std::vector<Batch>& batches) {
  std::erase_if(batches, [](Batch& batch) {
    for (const auto& record : batch.records) {
      auto status = store::check_record(record);
      if (status.ok()) continue;
      if (batch.on_durable) batch.on_durable(status.error());
      return true;
    }
    return false;
  });
}

void SqliteStore::write(const std::string& mission, std::vector<Batch>& batches) {
  refuse_unfit(batches);
  if (batches.empty()) return;
  auto& open = open_[mission];
  open.used = round_;
  if (auto status = ensure_open(mission, open); !status.ok())
    return fail(mission, open, status.error(), batches);
  auto sequences = write_all(open, batches);
  if (!sequences.ok()) return fail(mission, open, sequences.error(), batches);
  open.acknowledged = open.file->last_seq();
  unsettled_ = true;
  MUSTER_FAULT_POINT("store.before_acknowledgement");
  for (std::size_t i = 0; i < batches.size(); ++i)
    if (batches[i].on_durable) batches[i].on_durable((*sequences)[i]);
  MUSTER_FAULT_POINT("store.acknowledged");
  if (open.file->settles_now()) settle(mission, open);
  tend_log(mission, open, false);
}

/// A disk that fails here fails the next commit, too: that is the one to act upon.
void SqliteStore::tend_log(const std::string& mission, Open& open, bool quiet) {
  if (!open.file) return;
  auto status = open.file->tend_log(quiet);
  if (!status.ok() && config_.say)
    config_.say("mission " + mission + ": its log stays long: " + status.error().text());
}

Result<std::vector<std::uint64_t>> SqliteStore::write_all(Open& open, std::vector<Batch>& batches) {
  std::vector<std::uint64_t> sequences;
  if (auto status = open.file->begin(); !status.ok()) return status.error();
  auto now = wall_ms();
  for (auto& batch : batches) {
    auto seq = open.file->add(batch.records, now);
    if (!seq.ok()) return seq.error();
    sequences.push_back(*seq);
  }
  if (auto status = open.file->commit(); !status.ok()) return status.error();
  return sequences;
}

Status SqliteStore::ensure_open(const std::string& mission, Open& open) {
  if (open.failure) return *open.failure;
  if (open.file) return ok_status();
  if (auto status = restore(mission); !status.ok()) return status;
  std::string said;
  auto file =
      store::MissionFile::open(config_.folder, mission, open.acknowledged, said, config_.log);
  if (!said.empty() && config_.say) config_.say(said);
  if (!file.ok()) return file.error();
  open.file = std::move(*file);
  open.acknowledged = open.file->last_seq();
  std::lock_guard lock(live_mutex_);
  live_.insert(mission);
  ++openings_;
  return ok_status();
}

/// Work on an archived mission brings it back.
Status SqliteStore::restore(const std::string& mission) {
  if (!store::is_archived(config_.folder, mission)) return ok_status();
  auto status = store::restore_mission(config_.folder, mission);
  if (status.ok() && config_.say)
    config_.say("mission " + mission + " was brought back from the archive");
  return status;
}

// The files are closed, which rolls the round back; they are mended when they are opened again.
void SqliteStore::fail(const std::string& mission, Open& open, const Error& error,
                       std::vector<Batch>& batches) {
  open.failure = error;
  close(mission, open);
  for (auto& batch : batches)
    if (batch.on_durable) batch.on_durable(error);
}

void SqliteStore::close(const std::string& mission, Open& open) {
  open.file.reset();
  std::lock_guard lock(live_mutex_);
  live_.erase(mission);
}

void SqliteStore::settle(bool quiet) {
  unsettled_ = false;
  for (auto& [mission, open] : open_) {
    settle(mission, open);
    if (quiet) tend_log(mission, open, true);
  }
}

void SqliteStore::settle(const std::string& mission, Open& open) {
  if (!open.file || !open.file->unsettled()) return;
  auto status = open.file->settle();
  if (status.ok()) return;
  // What was acknowledged is in the database; what comes next must not be, until somebody has
  // looked.
  open.failure = status.error();
  close(mission, open);
}

void SqliteStore::close_idle() {
  auto is_open = [](const auto& entry) { return entry.second.file != nullptr; };
  auto count = static_cast<std::size_t>(std::count_if(open_.begin(), open_.end(), is_open));
  while (count > config_.max_open) {
    auto oldest = open_.end();
    for (auto it = open_.begin(); it != open_.end(); ++it)
      if (it->second.file && (oldest == open_.end() || it->second.used < oldest->second.used))
        oldest = it;
    (void)oldest->second.file->settle();
    close(oldest->first, oldest->second);
    open_.erase(oldest);
    --count;
  }
}

// ---- other threads
// ----------------------------------------------------------------------------------

Status SqliteStore::in_writer(const std::string& mission, const std::function<Status()>& work) {
  std::promise<Status> done;
  auto result = done.get_future();
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return Error{ErrorCode::unavailable, "the store is closing", mission};
    errands_.push_back([&work, &done] { done.set_value(work()); });
  }
  wake_.notify_one();
  return result.get();
}

Status SqliteStore::reopen(const std::string& mission) {
  return in_writer(mission, [this, &mission] {
    Status out = ok_status();
    reopen_now(mission, [&out](Status status) { out = std::move(status); });
    return out;
  });
}

// Compressing takes its time, so only the closing is the writer's part.
Status SqliteStore::archive(const std::string& mission) {
  auto closed = in_writer(mission, [this, &mission]() -> Status {
    auto found = open_.find(mission);
    if (found == open_.end()) return ok_status();
    if (found->second.failure) return *found->second.failure;
    if (found->second.file) (void)found->second.file->settle();
    close(mission, found->second);
    open_.erase(found);
    return ok_status();
  });
  if (!closed.ok()) return closed;
  return store::archive_mission(config_.folder, mission);
}

void SqliteStore::reopen_now(const std::string& mission, const std::function<void(Status)>& done) {
  auto& open = open_[mission];
  open.used = round_;
  open.failure.reset();
  auto status = ensure_open(mission, open);
  if (!status.ok()) open.failure = status.error();
  done(std::move(status));
}

std::uint64_t SqliteStore::openings() {
  std::lock_guard lock(live_mutex_);
  return openings_;
}

bool SqliteStore::is_live(const std::string& mission) {
  std::lock_guard lock(live_mutex_);
  return live_.contains(mission);
}

Result<std::vector<StoredRecord>> SqliteStore::load(const std::string& mission) {
  std::vector<StoredRecord> records;
  auto keep = [&records](StoredRecord&& record) { records.push_back(std::move(record)); };
  if (auto status = read(mission, {}, keep); !status.ok()) return status.error();
  return records;
}

Status SqliteStore::read(const std::string& mission, const JournalQuery& query,
                         const RecordVisitor& visit) {
  if (store::is_archived(config_.folder, mission)) {
    auto unpacked = store::Unpacked::open(config_.folder, mission);
    if (!unpacked.ok()) return unpacked.error();
    return store::read_mission(
        unpacked->folder(), mission, query, [] { return false; }, visit);
  }
  auto before = openings();
  auto live = [&] { return is_live(mission) || openings() != before; };
  return store::read_mission(config_.folder, mission, query, live, visit);
}

Result<std::vector<StoredRecord>> SqliteStore::load_keyed(const std::string& mission,
                                                          const std::string& kind,
                                                          const std::string& key) {
  if (!store::is_archived(config_.folder, mission))
    return store::read_keyed(config_.folder, mission, kind, key);
  auto unpacked = store::Unpacked::open(config_.folder, mission);
  if (!unpacked.ok()) return unpacked.error();
  return store::read_keyed(unpacked->folder(), mission, kind, key);
}

Result<std::vector<MissionSummary>> SqliteStore::missions() {
  std::vector<MissionSummary> out;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(config_.folder, failed)) {
    if (entry.path().extension() != ".db") continue;
    auto name = entry.path().stem().string();
    auto summary = store::summarize_mission(config_.folder, name);
    // One that cannot be read is listed all the same: load() will say what is wrong with it.
    out.push_back(summary.ok() ? *summary : MissionSummary{name, 0, 0, 0, false});
  }
  if (failed) return store::system_error(failed.value(), "cannot list", config_.folder);
  for (const auto& entry : fs::directory_iterator(fs::path(config_.folder) / "archive", failed)) {
    if (entry.path().extension() != ".muz") continue;
    auto name = entry.path().stem().string();
    if (!store::is_archived(config_.folder, name))
      continue;  // it was being archived, or brought back
    auto summary = store::summarize_archive(config_.folder, name);
    out.push_back(summary.ok() ? *summary : MissionSummary{name, 0, 0, 0, true});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.created_at_ms > b.created_at_ms ||
           (a.created_at_ms == b.created_at_ms && a.mission > b.mission);
  });
  return out;
}

}  // namespace muster
