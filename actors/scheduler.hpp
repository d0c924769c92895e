#pragma once
// Who may run, and when a call may go: an actor around the pure slot table and the pure health of
// each lane. It adds promises, timers, and the watch over those who hold something.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/core/lane.hpp"
#include "runtime/core/slots.hpp"

namespace muster {

struct SchedulerConfig {
  SlotLimits limits = {};
  LanePolicy lane = {};
  std::uint64_t seed = 1;  ///< of the backoff's jitter
  /// Called on the scheduler's thread with what a user should know; may be empty, must not block.
  /// Types: lane.paused, lane.resumed, lane.breaker.
  std::function<void(const Notice&)> notify = {};
  /// What outlives the scheduler (D3), by lane as JSON; "" = nothing any more. Called on the
  /// scheduler's thread when a pause or a breaker changed; must not block.
  std::function<void(const std::string& lane, const std::string& health)> remember = {};
  /// What was remembered; called once, at the start, on the starter's thread.
  std::function<std::map<std::string, std::string>()> recall = {};
  /// Wall clock, ms: what is remembered is told in it.
  std::function<std::int64_t()> wall_ms = {};
};

/// Spawns the scheduler.
scheduler_actor spawn_scheduler(caf::actor_system& system, SchedulerConfig config = {});

/// State of the scheduler actor; use spawn_scheduler().
class Scheduler {
 public:
  Scheduler(compat::Self<scheduler_actor> self, SchedulerConfig config);
  compat::Behavior<scheduler_actor> make_behavior();

  static constexpr const char* name = "scheduler";

 private:
  /// One request for a slot, from the wait to the release. Its number is its ticket in the slot
  /// table.
  struct Seat {
    std::string ticket;
    std::string mission;
    std::string lane;
    caf::actor_addr holder;
    std::optional<compat::Promise<void>> promise;  ///< while it waits
  };
  /// One call, from the question to the report.
  struct Call {
    std::string ticket;
    caf::actor_addr holder;
    compat::Promise<void> promise;
  };
  struct Lane {
    explicit Lane(const LanePolicy& policy) : state(policy) {}
    LaneState state;
    std::size_t waiting = 0;     ///< seats
    std::deque<Call> held_back;  ///< in the order in which they came
    std::multimap<std::string, caf::actor_addr>
        out;  ///< admitted, not yet reported: ticket -> holder
    std::map<std::string, std::int64_t>
        not_before;               ///< tickets whose last call failed: when the next may go
    compat::Timer timer;          ///< when to look again
    std::int64_t told_until = 0;  ///< of the pause that was told
    Breaker::State told_breaker = Breaker::State::closed;
  };

  caf::result<void> acquire(const SlotRequest& request);
  caf::result<void> release(const std::string& ticket);
  caf::result<void> cancel(const std::string& ticket);
  caf::result<void> admit(const AdmitRequest& request);
  caf::result<void> report(const CallReport& report);
  [[nodiscard]] SchedulerStatus status();

  // Slots.
  void grant();
  void expire();
  void arm_expiry();
  Seat take_seat(Ticket number);
  [[nodiscard]] bool open(const std::string& name);

  // Calls.
  Lane& lane(const std::string& name);
  void serve(const std::string& name, Lane& lane);
  [[nodiscard]] std::optional<std::int64_t> serve_calls(Lane& lane, std::int64_t now);
  bool drop_calls(Lane& lane,
                  const std::function<bool(const std::string&, const caf::actor_addr&)>& which);
  void tell_changes(const std::string& name, Lane& lane);
  void tell_pause_and_breaker(const std::string& name, Lane& lane, std::int64_t now,
                              std::int64_t until);
  void remember(const std::string& name, const Lane& lane);
  void recall();
  /// From this clock to the wall's.
  [[nodiscard]] std::int64_t to_wall();
  void tell(const std::string& type, const std::string& json);
  [[nodiscard]] LaneView view(const std::string& name, const Lane& lane) const;
  double jitter() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

  // Holders.
  void watch(const caf::actor_addr& holder);
  void unwatch(const caf::actor_addr& holder);
  void holder_down(const caf::actor_addr& holder);

  compat::Self<scheduler_actor> self_;
  SchedulerConfig config_;
  SlotTable table_;
  std::mt19937_64 random_;
  Ticket next_ = 1;
  std::map<Ticket, Seat> seats_;
  std::unordered_map<std::string, Ticket> by_ticket_;
  std::map<std::string, Lane> lanes_;
  std::unordered_map<caf::actor_id, std::size_t> watched_;  ///< seats and calls of each holder
  compat::Timer expiry_;
  std::optional<std::int64_t> expiry_at_;
};

}  // namespace muster
