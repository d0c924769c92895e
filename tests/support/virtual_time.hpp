#pragma once
// Actors under virtual time: nothing runs but in run() and advance(), on the test's own thread, and
// time moves only in advance(). Never touch it from a second thread: CAF's test scheduler has no
// lock.

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"

namespace muster::test {

/// An answer that may still be outstanding.
template <class R>
struct Pending {
  std::shared_ptr<std::optional<Result<R>>> slot;
  caf::actor asker;  ///< who waits; kill it to play a client that died

  [[nodiscard]] bool done() const { return slot->has_value(); }
  [[nodiscard]] bool ok() const { return done() && (*slot)->ok(); }
  [[nodiscard]] Result<R> get() const {
    if (!done()) return Error{ErrorCode::internal, "not answered yet"};
    return **slot;
  }
};

class VirtualTime {
 public:
  VirtualTime() : config_(1) {
    config_.set("caf.scheduler.policy", "testing");
    config_.on_crash = [this](const compat::Crash& crash) { crashes.push_back(crash); };
    system_ = std::make_unique<caf::actor_system>(config_);
    // A test that leaves actors behind must fail, not hang.
    system_->await_actors_before_shutdown(false);
  }
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;
  ~VirtualTime() { kill_all(); }

  [[nodiscard]] caf::actor_system& system() { return *system_; }
  [[nodiscard]] ActorMeter& meter() { return *config_.meter; }

  /// Spawns a state class (compat::spawn) that kill_all() ends.
  template <class State, class Handle, class... Args>
  Handle spawn(Args&&... args) {
    return track(compat::spawn<State, Handle>(*system_, std::forward<Args>(args)...));
  }
  template <class Handle>
  Handle track(Handle handle) {
    tracked_.push_back(compat::untyped(handle));
    return handle;
  }

  /// Handles messages until there are none. Fails the test when there is no end to them.
  void run() {
    constexpr std::size_t endless = 2'000'000;
    REQUIRE(scheduler().run(endless) < endless);
  }

  /// Lets time pass, firing every timer at its own moment, so that one that arms itself again fires
  /// as often as it should.
  void advance(std::chrono::nanoseconds by) {
    run();
    const auto target = clock().now() + by;
    while (auto next = next_timer()) {
      if (*next > target) break;
      clock().advance_time(std::max(*next - clock().now(), std::chrono::nanoseconds(0)));
      run();
    }
    clock().advance_time(target - clock().now());
    run();
  }

  /// Timers and deadlines that are still to come.
  [[nodiscard]] std::size_t timers() {
    auto pending = [](const auto& timer) { return !timer.second.f.disposed(); };
    return static_cast<std::size_t>(
        std::count_if(clock().schedule.begin(), clock().schedule.end(), pending));
  }

  /// An actor that asks on the test's behalf, and lives until it is killed.
  struct Client {
    caf::actor handle;
    caf::event_based_actor* self = nullptr;
  };
  Client client() {
    Client made;
    auto body = [&made](caf::event_based_actor* self) -> caf::behavior {
      made.self = self;
      return {[](resume_atom, Continuation& next) { next.run(); }};
    };
    made.handle = track(system_->spawn(body));
    run();
    return made;
  }

  /// Asks; the answer may come in any later run() or advance(). The virtual deadline is 30 days.
  template <class R, class Handle, class... Args>
  Pending<R> begin_as(const Client& client, const Handle& to, Args... args) {
    Pending<R> pending{std::make_shared<std::optional<Result<R>>>(), client.handle};
    auto ask = [self = client.self, to, slot = pending.slot, args...] {
      auto failed = [slot](const Error& error) { *slot = Result<R>(error); };
      constexpr auto deadline = std::chrono::hours(720);
      if constexpr (std::is_same_v<R, Unit>)
        compat::request(
            self, to, deadline, [slot] { *slot = ok_status(); }, failed, args...);
      else
        compat::request(
            self, to, deadline, [slot](const R& value) { *slot = Result<R>(value); }, failed,
            args...);
    };
    caf::anon_send(client.handle, resume_atom_v, Continuation{std::move(ask)});
    return pending;
  }
  /// The same, from a client of its own.
  template <class R, class Handle, class... Args>
  Pending<R> begin(const Handle& to, Args... args) {
    return begin_as<R>(client(), to, std::move(args)...);
  }
  /// Asks and runs until nothing moves.
  template <class R, class Handle, class... Args>
  Result<R> ask(const Handle& to, Args... args) {
    auto pending = begin<R>(to, std::move(args)...);
    run();
    return pending.get();
  }

  /// Whether the actor has ended (after run()).
  template <class Handle>
  bool dead(const Handle& handle) {
    auto* base = caf::actor_cast<caf::abstract_actor*>(handle);
    return static_cast<caf::monitorable_actor*>(base)->getf(
        caf::abstract_actor::is_terminated_flag);
  }

  /// Ends everything that was tracked. What then still lives is reported as a failure.
  void kill_all() {
    scheduler().run();
    for (const auto& actor : tracked_) compat::kill(actor);
    scheduler().run();
    tracked_.clear();
    CHECK(system_->registry().running() == 0);
  }

  std::vector<compat::Crash> crashes;

 private:
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  caf::detail::test_actor_clock& clock() { return scheduler().clock(); }

  std::optional<compat::TimePoint> next_timer() {
    for (const auto& [when, entry] : clock().schedule)
      if (!entry.f.disposed()) return when;
    return std::nullopt;
  }

  compat::SystemConfig config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<caf::actor> tracked_;
};

}  // namespace muster::test
