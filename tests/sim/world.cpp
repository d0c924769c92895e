#include "tests/sim/world.hpp"

#include <algorithm>

namespace muster::sim {

World::World(std::uint64_t seed, bool interleave)
    : config_(1), random_(stream(seed, {"world"})), interleave_(interleave) {
  config_.set("caf.scheduler.policy", "testing");
  config_.on_crash = [this](const compat::Crash& crash) { crashes.push_back(crash); };
  system_ = std::make_unique<caf::actor_system>(config_);
  system_->await_actors_before_shutdown(false);
  start_ = clock().now();
  auto body = [this](caf::event_based_actor* self) -> caf::behavior {
    client_self_ = self;
    return {[](resume_atom, Continuation& next) { next.run(); }};
  };
  client_ = system_->spawn(body);
  drain();
}

World::~World() {
  queue_.clear();
  compat::kill(client_);
  client_ = nullptr;
  drain();
}

caf::scheduler::test_coordinator& World::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

Micros World::now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(clock().now() - start_).count();
}

void World::after(Micros delay, std::function<void()> what) {
  queue_.emplace(now() + std::max<Micros>(delay, 0), std::move(what));
}

void World::after(const LifePtr& life, Micros delay, std::function<void()> what) {
  after(delay, [life, what = std::move(what)] {
    if (life->alive) what();
  });
}

/// Requests that were answered leave their deadlines behind: taken out, or every look walks over
/// them.
std::optional<compat::TimePoint> World::next_timer() {
  auto& timers = clock().schedule;
  while (!timers.empty() && timers.begin()->second.f.disposed()) timers.erase(timers.begin());
  if (timers.empty()) return std::nullopt;
  return timers.begin()->first;
}

bool World::step() {
  if (scheduler().has_job()) {
    run_actor();
    return true;
  }
  auto timer = next_timer();
  if (!timer && queue_.empty()) return false;
  auto at_of = [this](compat::TimePoint at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at - start_).count();
  };
  if (!queue_.empty() && (!timer || queue_.begin()->first <= at_of(*timer))) {
    auto at = start_ + std::chrono::microseconds(queue_.begin()->first);
    auto what = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    if (at > clock().now()) clock().advance_time(at - clock().now());
    what();
  } else {
    clock().advance_time(std::max(*timer - clock().now(), std::chrono::nanoseconds(0)));
  }
  return true;
}

void World::run_actor() {
  auto& jobs = scheduler().jobs;
  if (interleave_ && jobs.size() > 1 && random_.below(3) == 0)
    std::swap(jobs.front(), jobs[random_.below(std::min<std::size_t>(jobs.size(), 64))]);
  if (!to_kill_.empty()) {
    auto* actor = dynamic_cast<caf::scheduled_actor*>(jobs.front());
    if (actor != nullptr && to_kill_ == actor->name()) {
      to_kill_.clear();
      compat::kill(caf::actor_cast<caf::actor>(actor->address()));
    }
  }
  ++messages_;
  scheduler().run_once();
}

void World::drain() {
  while (scheduler().has_job()) run_actor();
}

void World::run_for(Micros time) {
  auto until = now() + time;
  after(time, [] {});
  while (now() < until && !violation_ && step()) {
  }
}

void World::fail(const std::string& invariant, const std::string& detail) {
  if (!violation_) violation_ = Violation{invariant, detail};
}

/// All but the one that asks.
std::size_t World::actors_alive() { return system_->registry().running() - (client_ ? 1 : 0); }

bool World::dead(const caf::actor& actor) const {
  if (!actor) return true;
  auto* base = caf::actor_cast<caf::abstract_actor*>(actor);
  return static_cast<caf::monitorable_actor*>(base)->getf(caf::abstract_actor::is_terminated_flag);
}

}  // namespace muster::sim
