#include "runtime/core/actor_meter.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace muster {
namespace {

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

ActorName name_of(const ActorMeter::Class& kind, std::uint64_t id, std::string label) {
  return {kind.name + "#" + std::to_string(id), std::move(label)};
}

}  // namespace

constinit thread_local ActorMeter::Here ActorMeter::here{};

std::int64_t RunTimes::quantile_ns(double share) const {
  std::uint64_t all = 0;
  for (auto count : counts) all += count;
  if (all == 0) return 0;
  auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < size; ++i) {
    seen += counts[i];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::int64_t{1024} << i;
  }
  return std::int64_t{1024} << (size - 1);
}

std::uint64_t ActorMeter::Actor::waiting() const {
  if (idle(self)) return 0;
  // Written by different threads: a moment in between may even show more taken than received.
  const auto out = taken.load(std::memory_order_relaxed);
  const auto in = received.load(std::memory_order_relaxed);
  return static_cast<std::int64_t>(in - out) > 0 ? in - out : 0;
}

ActorMeter::Thread::Counters& ActorMeter::Thread::add_counters(std::size_t index) {
  owned_.push_back(std::make_unique<Counters>());
  counters_[index].store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

ActorMeter::ActorMeter() : number_(next_number()) {}
ActorMeter::~ActorMeter() = default;

// The last place is for all classes that are too many.
ActorMeter::Class& ActorMeter::class_of(const char* name) {
  for (auto& known : classes_)
    if (known.name == name) return known;
  const bool full = classes_.size() + 1 >= Thread::max_classes;
  if (full && classes_.size() == Thread::max_classes) return classes_.back();
  Class made;
  made.name = full ? "others" : name;
  made.index = classes_.size();
  classes_.push_back(std::move(made));
  return classes_.back();
}

void ActorMeter::add(Actor& actor, const char* name) {
  std::lock_guard lock(mutex_);
  actor.kind = &class_of(name);
  ++actor.kind->alive;
  ++actor.kind->spawned;
  actor.after = first_;
  if (first_ != nullptr) first_->before = &actor;
  first_ = &actor;
}

void ActorMeter::remove(Actor& actor, bool crashed) {
  std::lock_guard lock(mutex_);
  --actor.kind->alive;
  actor.kind->crashed += crashed ? 1 : 0;
  actor.kind->ended_messages += actor.received.load(std::memory_order_relaxed);
  if (actor.after != nullptr) actor.after->before = actor.before;
  (actor.before != nullptr ? actor.before->after : first_) = actor.after;
  actor.before = actor.after = nullptr;
}

void ActorMeter::set_label(Actor& actor, std::string label) {
  std::lock_guard lock(mutex_);
  actor.label = std::move(label);
}

ActorMeter::Thread& ActorMeter::find_thread() {
  const auto self = std::this_thread::get_id();
  std::lock_guard lock(mutex_);
  auto found = std::find_if(threads_.begin(), threads_.end(),
                            [self](const Thread& known) { return known.thread_ == self; });
  auto& mine = found != threads_.end() ? *found : threads_.emplace_back();
  mine.thread_ = self;
  mine.looks_ = &looks_;
  here = {number_, &mine};
  return mine;
}

const ActorMeter::Actor* ActorMeter::find(std::uint64_t id) const {
  for (const auto* actor = first_; actor != nullptr; actor = actor->after)
    if (actor->id == id) return actor;
  return nullptr;
}

void ActorMeter::add_runs(ActorClassStats& stats, std::size_t index) const {
  for (const auto& thread : threads_) {
    const auto* counts = thread.counters_[index].load(std::memory_order_acquire);
    if (counts == nullptr) continue;
    stats.runs += counts->runs.load(std::memory_order_relaxed);
    stats.busy_ns += counts->busy_ns.load(std::memory_order_relaxed);
    stats.longest_ns =
        std::max(stats.longest_ns, counts->longest_ns.load(std::memory_order_relaxed));
    for (std::size_t i = 0; i < RunTimes::size; ++i)
      stats.times.counts[i] += counts->times[i].load(std::memory_order_relaxed);
  }
}

std::vector<ActorClassStats> ActorMeter::classes() const {
  std::lock_guard lock(mutex_);
  std::vector<ActorClassStats> out(classes_.size());
  for (const auto& kind : classes_) {
    auto& stats = out[kind.index];
    stats.name = kind.name;
    stats.alive = kind.alive;
    stats.spawned = kind.spawned;
    stats.crashed = kind.crashed;
    stats.messages = kind.ended_messages;
    stats.longest_ns = kind.longest_seen_ns;
    add_runs(stats, kind.index);
  }
  for (const auto* actor = first_; actor != nullptr; actor = actor->after) {
    auto& stats = out[actor->kind->index];
    const auto waiting = actor->waiting();
    stats.messages += actor->received.load(std::memory_order_relaxed);
    stats.waiting += waiting;
    stats.longest_mailbox = std::max(stats.longest_mailbox, waiting);
  }
  std::sort(out.begin(), out.end(),
            [](const auto& left, const auto& right) { return left.name < right.name; });
  return out;
}

void ActorMeter::look_at(Thread& thread, ActorLook& out) {
  const auto run = thread.run_.load(std::memory_order_acquire);
  if (run % 2 == 0) return;
  auto* kind = thread.kind_.load(std::memory_order_acquire);
  const auto id = thread.id_.load(std::memory_order_acquire);
  auto since = thread.since_ns_.load(std::memory_order_acquire);
  // Another run has begun meanwhile: what was read may be half of each, and this one is over.
  if (thread.run_.load(std::memory_order_relaxed) != run) return;
  if (since == Thread::not_timed)
    since = thread.seen_run_ == run ? thread.seen_since_ns_ : out.at_ns;
  thread.seen_run_ = run;
  thread.seen_since_ns_ = since;
  kind->longest_seen_ns = std::max(kind->longest_seen_ns, out.at_ns - since);
  const auto* actor = find(id);
  out.running.push_back(
      {id, name_of(*kind, id, actor != nullptr ? actor->label : ""), run, out.at_ns - since});
}

ActorLook ActorMeter::look(std::int64_t now_ns, std::uint64_t least_waiting) {
  looks_.fetch_add(1, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  ActorLook out;
  out.at_ns = now_ns;
  for (auto& thread : threads_) look_at(thread, out);
  for (const auto* actor = first_; actor != nullptr; actor = actor->after) {
    const auto waiting = actor->waiting();
    if (waiting >= least_waiting)
      out.mailboxes.push_back({actor->id, name_of(*actor->kind, actor->id, actor->label), waiting});
  }
  return out;
}

}  // namespace muster
