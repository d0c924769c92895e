#pragma once
// Time and everything that happens in it: actors under CAF's test scheduler, and the outside as a
// queue of things to come. One thread, no clock but its own.

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "tests/sim/random.hpp"

namespace muster::sim {

using Micros = std::int64_t;
constexpr Micros millis = 1000;
constexpr Micros seconds = 1000 * millis;
constexpr Micros minutes = 60 * seconds;

/// One life of the engine, from its start to its crash. What it started in the outside world ends
/// with it.
struct Life {
  bool alive = true;
};
using LifePtr = std::shared_ptr<Life>;

/// An invariant that does not hold.
struct Violation {
  std::string invariant;  ///< its stable name
  std::string detail;
};

class World {
 public:
  World(std::uint64_t seed, bool interleave);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] caf::actor_system& system() { return *system_; }
  /// Virtual time since the beginning.
  [[nodiscard]] Micros now();
  /// What the wall clock says, jumps included; milliseconds.
  [[nodiscard]] std::int64_t wall_ms() { return 1'700'000'000'000 + now() / millis + skew_ms_; }
  void jump_wall_clock(std::int64_t by_ms) { skew_ms_ += by_ms; }

  /// Something that comes later, whatever becomes of the engine ...
  void after(Micros delay, std::function<void()> what);
  /// ... or only if this life of it still goes on then.
  void after(const LifePtr& life, Micros delay, std::function<void()> what);

  /// Handles one message of an actor or, when there is none, lets time go on to what comes next.
  /// False: nothing will ever happen any more.
  bool step();
  /// Handles messages until there are none; time stands still.
  void drain();
  /// steps() until so much time has passed or an invariant is broken.
  void run_for(Micros time);
  /// Kills the next actor of that name that is about to handle a message.
  void kill_next(const std::string& name) { to_kill_ = name; }
  [[nodiscard]] bool killing() const { return !to_kill_.empty(); }

  /// Asks on behalf of somebody outside. `then` is called when the answer comes.
  template <class R, class Handle, class... Args>
  void ask(const Handle& to, std::function<void(Result<R>)> then, Args... args);

  /// An invariant is broken; the first one counts.
  void fail(const std::string& invariant, const std::string& detail);
  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }
  /// Actors that have not ended.
  [[nodiscard]] std::size_t actors_alive();
  [[nodiscard]] bool dead(const caf::actor& actor) const;
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  std::vector<compat::Crash> crashes;

 private:
  caf::scheduler::test_coordinator& scheduler();
  caf::detail::test_actor_clock& clock() { return scheduler().clock(); }
  std::optional<compat::TimePoint> next_timer();
  void run_actor();

  compat::SystemConfig config_;
  std::unique_ptr<caf::actor_system> system_;
  compat::TimePoint start_;
  Rng random_;
  bool interleave_;
  std::int64_t skew_ms_ = 0;
  std::multimap<Micros, std::function<void()>> queue_;
  std::string to_kill_;
  std::optional<Violation> violation_;
  std::uint64_t messages_ = 0;
  caf::actor client_;
  caf::event_based_actor* client_self_ = nullptr;
};

template <class R, class Handle, class... Args>
void World::ask(const Handle& to, std::function<void(Result<R>)> then, Args... args) {
  auto question = [self = client_self_, to, then = std::move(then), args...] {
    auto failed = [then](const Error& error) { then(error); };
    constexpr auto deadline = std::chrono::hours(720);
    if constexpr (std::is_same_v<R, Unit>)
      compat::request(
          self, to, deadline, [then] { then(Unit{}); }, failed, args...);
    else
      compat::request(
          self, to, deadline, [then](const R& value) { then(value); }, failed, args...);
  };
  caf::anon_send(client_, resume_atom_v, Continuation{std::move(question)});
}

}  // namespace muster::sim
