// Messages between actors: muster's (compat.hpp) beside CAF's own, on the same system.

#include <benchmark/benchmark.h>

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <future>
#include <memory>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"

namespace muster::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t hops = 100'000;
constexpr auto no_answer = 60s;

using Finished = std::shared_ptr<std::promise<void>>;
using counter_actor = caf::typed_actor<result<void>(tell_atom, std::uint64_t)>;
using echo_actor = caf::typed_actor<result<std::uint64_t>(check_atom, std::uint64_t)>;

bool wait(const Finished& finished) {
  return finished->get_future().wait_for(no_answer) == std::future_status::ready;
}

// ---- one way: a flood of numbers, counted down
// ----------------------------------------------------

class Counter {
 public:
  Counter(compat::Self<counter_actor> self, Finished finished)
      : self_(self), finished_(std::move(finished)) {}
  compat::Behavior<counter_actor> make_behavior() {
    return {[this](tell_atom, std::uint64_t left) {
      if (left != 0) return;
      finished_->set_value();
      compat::quit(self_);
    }};
  }
  static constexpr const char* name = "counter";

 private:
  compat::Self<counter_actor> self_;
  Finished finished_;
};

counter_actor::behavior_type raw_counter(counter_actor::pointer self, Finished finished) {
  return {[self, finished](tell_atom, std::uint64_t left) {
    if (left != 0) return;
    finished->set_value();
    self->quit();
  }};
}

class Source {
 public:
  Source(compat::Self<counter_actor> self, counter_actor to) : self_(self), to_(std::move(to)) {}
  compat::Behavior<counter_actor> make_behavior() {
    return {[this](tell_atom, std::uint64_t count) {
      while (count-- > 0) compat::send(self_, to_, tell_atom_v, count);
      compat::quit(self_);
    }};
  }
  static constexpr const char* name = "source";

 private:
  compat::Self<counter_actor> self_;
  counter_actor to_;
};

counter_actor::behavior_type raw_source(counter_actor::pointer self, counter_actor to) {
  return {[self, to](tell_atom, std::uint64_t count) {
    while (count-- > 0) self->send(to, tell_atom_v, count);
    self->quit();
  }};
}

template <class Make>
void one_way(benchmark::State& state, Make make) {
  compat::SystemConfig config{2};
  caf::actor_system system{config};
  for (auto _ : state) {
    auto finished = std::make_shared<std::promise<void>>();
    counter_actor source = make(system, finished);
    caf::anon_send(source, tell_atom_v, hops);
    if (!wait(finished)) return state.SkipWithError("lost messages");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(hops));
}

void hop_one_way(benchmark::State& state) {
  one_way(state, [](caf::actor_system& system, const Finished& finished) {
    auto counter = compat::spawn<Counter, counter_actor>(system, finished);
    return compat::spawn<Source, counter_actor>(system, counter);
  });
}

void hop_one_way_caf(benchmark::State& state) {
  one_way(state, [](caf::actor_system& system, const Finished& finished) {
    auto counter = system.spawn(raw_counter, finished);
    return system.spawn(raw_source, counter);
  });
}

// ---- there and back: one question at a time
// -------------------------------------------------------

class Echo {
 public:
  explicit Echo(compat::Self<echo_actor>) {}
  compat::Behavior<echo_actor> make_behavior() {
    return {[](check_atom, std::uint64_t value) { return value; }};
  }
  static constexpr const char* name = "echo";
};

echo_actor::behavior_type raw_echo(echo_actor::pointer) {
  return {[](check_atom, std::uint64_t value) { return value; }};
}

class Asker {
 public:
  Asker(compat::Self<counter_actor> self, echo_actor echo, Finished finished)
      : self_(self), echo_(std::move(echo)), finished_(std::move(finished)) {}
  compat::Behavior<counter_actor> make_behavior() {
    return {[this](tell_atom, std::uint64_t count) { ask(count); }};
  }
  static constexpr const char* name = "asker";

 private:
  void ask(std::uint64_t left) {
    if (left == 0) {
      finished_->set_value();
      return compat::quit(self_);
    }
    compat::request(
        self_, echo_, no_answer, [this](std::uint64_t value) { ask(value - 1); },
        [this](const Error&) { compat::quit(self_); }, check_atom_v, left);
  }

  compat::Self<counter_actor> self_;
  echo_actor echo_;
  Finished finished_;
};

void raw_ask(counter_actor::pointer self, const echo_actor& echo, const Finished& finished,
             std::uint64_t left) {
  if (left == 0) {
    finished->set_value();
    return self->quit();
  }
  self->request(echo, no_answer, check_atom_v, left)
      .then([=](std::uint64_t value) { raw_ask(self, echo, finished, value - 1); },
            [self](const caf::error&) { self->quit(); });
}

counter_actor::behavior_type raw_asker(counter_actor::pointer self, echo_actor echo,
                                       Finished finished) {
  return {[=](tell_atom, std::uint64_t count) { raw_ask(self, echo, finished, count); }};
}

void hop_round_trip(benchmark::State& state) {
  one_way(state, [](caf::actor_system& system, const Finished& finished) {
    auto echo = compat::spawn<Echo, echo_actor>(system);
    return compat::spawn<Asker, counter_actor>(system, echo, finished);
  });
}

void hop_round_trip_caf(benchmark::State& state) {
  one_way(state, [](caf::actor_system& system, const Finished& finished) {
    auto echo = system.spawn(raw_echo);
    return system.spawn(raw_asker, echo, finished);
  });
}

BENCHMARK(hop_one_way)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(hop_one_way_caf)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(hop_round_trip)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(hop_round_trip_caf)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace muster::bench
