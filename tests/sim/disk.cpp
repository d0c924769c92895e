#include "tests/sim/disk.hpp"

#include <algorithm>
#include <utility>

namespace muster::sim {

void Disk::append(const LifePtr& life, std::string mission, std::vector<NewRecord> records,
                  std::function<void(Result<std::uint64_t>)> on_durable) {
  auto& entry = missions_[mission];
  if (entry.failure) {
    world_.after(life, 1, [on_durable = std::move(on_durable), error = *entry.failure] {
      on_durable(error);
    });
    return;
  }
  for (const auto& record : records) ledger_.handed(mission, record);
  entry.waiting.push_back({std::move(records), std::move(on_durable)});
  auto takes = slow_ ? random_.between(100, 4000) * millis : random_.between(200, 4000);
  entry.last_commit = std::max(entry.last_commit + 1, world_.now() + takes);
  world_.after(life, entry.last_commit - world_.now(), [this, mission] { commit(mission); });
}

void Disk::keep(const std::string& name, Mission& mission, Batch& batch) {
  for (auto& record : batch.records) {
    mission.durable.push_back({mission.durable.size() + 1, world_.wall_ms(), std::move(record.kind),
                               std::move(record.key), std::move(record.row),
                               std::move(record.body)});
    ledger_.durable(name, mission.durable.back());
  }
}

void Disk::commit(const std::string& name) {
  auto& mission = missions_[name];
  if (mission.waiting.empty()) return;
  if (full_) return fail_all(name, mission, {ErrorCode::no_space, "no room on the disk", name});
  auto batch = std::move(mission.waiting.front());
  mission.waiting.pop_front();
  keep(name, mission, batch);
  batch.on_durable(static_cast<std::uint64_t>(mission.durable.size()));
}

void Disk::fail_all(const std::string& name, Mission& mission, const Error& error) {
  mission.failure = error;
  auto waiting = std::exchange(mission.waiting, {});
  ledger_.rebuild(name, mission.durable);
  for (auto& batch : waiting) batch.on_durable(error);
}

namespace {

Error no_such(const std::string& mission) {
  return {ErrorCode::not_found, "no such mission", mission};
}

}  // namespace

const std::vector<StoredRecord>* Disk::records(const std::string& mission) const {
  auto found = missions_.find(mission);
  if (found == missions_.end() || found->second.durable.empty()) return nullptr;
  return &found->second.durable;
}

Result<std::vector<StoredRecord>> Disk::load(const std::string& mission) {
  const auto* all = records(mission);
  if (all == nullptr) return no_such(mission);
  return *all;
}

Status DiskStore::read(const std::string& mission, const JournalQuery& query,
                       const RecordVisitor& visit) {
  if (!life_->alive) return gone();
  const auto* all = disk_.records(mission);
  if (all == nullptr) return no_such(mission);
  auto is_start = [&](const StoredRecord& record) { return record.kind == query.since_last; };
  auto last = std::find_if(all->rbegin(), all->rend(), is_start);
  auto first = query.since_last.empty() || last == all->rend() ? all->begin() : last.base() - 1;
  for (; first != all->end(); ++first)
    if (query.wants(first->kind)) visit(StoredRecord(*first));
  return ok_status();
}

Result<std::vector<StoredRecord>> DiskStore::load_keyed(const std::string& mission,
                                                        const std::string& kind,
                                                        const std::string& key) {
  if (!life_->alive) return gone();
  const auto* all = disk_.records(mission);
  if (all == nullptr) return no_such(mission);
  std::vector<StoredRecord> out;
  for (const auto& record : *all)
    if (record.kind == kind && record.key == key) out.push_back(record);
  return out;
}

Result<std::vector<MissionSummary>> Disk::missions() {
  std::vector<MissionSummary> out;
  for (const auto& [name, mission] : missions_)
    if (!mission.durable.empty())
      out.push_back({name, mission.durable.size(), mission.durable.front().at_ms,
                     mission.durable.back().at_ms});
  return out;
}

Status Disk::reopen(const std::string& mission) {
  if (full_) return Error{ErrorCode::no_space, "no room on the disk", mission};
  missions_[mission].failure.reset();
  ledger_.reopened(mission);
  return ok_status();
}

void Disk::crash(const std::string& name, bool torn) {
  auto found = missions_.find(name);
  if (found == missions_.end()) return;
  auto& mission = found->second;
  auto left = torn ? random_.below(mission.waiting.size() + 1) : 0;
  auto waiting = std::exchange(mission.waiting, {});
  for (std::size_t i = 0; i < left; ++i) keep(name, mission, waiting[i]);
  if (forget_last && mission.durable.size() > 3) mission.durable.pop_back();
  mission.failure.reset();
  mission.last_commit = 0;
  ledger_.rebuild(name, mission.durable);
}

}  // namespace muster::sim
