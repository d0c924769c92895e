#pragma once
// The only file that knows which CAF this is (0.18.7; CAF_MAJOR_VERSION is 0). Everything an actor
// needs from CAF beyond typed handles and results goes through here, so that a move to CAF 1.x is a
// change of this file.
//
// An actor is a state class with `Behavior<Handle> make_behavior()`, constructed with `Self<Handle>
// self` first:
//   class Echo { public: explicit Echo(compat::Self<echo_actor> self); compat::Behavior<echo_actor>
//   make_behavior(); }; echo_actor echo = compat::spawn<Echo, echo_actor>(system, args...);

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/test_actor_clock.hpp>
#include <caf/disposable.hpp>
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "messages/errors.hpp"
#include "messages/types.hpp"
#include "runtime/core/actor_meter.hpp"
#include "runtime/core/result.hpp"

namespace muster::compat {

// ---- the system ---------------------------------------------------------------------------------

/// An actor ended by an exception.
struct Crash {
  std::string actor;  ///< name and id
  std::string what;
};

struct TypesReady {
  TypesReady() { init_message_types(); }
};

/// Configuration of the actor system: few threads, no idle spinning, nothing ever on stdout. Must
/// outlive the system.
class SystemConfig : private TypesReady, public caf::actor_system_config {
 public:
  /// `threads` workers; 0 is taken as 1.
  explicit SystemConfig(std::size_t threads) {
    // "stealing", the default, burns a fifth of a core while idle; the default number of threads
    // ignores cgroups.
    set("caf.scheduler.policy", "sharing");
    set("caf.scheduler.max-threads", threads == 0 ? std::size_t{1} : threads);
    set("caf.logger.console.verbosity", "quiet");
    set("caf.logger.file.verbosity", "quiet");
  }
  /// Told about every actor that an exception ended, on that actor's thread; must be thread-safe
  /// and must not throw.
  std::function<void(const Crash&)> on_crash;
  /// Counts what the actors of compat::spawn do.
  const std::shared_ptr<ActorMeter> meter = std::make_shared<ActorMeter>();
};

// ---- actors -------------------------------------------------------------------------------------

template <class Handle>
using Self = typename Handle::pointer;
template <class Handle>
using Behavior = typename Handle::behavior_type;

/// Nanoseconds of the actors' clock, as the meter counts them.
inline std::int64_t meter_ns(const caf::actor_clock& clock) {
  return std::chrono::nanoseconds(clock.now().time_since_epoch()).count();
}

namespace detail {

inline std::string what_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

inline void report_crash(caf::local_actor* self, const std::string& name, const std::string& what) {
  const auto* config = dynamic_cast<const SystemConfig*>(&self->system().config());
  if (config != nullptr && config->on_crash) config->on_crash({name, what});
}

/// CAF's own handlers print to stdout, which is not ours to print on.
template <class SelfPtr>
void install_handlers(SelfPtr self) {
  self->set_default_handler(caf::drop);
  self->set_down_handler([](caf::down_msg&) {});
  self->set_node_down_handler([](caf::node_down_msg&) {});
  self->set_exception_handler([self](std::exception_ptr& thrown) -> caf::error {
    auto what = what_of(thrown);
    auto name = std::string(self->name()) + "#" + std::to_string(self->id());
    self->note_crash();
    report_crash(self, name, what);
    return to_caf({ErrorCode::internal, what, name});
  });
}

/// Installs the handlers before the state's own behaviour, and meters what the actor does.
template <class State, class Base>
class Shell final : public caf::stateful_actor<State, Base> {
  using Super = caf::stateful_actor<State, Base>;

 public:
  template <class... Args>
  explicit Shell(caf::actor_config& config, Args&&... args)
      : Super(config, std::forward<Args>(args)...), clock_(this->home_system().clock()) {
    const auto* ours = dynamic_cast<const SystemConfig*>(&this->home_system().config());
    if (ours == nullptr) return;
    meter_ = ours->meter.get();
    metered_.id = this->id();
    metered_.self = this;
    metered_.idle = [](const void* self) {
      return static_cast<const Shell*>(self)->mailbox_.blocked();
    };
    meter_->add(metered_, this->name());
  }

  using Super::enqueue;
  bool enqueue(caf::mailbox_element_ptr message, caf::execution_unit* unit) override {
    metered_.receive(this->mailbox_.blocked());
    return Super::enqueue(std::move(message), unit);
  }

  // CAF calls no hook between two messages, so they are handed on in small portions, each a run of
  // its own: few at first, more while they are quick, so that a slow handler is a run by itself.
  caf::resumable::resume_result resume(caf::execution_unit* unit, std::size_t most) override {
    if (meter_ == nullptr) return Super::resume(unit, most);
    auto& thread = meter_->thread();
    auto weight = virtual_time_ ? 1 : thread.weight();
    auto now = weight != 0 ? meter_ns(clock_) : ActorMeter::Thread::not_timed;
    auto portion = std::min(least_at_once, most);
    while (true) {
      thread.begin(metered_, now);
      const auto result = Super::resume(unit, portion);
      // Unless it wants to go on, it is another thread's by now, or has ended.
      const bool goes_on = result == caf::resumable::resume_later && portion < most;
      const auto ended = weight != 0 || goes_on ? meter_ns(clock_) : 0;
      thread.end(ended, weight);
      if (!goes_on) return result;
      most -= portion;
      portion = std::min(next_portion(portion, weight == 0 || ended - now < quick_ns), most);
      now = ended;
      weight = 1;
    }
  }

  void on_exit() override {
    if (meter_ != nullptr) meter_->remove(metered_, crashed_);
    Super::on_exit();
  }

  /// An exception ends it.
  void note_crash() { crashed_ = true; }

 protected:
  typename Base::behavior_type make_behavior() override {
    install_handlers(this);
    if constexpr (requires(const State& state) {
                    { state.label() } -> std::convertible_to<std::string>;
                  })
      if (meter_ != nullptr) meter_->set_label(metered_, this->state.label());
    return Super::make_behavior();
  }

 private:
  static constexpr std::int64_t quick_ns = 250'000;
  static constexpr std::size_t least_at_once = 2;
  static constexpr std::size_t most_at_once = 64;

  // Between two runs on its own thread. One more than there are, so that CAF looks for others
  // before it puts the actor to sleep, as it does without portions.
  std::size_t next_portion(std::size_t last, bool quick) {
    if (this->mailbox_.closed()) return least_at_once;
    const auto left = this->mailbox_.size();
    metered_.left(left);
    const auto cap = quick ? std::min(last * 2, most_at_once) : least_at_once;
    return std::min(left + 1, cap);
  }

  caf::actor_clock& clock_;
  const bool virtual_time_ = typeid(clock_) == typeid(caf::detail::test_actor_clock);
  ActorMeter* meter_ = nullptr;
  ActorMeter::Actor metered_;
  bool crashed_ = false;
};

}  // namespace detail

/// Spawns an actor with state class `State` and interface `Handle`. What the state's constructor
/// throws is thrown here. A state with `std::string label() const` tells people which of its class
/// it is.
template <class State, class Handle, class... Args>
[[nodiscard]] Handle spawn(caf::actor_system& system, Args&&... args) {
  return system.spawn<detail::Shell<State, typename Handle::impl>>(std::forward<Args>(args)...);
}

/// The untyped handle, as registries and supervisors keep it.
template <class Handle>
[[nodiscard]] caf::actor untyped(const Handle& handle) {
  return caf::actor_cast<caf::actor>(handle);
}

/// The typed handle again; the caller knows what the actor is.
template <class Handle>
[[nodiscard]] Handle typed(const caf::actor& actor) {
  return caf::actor_cast<Handle>(actor);
}

/// This actor's own handle, to be given to other threads and actors.
template <class Handle, class SelfPtr>
[[nodiscard]] Handle handle_of(SelfPtr self) {
  return caf::actor_cast<Handle>(self);
}

// ---- messages -----------------------------------------------------------------------------------

namespace detail {

/// The request that an answer of this id is to. CAF wants it to address the deadline's error.
inline caf::message_id request_of(caf::message_id response) {
  return caf::message_id{response.integer_value() & ~caf::message_id::response_flag_mask};
}

/// A message to come, taken back by the destructor.
class Deadline {
 public:
  explicit Deadline(caf::disposable pending) : pending_(std::move(pending)) {}
  ~Deadline() { pending_.dispose(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  caf::disposable pending_;
};

}  // namespace detail

/// Sends without waiting for an answer; an error reply is lost. An invalid handle is ignored.
template <class SelfPtr, class Handle, class... Args>
void send(SelfPtr self, const Handle& to, Args&&... args) {
  if (to) self->send(to, std::forward<Args>(args)...);
}

/// The same from any thread, without a sender.
template <class Handle, class... Args>
void post(const Handle& to, Args&&... args) {
  if (to) caf::anon_send(to, std::forward<Args>(args)...);
}

/// Asks and goes on: later exactly one of `ok` (with the answer) and `failed` (const Error&) is
/// called in this actor, `failed` with timeout after `deadline`. Not called any more when this
/// actor ends.
template <class SelfPtr, class Handle, class Ok, class Failed, class... Args>
void request(SelfPtr self, const Handle& to, std::chrono::milliseconds deadline, Ok ok,
             Failed failed, Args&&... args) {
  static_assert(std::is_invocable_v<Failed&, const Error&>, "a request needs an error handler");
  // The deadline belongs to the handlers: it goes with them when the answer has come or the actor
  // has ended. CAF's own would keep an actor that has ended in memory until it is reached.
  auto pending = self->request(to, caf::infinite, std::forward<Args>(args)...);
  auto timer = std::make_shared<detail::Deadline>(
      self->request_response_timeout(deadline, detail::request_of(pending.id())));
  std::move(pending).then(std::move(ok),
                          [failed = std::move(failed), timer](const caf::error& error) mutable {
                            failed(from_caf(error));
                          });
}

/// Asks and blocks: for main, tests and foreign threads, never in an actor, never in a hot path.
/// `R` is what the message is answered with (Unit for void).
template <class R, class Handle, class... Args>
[[nodiscard]] Result<R> ask(caf::actor_system& system, const Handle& to,
                            std::chrono::milliseconds deadline, Args&&... args) {
  caf::scoped_actor self{system};
  Result<R> out = Error{ErrorCode::internal, "no answer"};
  auto failed = [&out](caf::error& error) { out = from_caf(error); };
  auto pending = self->request(to, deadline, std::forward<Args>(args)...);
  if constexpr (std::is_same_v<R, Unit>)
    pending.receive([&out] { out = Unit{}; }, failed);
  else
    pending.receive([&out](R& value) { out = std::move(value); }, failed);
  return out;
}

/// A reply that comes later. Never leaves its actor; when the actor ends it is answered with
/// unavailable.
template <class T>
using Promise = caf::typed_response_promise<T>;

/// Makes the reply to the message that is being handled a later one; return it from the handler.
template <class T, class SelfPtr>
[[nodiscard]] Promise<T> promise(SelfPtr self) {
  return self->template make_response_promise<T>();
}

/// Answers with an error.
template <class T>
void fail(Promise<T>& promise, const Error& error) {
  promise.deliver(to_caf(error));
}

/// Who sent the message that is being handled; null when nobody did. Ask before making a promise:
/// that takes the sender away.
template <class SelfPtr>
[[nodiscard]] caf::actor_addr sender(SelfPtr self) {
  return caf::actor_cast<caf::actor_addr>(self->current_sender());
}

// ---- life and death -----------------------------------------------------------------------------

/// How an actor ended.
struct End {
  enum class Kind { normal, shutdown, failure } kind = Kind::normal;
  Error error;  ///< of a failure
};

[[nodiscard]] inline End end_of(const caf::error& reason) {
  if (!reason) return {};
  if (reason == caf::exit_reason::user_shutdown) return {End::Kind::shutdown, {}};
  if (reason == caf::exit_reason::kill)
    return {End::Kind::failure, {ErrorCode::cancelled, "killed"}};
  return {End::Kind::failure, from_caf(reason)};
}

/// Asks an actor to end in order (its exit handler decides how).
template <class Handle>
void stop(const Handle& handle) {
  if (handle) caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
}

/// Ends an actor at once, without its consent.
template <class Handle>
void kill(const Handle& handle) {
  if (handle) caf::anon_send_exit(handle, caf::exit_reason::kill);
}

/// Ends this actor normally, or as asked (shutdown), or with a failure.
template <class SelfPtr>
void quit(SelfPtr self) {
  self->quit();
}
template <class SelfPtr>
void quit_shutdown(SelfPtr self) {
  self->quit(caf::exit_reason::user_shutdown);
}
template <class SelfPtr>
void quit(SelfPtr self, const Error& error) {
  self->quit(to_caf(error));
}

/// Wants one DOWN when `whom` ends (at once when it has ended already). Monitoring twice gives two.
template <class SelfPtr, class Handle>
void monitor(SelfPtr self, const Handle& whom) {
  self->monitor(whom);
}
template <class SelfPtr, class Handle>
void demonitor(SelfPtr self, const Handle& whom) {
  self->demonitor(caf::actor_cast<caf::actor_addr>(whom));
}

/// Sets what happens on a DOWN: handler(const caf::actor_addr& who, const End& how).
template <class SelfPtr, class Handler>
void on_down(SelfPtr self, Handler handler) {
  self->set_down_handler([handler = std::move(handler)](caf::down_msg& down) mutable {
    handler(down.source, end_of(down.reason));
  });
}

/// Calls `then(const End&)` once when `whom` has ended, on the thread that ended it (on this one,
/// at once, when it has ended already): for those who are no actors. `then` must not throw or
/// block.
template <class Handle, class Then>
void on_end(const Handle& whom, Then then) {
  untyped(whom)->attach_functor(
      [then = std::move(then)](const caf::error& reason) mutable { then(end_of(reason)); });
}

/// Sets what happens when this actor is asked to end: handler(const End& how). kill never gets
/// here.
template <class SelfPtr, class Handler>
void on_stop(SelfPtr self, Handler handler) {
  self->set_exit_handler([handler = std::move(handler)](caf::exit_msg& message) mutable {
    handler(end_of(message.reason));
  });
}

// ---- time ---------------------------------------------------------------------------------------

using TimePoint = caf::actor_clock::time_point;

/// The actor's clock; virtual in tests. All time in actors comes from here.
template <class SelfPtr>
[[nodiscard]] TimePoint now(SelfPtr self) {
  return self->clock().now();
}

/// The same as the pure policies count it: milliseconds from an arbitrary start.
template <class SelfPtr>
[[nodiscard]] std::int64_t now_ms(SelfPtr self) {
  auto since = now(self).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

/// A pending call; destroying it cancels, so that a timer never outlives the state that it works
/// on.
class Timer {
 public:
  Timer() = default;
  explicit Timer(caf::disposable pending) : pending_(std::move(pending)) {}
  Timer(Timer&& other) noexcept : pending_(std::exchange(other.pending_, {})) {}
  Timer& operator=(Timer&& other) noexcept {
    if (this != &other) {
      cancel();
      pending_ = std::exchange(other.pending_, {});
    }
    return *this;
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  void cancel() { std::exchange(pending_, {}).dispose(); }
  [[nodiscard]] bool armed() const { return pending_.valid(); }

 private:
  caf::disposable pending_;
};

/// Runs `action` in this actor after `delay`, unless the timer is cancelled or destroyed before.
template <class SelfPtr, class Action>
[[nodiscard]] Timer run_delayed(SelfPtr self, std::chrono::nanoseconds delay, Action action) {
  return Timer{self->run_delayed(delay, std::move(action))};
}

}  // namespace muster::compat
