#include "runtime/core/actor_meter.hpp"

#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <string>
#include <thread>
#include <vector>

namespace muster {
namespace {

struct Being {
  explicit Being(ActorMeter& meter, const char* name, std::uint64_t id) {
    actor.id = id;
    actor.self = &empty;
    actor.idle = [](const void* self) { return *static_cast<const bool*>(self); };
    meter.add(actor, name);
  }
  bool empty = false;
  ActorMeter::Actor actor;
};

const ActorClassStats& of(const std::vector<ActorClassStats>& all, const std::string& name) {
  for (const auto& stats : all)
    if (stats.name == name) return stats;
  FAIL("no class " << name);
  return all.front();
}

}  // namespace

TEST_CASE("run times are told by the bound that a share of them stayed below") {
  RunTimes times;
  CHECK(times.quantile_ns(0.5) == 0);
  for (int i = 0; i < 98; ++i) ++times.counts[RunTimes::index_of(3000)];
  ++times.counts[RunTimes::index_of(40'000'000)];
  ++times.counts[RunTimes::index_of(40'000'000)];
  CHECK(times.quantile_ns(0.5) == 4096);
  CHECK(times.quantile_ns(0.98) == 4096);
  CHECK(times.quantile_ns(0.99) == 67'108'864);
  CHECK(times.quantile_ns(1.0) == 67'108'864);
}

TEST_CASE("every time has a place, the odd ones too") {
  CHECK(RunTimes::index_of(-5) == 0);
  CHECK(RunTimes::index_of(0) == 0);
  CHECK(RunTimes::index_of(1023) == 0);
  CHECK(RunTimes::index_of(1024) == 1);
  CHECK(RunTimes::index_of(2048) == 2);
  CHECK(RunTimes::index_of(INT64_MAX) == RunTimes::size - 1);
}

TEST_CASE("classes add up what their actors do, living and ended") {
  ActorMeter meter;
  Being one(meter, "session", 1);
  Being two(meter, "session", 2);
  Being other(meter, "job", 3);
  one.actor.received = 10;
  one.actor.taken = 4;
  two.actor.received = 5;
  two.actor.taken = 5;
  auto& thread = meter.thread();
  thread.begin(one.actor, 1000);
  thread.end(4000, 1);
  thread.begin(two.actor, 4000);
  thread.end(5000, 1);
  auto stats = of(meter.classes(), "session");
  CHECK(stats.alive == 2);
  CHECK(stats.spawned == 2);
  CHECK(stats.messages == 15);
  CHECK(stats.waiting == 6);
  CHECK(stats.longest_mailbox == 6);
  CHECK(stats.runs == 2);
  CHECK(stats.busy_ns == 4000);
  CHECK(stats.longest_ns == 3000);
  meter.remove(one.actor, true);
  stats = of(meter.classes(), "session");
  CHECK(stats.alive == 1);
  CHECK(stats.spawned == 2);
  CHECK(stats.crashed == 1);
  CHECK(stats.messages == 15);
  CHECK(stats.waiting == 0);
  CHECK(of(meter.classes(), "job").alive == 1);
  CHECK(of(meter.classes(), "job").runs == 0);
}

TEST_CASE("a run that was not timed counts as a run; one that stands for others counts for all") {
  ActorMeter meter;
  Being one(meter, "session", 1);
  auto& thread = meter.thread();
  thread.begin(one.actor, ActorMeter::Thread::not_timed);
  thread.end(0, 0);
  auto stats = of(meter.classes(), "session");
  CHECK(stats.runs == 1);
  CHECK(stats.busy_ns == 0);
  CHECK(stats.times.quantile_ns(0.5) == 0);
  thread.begin(one.actor, 100);
  thread.end(3100, 16);
  stats = of(meter.classes(), "session");
  CHECK(stats.runs == 2);
  CHECK(stats.busy_ns == 48000);
  CHECK(stats.longest_ns == 3000);
  CHECK(stats.times.counts[RunTimes::index_of(3000)] == 16);
}

TEST_CASE("all runs are timed while there are few between two looks, and some of a flood") {
  ActorMeter meter;
  Being one(meter, "session", 1);
  Being two(meter, "session", 2);
  auto& thread = meter.thread();
  // Two in turn: what is picked must not follow such a pattern.
  struct Weights {
    std::uint64_t runs = 0, timed = 0, sum = 0, sum_of_one = 0;
  };
  auto run = [&](int runs) {
    Weights out;
    for (int i = 0; i < runs; ++i) {
      const auto& actor = i % 2 == 0 ? one.actor : two.actor;
      const auto weight = thread.weight();
      ++out.runs;
      out.timed += weight != 0 ? 1 : 0;
      out.sum += weight;
      out.sum_of_one += i % 2 == 0 ? weight : 0;
      thread.begin(actor, 0);
      thread.end(1, weight);
    }
    return out;
  };
  CHECK(run(500).timed == 500);
  auto flood = run(64'000);
  CHECK(flood.timed > 900);
  CHECK(flood.timed < 1100);
  CHECK(flood.sum > 57'000);
  CHECK(flood.sum < 71'000);
  CHECK(flood.sum_of_one > 27'000);
  CHECK(flood.sum_of_one < 37'000);
  (void)meter.look(1, 1);
  CHECK(run(500).timed == 500);
  CHECK(run(1600).timed < 100);
}

TEST_CASE("how long a run takes that was not timed is known from looks") {
  ActorMeter meter;
  Being one(meter, "session", 1);
  auto& thread = meter.thread();
  thread.begin(one.actor, ActorMeter::Thread::not_timed);
  CHECK(meter.look(1000, 1).running.at(0).for_ns == 0);
  CHECK(meter.look(5000, 1).running.at(0).for_ns == 4000);
  thread.end(0, 0);
  CHECK(of(meter.classes(), "session").longest_ns == 4000);
  thread.begin(one.actor, ActorMeter::Thread::not_timed);
  CHECK(meter.look(6000, 1).running.at(0).for_ns == 0);
  thread.end(0, 0);
}

TEST_CASE("a message to an actor that sleeps says that all before it were taken") {
  ActorMeter meter;
  Being one(meter, "session", 1);
  one.actor.receive(true);
  CHECK(one.actor.waiting() == 1);
  one.actor.receive(false);
  one.actor.receive(false);
  CHECK(one.actor.waiting() == 3);
  one.actor.left(1);  // it is at the second, and the third waits
  CHECK(one.actor.waiting() == 1);
  one.actor.receive(true);
  CHECK(one.actor.waiting() == 1);
  CHECK(one.actor.received == 4);
}

TEST_CASE("an idle actor has nothing waiting, whatever the counters of its last run say") {
  ActorMeter meter;
  Being one(meter, "session", 1);
  one.actor.received = 10;
  CHECK(one.actor.waiting() == 10);
  one.empty = true;
  CHECK(one.actor.waiting() == 0);
  one.empty = false;
  one.actor.taken = 11;  // as a look between two writes may see it
  CHECK(one.actor.waiting() == 0);
}

TEST_CASE("a look shows who runs, for how long, and the long mailboxes") {
  ActorMeter meter;
  Being one(meter, "session", 1);
  Being two(meter, "session", 2);
  meter.set_label(one.actor, "m/S1");
  two.actor.received = 100;
  auto& thread = meter.thread();
  thread.begin(one.actor, 500);
  auto seen = meter.look(2500, 50);
  CHECK(seen.at_ns == 2500);
  REQUIRE(seen.running.size() == 1);
  CHECK(seen.running[0].id == 1);
  CHECK(seen.running[0].name == ActorName{"session#1", "m/S1"});
  CHECK(seen.running[0].for_ns == 2000);
  REQUIRE(seen.mailboxes.size() == 1);
  CHECK(seen.mailboxes[0].id == 2);
  CHECK(seen.mailboxes[0].waiting == 100);
  thread.end(2600, 1);
  CHECK(meter.look(3000, 101).running.empty());
  CHECK(meter.look(3000, 101).mailboxes.empty());
  thread.begin(one.actor, 3000);
  CHECK(meter.look(3500, 101).running.at(0).run != seen.running[0].run);
  thread.end(3500, 1);
}

TEST_CASE("each meter has its own part of a thread, and what a thread counted outlives it") {
  ActorMeter first;
  ActorMeter second;
  Being one(first, "session", 1);
  Being two(second, "session", 1);
  for (int i = 0; i < 3; ++i) {
    first.thread().begin(one.actor, 0);
    first.thread().end(10, 1);
    second.thread().begin(two.actor, 0);
    second.thread().end(20, 1);
  }
  std::thread([&] {
    first.thread().begin(one.actor, 0);
    first.thread().end(100, 1);
  }).join();
  CHECK(of(first.classes(), "session").runs == 4);
  CHECK(of(first.classes(), "session").busy_ns == 130);
  CHECK(of(second.classes(), "session").busy_ns == 60);
}

TEST_CASE("classes beyond the last place are counted together") {
  ActorMeter meter;
  std::deque<std::string> names;
  std::deque<Being> beings;
  for (int i = 0; i < 100; ++i)
    beings.emplace_back(meter, names.emplace_back("class" + std::to_string(i)).c_str(),
                        static_cast<std::uint64_t>(i));
  for (auto& being : beings) {
    meter.thread().begin(being.actor, 0);
    meter.thread().end(1, 1);
  }
  auto all = meter.classes();
  CHECK(all.size() == 64);
  CHECK(of(all, "class62").runs == 1);
  CHECK(of(all, "others").runs == 37);
  CHECK(of(all, "others").alive == 37);
}

}  // namespace muster
