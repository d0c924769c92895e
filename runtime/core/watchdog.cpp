#include "runtime/core/watchdog.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace muster {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
// Where only mailboxes are watched.
constexpr std::int64_t mailbox_period_ms = 500;
constexpr std::int64_t least_period_ms = 10;

}  // namespace

std::string_view type_of(WatchdogReport::Kind kind) noexcept {
  using Kind = WatchdogReport::Kind;
  switch (kind) {
    case Kind::late:
      return "actor.late";
    case Kind::recovered:
      return "actor.recovered";
    case Kind::growing:
      return "mailbox.growing";
    case Kind::drained:
      return "mailbox.drained";
  }
  return "?";
}

std::uint64_t WatchdogPolicy::least_waiting() const {
  if (!limits_.mailbox) return std::numeric_limits<std::uint64_t>::max();
  return std::max<std::uint64_t>(*limits_.mailbox / 2, 1);
}

std::optional<std::int64_t> WatchdogPolicy::period_ms() const {
  if (!limits_.late_ms && !limits_.mailbox) return std::nullopt;
  if (!limits_.late_ms) return mailbox_period_ms;
  return std::clamp(*limits_.late_ms / 2, least_period_ms, mailbox_period_ms);
}

std::vector<WatchdogReport> WatchdogPolicy::look(const ActorLook& seen) {
  std::vector<WatchdogReport> out;
  if (limits_.late_ms) look_at_runs(seen, out);
  if (limits_.mailbox) look_at_mailboxes(seen, out);
  return out;
}

void WatchdogPolicy::look_at_runs(const ActorLook& seen, std::vector<WatchdogReport>& out) {
  std::set<Run> going_on;
  for (const auto& run : seen.running) going_on.insert({run.id, run.run});
  for (auto it = late_.begin(); it != late_.end();) {
    if (going_on.contains(it->first)) {
      ++it;
      continue;
    }
    auto took = (seen.at_ns - it->second.began_ns) / ns_per_ms;
    out.push_back({WatchdogReport::Kind::recovered, it->second.name, took, 0});
    it = late_.erase(it);
  }
  const auto quiet_ns = limits_.quiet_ms * ns_per_ms;
  std::erase_if(told_ns_, [&](const auto& told) { return seen.at_ns - told.second >= quiet_ns; });
  for (const auto& run : seen.running) {
    if (run.for_ns < *limits_.late_ms * ns_per_ms || late_.contains({run.id, run.run})) continue;
    if (!told_ns_.emplace(run.id, seen.at_ns).second) continue;
    late_[{run.id, run.run}] = {run.name, seen.at_ns - run.for_ns};
    out.push_back({WatchdogReport::Kind::late, run.name, run.for_ns / ns_per_ms, 0});
  }
}

void WatchdogPolicy::look_at_mailboxes(const ActorLook& seen, std::vector<WatchdogReport>& out) {
  std::map<std::uint64_t, Mailbox> now;
  for (const auto& mailbox : seen.mailboxes) {
    auto before = mailboxes_.find(mailbox.id);
    auto& entry = now[mailbox.id];
    entry = {mailbox.name, mailbox.waiting, before != mailboxes_.end() && before->second.told};
    // A burst that was not there at the last look may be gone at the next.
    const bool grows = before != mailboxes_.end() && mailbox.waiting > before->second.waiting;
    if (entry.told || !grows || mailbox.waiting < *limits_.mailbox) continue;
    entry.told = true;
    out.push_back({WatchdogReport::Kind::growing, mailbox.name, 0, mailbox.waiting});
  }
  for (const auto& [id, entry] : mailboxes_)
    if (entry.told && !now.contains(id))
      out.push_back({WatchdogReport::Kind::drained, entry.name, 0, 0});
  mailboxes_ = std::move(now);
}

}  // namespace muster
