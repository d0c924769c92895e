#include "actors/notifier.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "runtime/core/fault_points.hpp"

namespace muster {
namespace {

// How soon a sink that said "not now" is offered its notice again.
constexpr std::chrono::milliseconds retry_delay{50};
// A consumer that takes longer than this over one notice gets it again.
constexpr std::chrono::milliseconds consumer_deadline{10000};

NoticePtr dropped_notice(const std::string& sink, std::uint64_t count) {
  nlohmann::json body{{"sink", sink}, {"count", count}};
  return std::make_shared<const Notice>(Notice{"", "notifier.dropped", body.dump()});
}

}  // namespace

notifier_actor spawn_notifier(caf::actor_system& system, std::shared_ptr<NoticeSinks> sinks) {
  if (!sinks) sinks = std::make_shared<NoticeSinks>();
  return compat::spawn<Notifier, notifier_actor>(system, std::move(sinks));
}

Notifier::Notifier(compat::Self<notifier_actor> self, std::shared_ptr<NoticeSinks> sinks)
    : self_(self), sinks_(std::move(sinks)) {
  for (auto& [id, sink] : sinks_->sinks) sink.in_flight = false;
}

compat::Behavior<notifier_actor> Notifier::make_behavior() {
  retry_soon();  // what an earlier incarnation left queued
  return {
      [this](publish_atom, const NoticePtr& notice) { publish(notice); },
      [this](subscribe_atom, const SinkSpec& spec) { return subscribe(spec); },
      [this](unsubscribe_atom, const std::string& id) -> caf::result<void> {
        if (sinks_->sinks.erase(id) == 0) return to_caf({ErrorCode::not_found, "no such sink", id});
        return caf::unit;
      },
      [this](status_atom) { return status(); },
  };
}

void Notifier::publish(const NoticePtr& notice) {
  if (!notice) return;
  for (auto& [id, sink] : sinks_->sinks) enqueue(sink, notice);
  drain_all();
}

caf::result<void> Notifier::subscribe(SinkSpec spec) {
  if (static_cast<bool>(spec.sink) == static_cast<bool>(spec.consumer))
    return to_caf({ErrorCode::invalid_argument, "needs a sink or a consumer", spec.id});
  if (spec.capacity == 0)
    return to_caf({ErrorCode::invalid_argument, "needs a capacity of at least 1", spec.id});
  auto& sink = sinks_->sinks[spec.id];
  auto turn = sink.turn + 1;
  sink = Sink{};
  sink.turn = turn;
  sink.spec = std::move(spec);
  return caf::unit;
}

NotifierStatus Notifier::status() const {
  NotifierStatus status;
  for (const auto& [id, sink] : sinks_->sinks)
    status.sinks.push_back({id, sink.queue.size(), sink.delivered, sink.dropped});
  return status;
}

void Notifier::enqueue(Sink& sink, const NoticePtr& notice) {
  auto is_same = [&notice](const NoticePtr& other) {
    return other->id == notice->id && other->mission == notice->mission;
  };
  // Told again because nobody took it yet: it waits here.
  if (!notice->id.empty() && std::any_of(sink.queue.begin(), sink.queue.end(), is_same)) return;
  sink.queue.push_back(notice);
  if (sink.queue.size() <= sink.spec.capacity) return;
  // What a consumer is looking at right now is not ours to drop; what must be told goes last.
  bool first_is_out = sink.in_flight && sink.gap == 0;
  auto first = sink.queue.begin() + (first_is_out ? 1 : 0);
  auto tick = std::find_if(first, sink.queue.end(),
                           [](const NoticePtr& waiting) { return waiting->id.empty(); });
  sink.queue.erase(tick == sink.queue.end() ? first : tick);
  ++sink.dropped;
  ++sink.dropped_untold;
}

// A gap is told before what comes after it.
NoticePtr Notifier::next(Sink& sink) {
  sink.gap = sink.dropped_untold;
  return sink.gap != 0 ? dropped_notice(sink.spec.id, sink.gap) : sink.queue.front();
}

void Notifier::taken(Sink& sink) {
  if (sink.gap == 0) {
    if (!sink.spec.passive && sink.queue.front()->taken) sink.queue.front()->taken();
    sink.queue.pop_front();
    ++sink.delivered;
  }
  sink.dropped_untold -= std::exchange(sink.gap, 0);
}

void Notifier::drain_all() {
  MUSTER_FAULT_POINT("notifier.drain");
  std::vector<std::string> ids;
  for (const auto& entry : sinks_->sinks) ids.push_back(entry.first);
  for (const auto& id : ids) drain(id);
}

void Notifier::drain(const std::string& id) {
  auto found = sinks_->sinks.find(id);
  if (found == sinks_->sinks.end()) return;
  auto& sink = found->second;
  if (sink.spec.consumer) {
    if (!sink.queue.empty() && !sink.in_flight) ask(sink);
    return;
  }
  try {
    while (!sink.queue.empty())
      if (!offer(sink)) return retry_soon();
  } catch (...) {
    // Its contract says that it does not throw; one that does is not worth the notifier.
    sinks_->sinks.erase(found);
  }
}

bool Notifier::offer(Sink& sink) {
  if (!sink.spec.sink->offer(*next(sink))) return false;
  taken(sink);
  return true;
}

void Notifier::ask(Sink& sink) {
  auto notice = next(sink);
  sink.in_flight = true;
  auto heard = [this, id = sink.spec.id, turn = sink.turn] { answered(id, turn, true); };
  auto failed = [this, id = sink.spec.id, turn = sink.turn](const Error& error) {
    auto found = sinks_->sinks.find(id);
    if (found == sinks_->sinks.end() || found->second.turn != turn) return;
    if (error.code == ErrorCode::unavailable)
      sinks_->sinks.erase(found);  // it is gone
    else
      answered(id, turn, false);
  };
  compat::request(self_, sink.spec.consumer, consumer_deadline, std::move(heard), std::move(failed),
                  notice_atom_v, notice);
}

void Notifier::answered(const std::string& id, std::uint64_t turn, bool accepted) {
  auto found = sinks_->sinks.find(id);
  if (found == sinks_->sinks.end() || found->second.turn != turn) return;
  auto& sink = found->second;
  sink.in_flight = false;
  if (!accepted) return retry_soon();
  taken(sink);
  drain(id);
}

void Notifier::retry_soon() {
  retry_ = compat::run_delayed(self_, retry_delay, [this] { drain_all(); });
}

}  // namespace muster
