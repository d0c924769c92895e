#pragma once
// Telling owners how their jobs ended: retried while the owner lives, kept for its next incarnation
// when it does not.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"

namespace muster {

struct ReceiptDeskConfig {
  std::chrono::milliseconds answer_deadline{
      60000};  ///< after it a receipt counts as told, but not as confirmed
  std::chrono::milliseconds first_retry{100};  ///< doubles up to last_retry
  std::chrono::milliseconds last_retry{5000};
  std::size_t max_parked = 1024;  ///< without an owner; beyond it the oldest goes, with a notice
  std::size_t parked_output = 64U << 10U;  ///< bytes of output that a parked receipt keeps
};

/// A part of the jobs actor; lives and runs in it. An owner is told each receipt once; again only
/// when it answered with an error, or when a new incarnation took over before the old one had
/// confirmed.
template <class SelfPtr>
class ReceiptDesk {
 public:
  using Lost = std::function<void(const JobReceipt&)>;

  ReceiptDesk(SelfPtr self, ReceiptDeskConfig config, Lost lost)
      : self_(self), config_(config), lost_(std::move(lost)) {}

  void tell(const JobReceiptPtr& receipt, const job_owner& owner) {
    auto key = next_++;
    auto& entry = entries_[key];
    entry.receipt = receipt;
    entry.owner = owner;
    attempt(key);
  }

  /// The owner of that mission and session is a new actor now.
  void rebind(const JobOwnerTag& tag, const job_owner& owner) {
    auto is_theirs = [&](const Entry& entry) {
      const auto& known = entry.receipt->owner;
      return known.mission == tag.mission && known.session == tag.session &&
             (entry.parked || entry.owner != owner);
    };
    for (auto key : keys_of(is_theirs)) {
      auto& entry = entries_.at(key);
      entry.owner = owner;
      if (std::exchange(entry.parked, false)) --parked_;
      entry.delay = {};
      attempt(key);
    }
  }

  /// An owner ended: what it has not confirmed waits for its successor.
  void down(const caf::actor_addr& who) {
    if (monitored_.erase(who.id()) == 0) return;
    auto is_theirs = [&who](const Entry& entry) {
      return entry.owner && entry.owner.address() == who;
    };
    for (auto key : keys_of(is_theirs)) park(key);
  }

  [[nodiscard]] std::size_t untold() const { return entries_.size(); }

 private:
  struct Entry {
    JobReceiptPtr receipt;
    job_owner owner;
    std::uint64_t turn = 0;
    bool parked = false;
    std::chrono::milliseconds delay{0};
    compat::Timer timer;
  };

  template <class Predicate>
  std::vector<std::uint64_t> keys_of(Predicate predicate) const {
    std::vector<std::uint64_t> keys;
    for (const auto& [key, entry] : entries_)
      if (predicate(entry)) keys.push_back(key);
    return keys;
  }

  void attempt(std::uint64_t key) {
    auto& entry = entries_.at(key);
    if (!entry.owner) return park(key);
    if (monitored_.insert(entry.owner.id()).second) compat::monitor(self_, entry.owner);
    entry.timer.cancel();
    auto turn = ++entry.turn;
    auto told = [this, key, turn] {
      if (current(key, turn)) entries_.erase(key);
    };
    auto failed = [this, key, turn](const Error& error) {
      if (current(key, turn)) refused(key, error);
    };
    compat::request(self_, entry.owner, config_.answer_deadline, std::move(told), std::move(failed),
                    job_done_atom_v, entry.receipt);
  }

  bool current(std::uint64_t key, std::uint64_t turn) const {
    auto found = entries_.find(key);
    return found != entries_.end() && found->second.turn == turn && !found->second.parked;
  }

  void refused(std::uint64_t key, const Error& error) {
    // No answer is no proof that it was not heard: mailboxes lose nothing, so it is not told twice.
    if (error.code == ErrorCode::timeout) return park(key);
    auto& entry = entries_.at(key);
    entry.delay = entry.delay.count() == 0 ? config_.first_retry
                                           : std::min(entry.delay * 2, config_.last_retry);
    entry.timer = compat::run_delayed(self_, entry.delay, [this, key] { attempt(key); });
  }

  void park(std::uint64_t key) {
    auto found = entries_.find(key);
    if (found == entries_.end() || found->second.parked) return;
    auto& entry = found->second;
    entry.parked = true;
    entry.timer.cancel();
    trim(entry);
    if (++parked_ > config_.max_parked) drop_oldest();
  }

  void trim(Entry& entry) {
    const auto& output = entry.receipt->exit.output;
    if (output.size() <= config_.parked_output) return;
    auto small = std::make_shared<JobReceipt>(*entry.receipt);
    small->exit.output = output.substr(output.size() - config_.parked_output);
    entry.receipt = std::move(small);
  }

  void drop_oldest() {
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (!it->second.parked) continue;
      auto receipt = it->second.receipt;
      entries_.erase(it);
      --parked_;
      if (lost_) lost_(*receipt);
      return;
    }
  }

  SelfPtr self_;
  ReceiptDeskConfig config_;
  Lost lost_;
  std::uint64_t next_ = 1;
  std::size_t parked_ = 0;
  std::map<std::uint64_t, Entry> entries_;
  std::set<caf::actor_id> monitored_;
};

}  // namespace muster
