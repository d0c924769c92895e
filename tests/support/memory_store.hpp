#pragma once
// A Store in memory, for tests of what lies above it: can hold back its acknowledgements and fail
// on demand.

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/store.hpp"

namespace muster::test {

/// Thread-safe. Acknowledges on the caller's thread: at once, or in release() while held.
class MemoryStore final : public Store {
 public:
  void append(std::string mission, std::vector<NewRecord> records,
              std::function<void(Result<std::uint64_t>)> on_durable) override {
    Queued queued{std::move(mission), std::move(records), std::move(on_durable)};
    {
      std::lock_guard lock(mutex_);
      if (held_) {
        queue_.push_back(std::move(queued));
        return;
      }
    }
    commit(queued);
  }

  Result<std::vector<StoredRecord>> load(const std::string& mission) override {
    std::lock_guard lock(mutex_);
    auto found = missions_.find(mission);
    if (found == missions_.end()) return Error{ErrorCode::not_found, "no such mission", mission};
    return found->second.records;
  }

  Result<std::vector<MissionSummary>> missions() override {
    std::lock_guard lock(mutex_);
    std::vector<MissionSummary> out;
    for (const auto& [name, mission] : missions_)
      out.push_back({name, mission.records.size(), mission.created_at, mission.created_at});
    auto newest_first = [](const auto& a, const auto& b) {
      return a.created_at_ms > b.created_at_ms;
    };
    std::sort(out.begin(), out.end(), newest_first);
    return out;
  }

  Status reopen(const std::string& mission) override {
    std::lock_guard lock(mutex_);
    ++reopened;
    if (refuse_reopen) return *refuse_reopen;
    missions_[mission].failure.reset();
    return ok_status();
  }

  /// From now on appends wait for release().
  void hold() {
    std::lock_guard lock(mutex_);
    held_ = true;
  }
  /// Commits the oldest `count` waiting batches as one group, and stays held. Returns how many
  /// there were.
  std::size_t release(std::size_t count = static_cast<std::size_t>(-1)) {
    std::deque<Queued> group;
    {
      std::lock_guard lock(mutex_);
      for (; !queue_.empty() && count != 0; --count) {
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    for (auto& queued : group) commit(queued);
    return group.size();
  }
  /// The mission's batch after `batches` more fails, and all after it, until reopen().
  void fail(const std::string& mission, Error error, std::size_t batches = 0) {
    std::lock_guard lock(mutex_);
    missions_[mission].planned = {batches, std::move(error)};
  }
  [[nodiscard]] std::size_t waiting() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }

  std::optional<Error> refuse_reopen;
  std::size_t reopened = 0;

 private:
  struct Queued {
    std::string mission;
    std::vector<NewRecord> records;
    std::function<void(Result<std::uint64_t>)> on_durable;
  };
  struct Mission {
    std::vector<StoredRecord> records;
    std::int64_t created_at = 0;
    std::optional<std::pair<std::size_t, Error>> planned;
    std::optional<Error> failure;
  };

  void commit(Queued& queued) { queued.on_durable(write(queued)); }

  Result<std::uint64_t> write(Queued& queued) {
    std::lock_guard lock(mutex_);
    auto& mission = missions_[queued.mission];
    if (mission.created_at == 0) mission.created_at = ++clock_;
    if (mission.planned && mission.planned->first-- == 0) {
      mission.failure = mission.planned->second;
      mission.planned.reset();
    }
    if (mission.failure) return *mission.failure;
    for (auto& record : queued.records)
      mission.records.push_back({mission.records.size() + 1, ++clock_, std::move(record.kind),
                                 std::move(record.key), std::move(record.row),
                                 std::move(record.body)});
    return static_cast<std::uint64_t>(mission.records.size());
  }

  mutable std::mutex mutex_;
  bool held_ = false;
  std::int64_t clock_ = 0;
  std::deque<Queued> queue_;
  std::map<std::string, Mission> missions_;
};

}  // namespace muster::test
