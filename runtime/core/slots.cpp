#include "runtime/core/slots.hpp"

#include <algorithm>
#include <tuple>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using LimitMap = std::map<std::string, SlotLimit>;

LimitMap lowered(const LimitMap& limits) {
  LimitMap out;
  for (const auto& [name, limit] : limits) out[to_lower(name)] = limit;
  return out;
}

SlotLimit limit_of(const LimitMap& limits, const std::string& name, SlotLimit otherwise) {
  const auto found = limits.find(name);
  return found == limits.end() ? otherwise : found->second;
}

template <class Map, class Key>
std::int64_t count_of(const Map& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

template <class Map, class Key>
void add_to(Map& counts, const Key& key, std::int64_t step) {
  const auto found = counts.try_emplace(key, 0).first;
  found->second += step;
  if (found->second == 0) counts.erase(found);
}

bool below(SlotLimit limit, std::int64_t used) { return !limit || used < *limit; }

void check_map(const std::string& kind, const LimitMap& limits,
               const std::vector<std::string>& known, std::vector<std::string>& problems) {
  std::set<std::string> seen;
  for (const auto& [name, limit] : limits) {
    const auto path = "limits." + kind + "." + name;
    const auto same = [&name = name](const std::string& other) { return iequals(name, other); };
    if (std::none_of(known.begin(), known.end(), same))
      problems.push_back(path + ": there is no such name");
    if (!seen.insert(to_lower(name)).second)
      problems.push_back(path + ": is there twice (case does not count)");
    if (limit && *limit < 0)
      problems.push_back(path + ": must be 0 (none), more, or null (unlimited)");
  }
}

}  // namespace

std::string lane_name(std::string_view provider, std::string_view account, std::string_view model) {
  std::string out = to_lower(provider);
  if (!account.empty()) out += ":" + to_lower(account);
  return out + "/" + to_lower(model);
}

std::string lane_name(const SlotKeys& keys) {
  return lane_name(keys.provider, keys.account, keys.model);
}

std::vector<std::string> validate_slot_limits(const SlotLimits& limits, const SlotNames& known) {
  std::vector<std::string> problems;
  const auto check = [&](const char* path, SlotLimit limit) {
    if (limit && *limit < 0)
      problems.push_back(std::string(path) + ": must be 0 (none), more, or null (unlimited)");
  };
  check("limits.global", limits.global);
  check("limits.default_lane", limits.default_lane);
  check("limits.default_provider", limits.default_provider);
  check("limits.default_agent", limits.default_agent);
  check_map("lanes", limits.lanes, known.lanes, problems);
  check_map("providers", limits.providers, known.providers, problems);
  check_map("agents", limits.agents, known.agents, problems);
  return problems;
}

SlotTable::SlotTable(const SlotLimits& limits) : limits_(limits) {
  limits_.lanes = lowered(limits.lanes);
  limits_.providers = lowered(limits.providers);
  limits_.agents = lowered(limits.agents);
}

std::optional<std::string> SlotTable::zero_limit(const Class& line) const {
  const auto is_zero = [](SlotLimit limit) { return limit && *limit <= 0; };
  if (is_zero(limits_.global)) return "global";
  // The configured limit, not the adaptive one: that one may grow again.
  if (is_zero(limit_of(limits_.lanes, line.lane, limits_.default_lane))) return "lane " + line.lane;
  if (is_zero(limit_of(limits_.providers, line.provider, limits_.default_provider)))
    return "provider " + line.provider;
  if (is_zero(limit_of(limits_.agents, line.agent, limits_.default_agent)))
    return "agent " + line.agent;
  return std::nullopt;
}

Status SlotTable::request(Ticket ticket, const SlotKeys& keys,
                          std::optional<std::int64_t> deadline_ms) {
  if (holds(ticket) || waits(ticket))
    return Error{ErrorCode::already_exists, "the ticket is in use", std::to_string(ticket)};
  Class line{keys.mission, lane_name(keys), to_lower(keys.provider), to_lower(keys.agent)};
  if (const auto name = zero_limit(line))
    return Error{ErrorCode::limit_reached, "the limit is 0: nothing may run", *name};
  const auto arrival = ++arrivals_;
  lines_[line].emplace(arrival, ticket);
  if (deadline_ms) deadlines_.emplace(*deadline_ms, ticket);
  waiters_.emplace(ticket, Waiter{arrival, std::move(line), deadline_ms});
  return ok_status();
}

SlotLimit SlotTable::lane_limit(std::string_view lane) const {
  const auto name = to_lower(lane);
  const auto configured = limit_of(limits_.lanes, name, limits_.default_lane);
  const auto adaptive = limit_of(adaptive_, name, std::nullopt);
  if (!configured || !adaptive) return configured ? configured : adaptive;
  return std::min(*configured, *adaptive);
}

bool SlotTable::fits(const Class& line) const {
  const auto provider = limit_of(limits_.providers, line.provider, limits_.default_provider);
  const auto agent = limit_of(limits_.agents, line.agent, limits_.default_agent);
  return below(limits_.global, in_use()) &&
         below(lane_limit(line.lane), count_of(used_lane_, line.lane)) &&
         below(provider, count_of(used_provider_, line.provider)) &&
         below(agent, count_of(used_agent_, line.agent));
}

std::map<SlotTable::Class, SlotTable::Line>::const_iterator SlotTable::best_line(
    const std::function<bool(const std::string&)>& lane_open) const {
  auto best = lines_.end();
  std::tuple<std::int64_t, std::int64_t, std::int64_t, std::uint64_t> best_rank;
  for (auto at = lines_.begin(); at != lines_.end(); ++at) {
    const auto& [line, queue] = *at;
    if (!fits(line) || (lane_open && !lane_open(line.lane))) continue;
    const std::pair key{line.lane, line.mission};
    // Not "slots held in all lanes" before "served": with one slot per lane it hands the same lane
    // to the same mission for ever.
    const std::tuple rank{count_of(used_in_lane_, key), count_of(served_in_lane_, key),
                          count_of(used_mission_, line.mission), queue.begin()->first};
    if (best != lines_.end() && best_rank <= rank) continue;
    best = at;
    best_rank = rank;
  }
  return best;
}

std::vector<Ticket> SlotTable::grant(
    const std::function<bool(const std::string& lane)>& lane_open) {
  std::vector<Ticket> granted;
  for (auto best = best_line(lane_open); best != lines_.end(); best = best_line(lane_open)) {
    const Class line = best->first;
    const Ticket ticket = best->second.begin()->second;
    remove_waiter(ticket);
    held_.emplace(ticket, line);
    take(line, 1);
    served_in_lane_[{line.lane, line.mission}] = ++grants_;
    granted.push_back(ticket);
  }
  return granted;
}

void SlotTable::take(const Class& line, std::int64_t step) {
  add_to(used_lane_, line.lane, step);
  add_to(used_provider_, line.provider, step);
  add_to(used_agent_, line.agent, step);
  add_to(used_mission_, line.mission, step);
  add_to(used_in_lane_, std::pair{line.lane, line.mission}, step);
}

void SlotTable::remove_waiter(Ticket ticket) {
  const auto found = waiters_.find(ticket);
  const Waiter& waiter = found->second;
  const auto line = lines_.find(waiter.line);
  line->second.erase(waiter.arrival);
  if (line->second.empty()) lines_.erase(line);
  if (waiter.deadline_ms) deadlines_.erase({*waiter.deadline_ms, ticket});
  waiters_.erase(found);
}

bool SlotTable::release(Ticket ticket) {
  const auto found = held_.find(ticket);
  if (found == held_.end()) return false;
  const Class line = std::move(found->second);
  held_.erase(found);
  take(line, -1);
  forget_idle_mission(line.mission);
  return true;
}

bool SlotTable::cancel(Ticket ticket) {
  const auto found = waiters_.find(ticket);
  if (found == waiters_.end()) return false;
  const auto mission = found->second.line.mission;
  remove_waiter(ticket);
  forget_idle_mission(mission);
  return true;
}

/// A mission that neither holds nor waits leaves no trace, so that old missions cost no memory.
void SlotTable::forget_idle_mission(const std::string& mission) {
  if (used_mission_.contains(mission)) return;
  const auto next = lines_.lower_bound(Class{mission, {}, {}, {}});
  if (next != lines_.end() && next->first.mission == mission) return;
  std::erase_if(served_in_lane_, [&](const auto& entry) { return entry.first.second == mission; });
}

std::vector<Ticket> SlotTable::expire(std::int64_t now_ms) {
  std::vector<Ticket> expired;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_ms) {
    expired.push_back(deadlines_.begin()->second);
    cancel(expired.back());
  }
  return expired;
}

std::optional<std::int64_t> SlotTable::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

void SlotTable::set_adaptive_limit(std::string_view lane, SlotLimit limit) {
  if (limit)
    adaptive_[to_lower(lane)] = *limit;
  else
    adaptive_.erase(to_lower(lane));
}

std::int64_t SlotTable::in_use_lane(std::string_view lane) const {
  return count_of(used_lane_, to_lower(lane));
}
std::int64_t SlotTable::in_use_provider(std::string_view provider) const {
  return count_of(used_provider_, to_lower(provider));
}
std::int64_t SlotTable::in_use_agent(std::string_view agent) const {
  return count_of(used_agent_, to_lower(agent));
}

}  // namespace muster
