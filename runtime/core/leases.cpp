#include "runtime/core/leases.hpp"

#include <algorithm>
#include <set>

namespace muster {

void LeaseTable::request(const std::string& holder, std::vector<std::string> files) {
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  waiting_.emplace_back(holder, std::move(files));
}

std::vector<std::string> LeaseTable::grant(std::size_t max_new) {
  std::vector<std::string> granted;
  std::set<std::string> claimed;  // by earlier waiters: nobody overtakes them
  auto still_waiting = waiting_;
  still_waiting.clear();
  for (auto& [holder, files] : waiting_) {
    bool free = std::none_of(files.begin(), files.end(), [&](const std::string& file) {
      return owner_.contains(file) || claimed.contains(file);
    });
    if (free && granted.size() < max_new) {
      for (const auto& file : files) owner_[file] = holder;
      held_[holder] = files;
      granted.push_back(holder);
    } else {
      claimed.insert(files.begin(), files.end());
      still_waiting.emplace_back(holder, files);
    }
  }
  waiting_ = std::move(still_waiting);
  return granted;
}

std::optional<std::string> LeaseTable::extend(const std::string& holder,
                                              const std::vector<std::string>& files) {
  for (const auto& file : files) {
    auto owner = holder_of(file);
    if (owner == holder) continue;
    if (owner) return owner;
    for (const auto& [waiter, wanted] : waiting_)
      if (std::binary_search(wanted.begin(), wanted.end(), file)) return waiter;
  }
  auto& mine = held_[holder];
  for (const auto& file : files) {
    if (!owner_.emplace(file, holder).second) continue;
    mine.insert(std::upper_bound(mine.begin(), mine.end(), file), file);
  }
  return std::nullopt;
}

void LeaseTable::release(const std::string& holder) {
  if (auto found = held_.find(holder); found != held_.end()) {
    for (const auto& file : found->second) owner_.erase(file);
    held_.erase(found);
  }
  std::erase_if(waiting_, [&](const auto& entry) { return entry.first == holder; });
}

LeaseTable LeaseTable::restored(
    std::map<std::string, std::vector<std::string>> held,
    std::vector<std::pair<std::string, std::vector<std::string>>> waiting) {
  LeaseTable table;
  table.held_ = std::move(held);
  table.waiting_ = std::move(waiting);
  for (const auto& [holder, files] : table.held_)
    for (const auto& file : files) table.owner_[file] = holder;
  return table;
}

std::optional<std::string> LeaseTable::holder_of(const std::string& file) const {
  auto found = owner_.find(file);
  if (found == owner_.end()) return std::nullopt;
  return found->second;
}

}  // namespace muster
