#pragma once
// The supervisor as data: a table of children, a strategy, an intensity. Semantics are
// Erlang/OTP's, with three differences: nothing blocks while a child stops (what must wait is
// queued), a child that is stopped stays stopped when its group restarts, and a supervisor that
// gives up ends with limit_reached rather than "shutdown", so that a transient supervisor child is
// restarted by its parent, too.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/registry.hpp"
#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/core/backoff.hpp"
#include "runtime/core/intensity.hpp"

namespace muster {

/// Which siblings are restarted with a child that failed.
enum class Strategy {
  one_for_one,   ///< none
  one_for_all,   ///< all
  rest_for_one,  ///< those that were started after it
  dynamic,  ///< none; children are added while it runs, start in no order, and are all stopped at
            ///< once
};

/// Something that happened to a child, for logs and notices.
struct SupervisorEvent {
  enum class Kind {
    started,
    ended,       ///< by itself; `error` says why unless it was normal
    restarting,  ///< will be started again after `delay`
    start_failed,
    overrun,    ///< exceeded its shutdown budget and was killed
    abandoned,  ///< did not even end when killed; left behind
    gave_up,    ///< the supervisor itself: too many restarts
  };
  std::string supervisor;
  std::string child;
  Kind kind = Kind::started;
  Error error;
  std::chrono::milliseconds delay{0};
};

[[nodiscard]] std::string_view to_string(SupervisorEvent::Kind kind) noexcept;

struct SupervisorSpec {
  std::string name;
  Strategy strategy = Strategy::one_for_one;
  std::size_t max_restarts = 3;  ///< so many in `period` are borne, one more and it gives up
  std::chrono::milliseconds period{5000};
  std::optional<BackoffPolicy> backoff;  ///< nullopt: restart at once
  std::uint64_t seed = 1;                ///< of the backoff's jitter
  std::vector<ChildSpec> children;
  std::shared_ptr<Registry> registry;  ///< may be null; children are known there by their ids
  /// Called on the supervisor's thread; must not throw, must not block.
  std::function<void(const SupervisorEvent&)> on_event;
};

/// Starts the children in order on this thread, then the supervisor over them. When one does not
/// start, those before it are stopped in reverse (which goes on after the return) and its error is
/// returned.
Result<supervisor_actor> start_supervisor(caf::actor_system& system, SupervisorSpec spec);

/// The same as a ChildSpec, for trees: permanent, waited for without a budget.
ChildSpec supervisor_child(caf::actor_system& system, SupervisorSpec spec);

/// State of the supervisor actor; use start_supervisor().
class Supervisor {
 public:
  Supervisor(compat::Self<supervisor_actor> self, SupervisorSpec spec,
             std::vector<caf::actor> started, std::optional<Error> failed);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  compat::Behavior<supervisor_actor> make_behavior();

  static constexpr const char* name = "supervisor";
  [[nodiscard]] const std::string& label() const { return spec_.name; }

 private:
  using Key = std::uint64_t;  ///< start order

  struct Child {
    ChildSpec spec;
    caf::actor handle;
    ChildState state = ChildState::stopped;
    std::size_t restarts = 0;
    bool asked = false;  ///< its end was asked for by terminate_child
    bool killed = false;
    std::optional<Backoff> backoff;
    compat::Timer timer;  ///< budget, kill grace or backoff
    std::vector<compat::Promise<void>> on_stopped;
  };

  // Messages.
  using Started = compat::Promise<caf::actor>;
  void when_idle(std::function<void()> action);
  void start_child(const ChildSpecPtr& spec, Started promise);
  void terminate_child(const std::string& id, compat::Promise<void> promise);
  void restart_child(const std::string& id, Started promise);
  void delete_child(const std::string& id, compat::Promise<void> promise);
  [[nodiscard]] ChildList which_children() const;
  [[nodiscard]] ChildCounts count_children() const;
  caf::result<caf::actor> whereis(const std::string& id) const;

  // Starting.
  Key add(ChildSpec spec);
  Status launch(Key key);
  void adopt(Child& child, Key key, caf::actor handle);
  void restart(Key key);
  void restart_one(Key key);
  void restart_group(Key key);
  void start_group(const std::vector<Key>& keys);
  bool count_restart(const Child& child);
  std::chrono::milliseconds delay_of(Child& child);

  // Ending.
  void on_down(caf::actor_id who, const compat::End& how);
  void after_own_end(Key key, const compat::End& how);
  void stop_child(Child& child);
  void enforce(Key key);
  void gone(Key key, Child& child);
  void stop_in_reverse(std::vector<Key> keys, std::function<void()> then);
  void next_to_stop();
  void shut_down(std::optional<Error> reason);
  void finish();
  void settle();

  [[nodiscard]] Child* find(const std::string& id);
  void forget(Key key);
  void tell(const Child& child, SupervisorEvent::Kind kind, const Error& error = {},
            std::chrono::milliseconds delay = {});

  compat::Self<supervisor_actor> self_;
  SupervisorSpec spec_;
  Intensity intensity_;
  std::mt19937_64 random_;
  Key next_key_ = 1;
  std::map<Key, Child> children_;
  std::unordered_map<std::string, Key> by_id_;
  std::unordered_map<caf::actor_id, Key> by_actor_;
  std::size_t restarts_ = 0;

  // A group stop or the shutdown in progress; everything else that would interfere waits in
  // deferred_.
  bool busy_ = false;
  bool ending_ = false;
  std::optional<Error> reason_;
  std::deque<Key> to_stop_;
  std::function<void()> then_;
  std::deque<std::function<void()>> deferred_;
  compat::Timer retry_;
};

}  // namespace muster
