#include "actors/scheduler.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

/// The lane's name taken apart again: "provider/model" or "provider:account/model".
SlotKeys keys_of(const SlotRequest& request) {
  SlotKeys keys{request.mission, request.provider, {}, request.lane, request.agent};
  auto slash = request.lane.find('/');
  if (slash == std::string::npos) return keys;
  keys.model = request.lane.substr(slash + 1);
  auto side = request.lane.substr(0, slash);
  auto colon = side.find(':');
  keys.provider = side.substr(0, colon);
  if (colon != std::string::npos) keys.account = side.substr(colon + 1);
  return keys;
}

std::optional<std::size_t> as_count(SlotLimit limit) {
  if (!limit) return std::nullopt;
  return static_cast<std::size_t>(std::max<std::int64_t>(*limit, 0));
}

Error cancelled(const std::string& ticket) {
  return {ErrorCode::cancelled, "the wait was cancelled", ticket};
}

}  // namespace

scheduler_actor spawn_scheduler(caf::actor_system& system, SchedulerConfig config) {
  return compat::spawn<Scheduler, scheduler_actor>(system, std::move(config));
}

Scheduler::Scheduler(compat::Self<scheduler_actor> self, SchedulerConfig config)
    : self_(self), config_(std::move(config)), table_(config_.limits), random_(config_.seed) {}

compat::Behavior<scheduler_actor> Scheduler::make_behavior() {
  compat::on_down(self_,
                  [this](const caf::actor_addr& who, const compat::End&) { holder_down(who); });
  recall();
  return {
      [this](acquire_atom, const SlotRequest& request) { return acquire(request); },
      [this](release_atom, const std::string& ticket) { return release(ticket); },
      [this](cancel_atom, const std::string& ticket) { return cancel(ticket); },
      [this](admit_atom, const AdmitRequest& request) { return admit(request); },
      [this](report_atom, const CallReport& call) { return report(call); },
      [this](status_atom) { return status(); },
  };
}

// ---- slots
// ------------------------------------------------------------------------------------------

caf::result<void> Scheduler::acquire(const SlotRequest& request) {
  if (by_ticket_.contains(request.ticket))
    return to_caf({ErrorCode::already_exists, "waits or holds already", request.ticket});
  auto keys = keys_of(request);
  auto number = next_++;
  std::optional<std::int64_t> deadline;
  if (request.timeout) deadline = compat::now_ms(self_) + request.timeout->count();
  if (auto status = table_.request(number, keys, deadline); !status.ok())
    return to_caf(status.error());

  auto holder = compat::sender(self_);
  Seat seat{request.ticket, request.mission, lane_name(keys), holder, compat::promise<void>(self_)};
  watch(seat.holder);
  auto promise = *seat.promise;
  auto name = seat.lane;
  by_ticket_[request.ticket] = number;
  ++lane(name).waiting;
  seats_.emplace(number, std::move(seat));
  grant();
  arm_expiry();
  if (table_.waits(number)) serve(name, lane(name));  // so that somebody looks when a pause ends
  return promise;
}

// A lane that is paused, or whose breaker is open, gives no slots: they would only be slept on. A
// refusing one does, so that whoever runs into it is told why.
bool Scheduler::open(const std::string& name) {
  auto found = lanes_.find(name);
  if (found == lanes_.end()) return true;
  auto now = compat::now_ms(self_);
  const auto& state = found->second.state;
  return state.paused_until() <= now && state.breaker().state(now) != Breaker::State::open;
}

void Scheduler::grant() {
  for (auto number : table_.grant([this](const std::string& name) { return open(name); })) {
    auto& seat = seats_.at(number);
    --lane(seat.lane).waiting;
    std::exchange(seat.promise, std::nullopt)->deliver();
  }
}

void Scheduler::expire() {
  expiry_at_.reset();
  for (auto number : table_.expire(compat::now_ms(self_))) {
    auto seat = take_seat(number);
    auto limit = table_.lane_limit(seat.lane);
    compat::fail(*seat.promise,
                 {ErrorCode::timeout,
                  "no slot in time: " + std::to_string(table_.in_use_lane(seat.lane)) + " of " +
                      (limit ? std::to_string(*limit) : "unlimited") + " in use on " + seat.lane +
                      ", " + std::to_string(table_.in_use()) + " in all",
                  seat.ticket});
  }
  arm_expiry();
}

// One timer for all waiters: CAF's clock sorts its table at every new entry.
void Scheduler::arm_expiry() {
  auto next = table_.next_deadline();
  if (!next || (expiry_at_ && *expiry_at_ <= *next)) return;
  expiry_at_ = next;
  auto delay = std::chrono::milliseconds(std::max<std::int64_t>(*next - compat::now_ms(self_), 0));
  expiry_ = compat::run_delayed(self_, delay, [this] { expire(); });
}

// The seat is free in the slot table already; this is the rest.
Scheduler::Seat Scheduler::take_seat(Ticket number) {
  auto found = seats_.find(number);
  auto seat = std::move(found->second);
  seats_.erase(found);
  by_ticket_.erase(seat.ticket);
  for (auto& [name, lane] : lanes_) lane.not_before.erase(seat.ticket);
  if (seat.promise) --lane(seat.lane).waiting;
  unwatch(seat.holder);
  return seat;
}

caf::result<void> Scheduler::release(const std::string& ticket) {
  auto found = by_ticket_.find(ticket);
  if (found == by_ticket_.end() || !table_.release(found->second))
    return to_caf({ErrorCode::not_found, "holds no slot", ticket});
  take_seat(found->second);
  grant();
  return caf::unit;
}

caf::result<void> Scheduler::cancel(const std::string& ticket) {
  bool any = false;
  for (auto& [name, lane] : lanes_) {
    auto mine = [&ticket](const std::string& other, const auto&) { return other == ticket; };
    if (!drop_calls(lane, mine)) continue;
    any = true;
    serve(name, lane);
  }
  if (auto found = by_ticket_.find(ticket); found != by_ticket_.end()) {
    any = true;
    auto number = found->second;
    if (!table_.cancel(number)) table_.release(number);
    auto seat = take_seat(number);
    if (seat.promise) compat::fail(*seat.promise, cancelled(ticket));
    grant();
  }
  if (!any) return to_caf({ErrorCode::not_found, "neither waits nor holds", ticket});
  return caf::unit;
}

// ---- calls
// ------------------------------------------------------------------------------------------

Scheduler::Lane& Scheduler::lane(const std::string& name) {
  return lanes_.try_emplace(name, config_.lane).first->second;
}

caf::result<void> Scheduler::admit(const AdmitRequest& request) {
  auto name = to_lower(request.lane);
  auto& wanted = lane(name);
  auto holder = compat::sender(self_);
  Call call{request.ticket, holder, compat::promise<void>(self_)};
  watch(call.holder);
  auto promise = call.promise;
  wanted.held_back.push_back(std::move(call));
  serve(name, wanted);
  return promise;
}

caf::result<void> Scheduler::report(const CallReport& report) {
  auto name = to_lower(report.lane);
  auto& reported = lane(name);
  auto found = reported.out.find(report.ticket);
  if (found == reported.out.end())
    return to_caf({ErrorCode::not_found, "no such call is out", report.ticket});
  unwatch(found->second);
  reported.out.erase(found);
  CallOutcome outcome{report.failure, {}, {}};
  if (report.retry_after) outcome.retry_after_ms = report.retry_after->count();
  if (report.failure) outcome.message = std::string(to_string(*report.failure)) + " on " + name;
  auto advice = reported.state.report(outcome, compat::now_ms(self_), jitter());
  if (advice.retry && !advice.lane_paused) reported.not_before[report.ticket] = advice.at_ms;
  serve(name, reported);
  grant();
  return caf::unit;
}

// Lets go what may go, and sets the timer for the rest.
void Scheduler::serve(const std::string& name, Lane& lane) {
  auto now = compat::now_ms(self_);
  auto wake = serve_calls(lane, now);
  tell_changes(name, lane);
  if (lane.waiting != 0 && !open(name)) {
    auto at = std::max(lane.state.paused_until(), lane.state.breaker().retry_at(now).value_or(0));
    wake = std::min(wake.value_or(at), at);
  }
  if (!wake && lane.told_until != 0) wake = lane.told_until;  // to say that it is over
  if (!wake) return lane.timer.cancel();
  auto delay = std::chrono::milliseconds(std::max<std::int64_t>(*wake - now, 1));
  lane.timer = compat::run_delayed(self_, delay, [this, name] {
    serve(name, lanes_.at(name));
    grant();
  });
}

// Returns when to look again, if anything is left.
std::optional<std::int64_t> Scheduler::serve_calls(Lane& lane, std::int64_t now) {
  std::optional<std::int64_t> wake;
  auto later = [&wake](std::int64_t at) { wake = std::min(wake.value_or(at), at); };
  for (auto it = lane.held_back.begin(); it != lane.held_back.end();) {
    auto own = lane.not_before.find(it->ticket);
    if (own != lane.not_before.end() && own->second > now) {
      later(own->second);
      ++it;
      continue;
    }
    auto admission = lane.state.admit(now);
    if (const auto* wait = std::get_if<AdmitWait>(&admission)) {
      later(wait->until_ms);
      break;
    }
    auto call = std::move(*it);
    it = lane.held_back.erase(it);
    if (const auto* refusal = std::get_if<AdmitRefuse>(&admission)) {
      unwatch(call.holder);
      compat::fail(call.promise, refusal->error);
      continue;
    }
    if (own != lane.not_before.end()) lane.not_before.erase(own);
    lane.out.emplace(call.ticket, call.holder);
    call.promise.deliver();
  }
  return wake;
}

// Ends the waits and gives up the calls that match. True when there were any.
bool Scheduler::drop_calls(
    Lane& lane, const std::function<bool(const std::string&, const caf::actor_addr&)>& which) {
  bool any = false;
  std::erase_if(lane.held_back, [&](Call& call) {
    if (!which(call.ticket, call.holder)) return false;
    lane.not_before.erase(call.ticket);
    unwatch(call.holder);
    compat::fail(call.promise, cancelled(call.ticket));
    return any = true;
  });
  for (auto it = lane.out.begin(); it != lane.out.end();) {
    auto current = it++;
    if (!which(current->first, current->second)) continue;
    unwatch(current->second);
    lane.out.erase(current);
    // It tells nothing about the provider, but frees the breaker's probe.
    (void)lane.state.report({ErrorCode::cancelled, {}, {}}, compat::now_ms(self_), jitter());
    any = true;
  }
  return any;
}

// ---- holders
// ----------------------------------------------------------------------------------------

void Scheduler::watch(const caf::actor_addr& holder) {
  if (holder && ++watched_[holder.id()] == 1) compat::monitor(self_, holder);
}

void Scheduler::unwatch(const caf::actor_addr& holder) {
  if (!holder) return;
  auto found = watched_.find(holder.id());
  if (found == watched_.end() || --found->second != 0) return;
  watched_.erase(found);
  compat::demonitor(self_, holder);
}

void Scheduler::holder_down(const caf::actor_addr& holder) {
  watched_.erase(holder.id());
  for (auto& [name, lane] : lanes_) {
    auto mine = [&holder](const std::string&, const auto& other) { return other == holder; };
    if (drop_calls(lane, mine)) serve(name, lane);
  }
  std::vector<Ticket> mine;
  for (const auto& [number, seat] : seats_)
    if (seat.holder == holder) mine.push_back(number);
  for (auto number : mine) {
    if (!table_.cancel(number)) table_.release(number);
    take_seat(number);
  }
  grant();
}

// ---- what people see
// --------------------------------------------------------------------------------

std::int64_t Scheduler::to_wall() {
  return config_.wall_ms ? config_.wall_ms() - compat::now_ms(self_) : 0;
}

void Scheduler::remember(const std::string& name, const Lane& lane) {
  if (!config_.remember) return;
  bool calm = lane.state.is_calm(compat::now_ms(self_));
  config_.remember(name, calm ? "" : lane.state.to_json(to_wall()).dump());
}

/// A lane that an earlier engine left paused or broken is so still.
void Scheduler::recall() {
  if (!config_.recall) return;
  for (const auto& [name, health] : config_.recall()) {
    auto in = nlohmann::json::parse(health, nullptr, false);
    if (!in.is_object()) continue;
    auto& known = lane(name);
    known.state = LaneState::from_json(in, config_.lane, -to_wall());
    serve(name, known);
  }
}

void Scheduler::tell_changes(const std::string& name, Lane& lane) {
  auto now = compat::now_ms(self_);
  auto until = lane.state.paused_until();
  auto told = std::pair(lane.told_until, lane.told_breaker);
  tell_pause_and_breaker(name, lane, now, until);
  if (told != std::pair(lane.told_until, lane.told_breaker)) remember(name, lane);
}

void Scheduler::tell_pause_and_breaker(const std::string& name, Lane& lane, std::int64_t now,
                                       std::int64_t until) {
  if (until > now && until != lane.told_until) {
    lane.told_until = until;
    tell("lane.paused", nlohmann::json{{"lane", name}, {"for_ms", until - now}}.dump());
  } else if (until <= now && lane.told_until != 0) {
    lane.told_until = 0;
    tell("lane.resumed", nlohmann::json{{"lane", name}}.dump());
  }
  auto breaker = lane.state.breaker().state(now);
  if (breaker == lane.told_breaker) return;
  lane.told_breaker = breaker;
  tell("lane.breaker", nlohmann::json{{"lane", name}, {"state", to_string(breaker)}}.dump());
}

void Scheduler::tell(const std::string& type, const std::string& json) {
  if (config_.notify) config_.notify({"", type, json});
}

LaneView Scheduler::view(const std::string& name, const Lane& lane) const {
  auto now = compat::now_ms(self_);
  LaneView view;
  view.lane = name;
  view.in_use = static_cast<std::size_t>(table_.in_use_lane(name));
  view.limit = as_count(table_.lane_limit(name));
  view.waiting = lane.waiting;
  view.calls = lane.out.size();
  view.held_back = lane.held_back.size();
  if (lane.state.paused_until() > now)
    view.paused_for = std::chrono::milliseconds(lane.state.paused_until() - now);
  view.breaker = to_string(lane.state.breaker().state(now));
  return view;
}

SchedulerStatus Scheduler::status() {
  SchedulerStatus status;
  status.in_use = static_cast<std::size_t>(table_.in_use());
  status.limit = as_count(config_.limits.global);
  status.waiting = table_.waiting();
  for (const auto& [name, lane] : lanes_) status.lanes.push_back(view(name, lane));
  return status;
}

}  // namespace muster
