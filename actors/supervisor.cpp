#include "actors/supervisor.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace muster {
namespace {

// How long a killed actor may take to be gone: it only has to return from the handler that it is
// in.
constexpr std::chrono::milliseconds kill_grace{10000};

Result<caf::actor> start_safely(const ChildSpec& spec) {
  if (!spec.start) return Error{ErrorCode::invalid_argument, "no start function", spec.id};
  try {
    auto handle = spec.start();
    if (handle.ok() && !*handle) return Error{ErrorCode::internal, "started nothing", spec.id};
    return handle;
  } catch (const std::exception& e) {
    return Error{ErrorCode::internal, e.what(), spec.id};
  }
}

bool must_restart(Restart policy, compat::End::Kind how) {
  if (policy == Restart::permanent) return true;
  return policy == Restart::transient && how == compat::End::Kind::failure;
}

}  // namespace

std::string_view to_string(SupervisorEvent::Kind kind) noexcept {
  using Kind = SupervisorEvent::Kind;
  switch (kind) {
    case Kind::started:
      return "started";
    case Kind::ended:
      return "ended";
    case Kind::restarting:
      return "restarting";
    case Kind::start_failed:
      return "start_failed";
    case Kind::overrun:
      return "overrun";
    case Kind::abandoned:
      return "abandoned";
    case Kind::gave_up:
      return "gave_up";
  }
  return "?";
}

Result<supervisor_actor> start_supervisor(caf::actor_system& system, SupervisorSpec spec) {
  std::vector<caf::actor> started;
  std::optional<Error> failed;
  for (const auto& child : spec.children) {
    auto handle = start_safely(child);
    if (!handle.ok()) {
      failed = handle.error();
      break;
    }
    // Later siblings look this one up while they start.
    if (spec.registry) spec.registry->put(child.id, *handle);
    started.push_back(*handle);
  }
  auto supervisor = compat::spawn<Supervisor, supervisor_actor>(system, std::move(spec),
                                                                std::move(started), failed);
  if (failed) return *failed;
  return supervisor;
}

ChildSpec supervisor_child(caf::actor_system& system, SupervisorSpec spec) {
  ChildSpec child;
  child.id = spec.name;
  child.shutdown = NoBudget{};
  child.start = [&system, spec = std::move(spec)]() -> Result<caf::actor> {
    auto supervisor = start_supervisor(system, spec);
    if (!supervisor.ok()) return supervisor.error();
    return compat::untyped(*supervisor);
  };
  return child;
}

Supervisor::Supervisor(compat::Self<supervisor_actor> self, SupervisorSpec spec,
                       std::vector<caf::actor> started, std::optional<Error> failed)
    : self_(self),
      spec_(std::move(spec)),
      intensity_(spec_.max_restarts, spec_.period.count()),
      random_(spec_.seed),
      reason_(std::move(failed)) {
  for (std::size_t i = 0; i < spec_.children.size(); ++i) {
    auto key = add(spec_.children[i]);
    if (i < started.size()) adopt(children_.at(key), key, std::move(started[i]));
  }
}

// Reached with living children only when this actor was killed or crashed: they must not outlive
// it.
Supervisor::~Supervisor() {
  for (auto& [key, child] : children_) {
    if (!child.handle) continue;
    if (spec_.registry) spec_.registry->erase(child.spec.id, child.handle);
    compat::kill(child.handle);
  }
}

compat::Behavior<supervisor_actor> Supervisor::make_behavior() {
  compat::on_down(self_, [this](const caf::actor_addr& who, const compat::End& how) {
    on_down(who.id(), how);
  });
  compat::on_stop(self_, [this](const compat::End& how) {
    if (how.kind == compat::End::Kind::failure) shut_down(how.error);
    if (how.kind == compat::End::Kind::shutdown) shut_down(std::nullopt);
  });
  if (reason_) shut_down(reason_);
  return {
      [this](start_child_atom, const ChildSpecPtr& spec) -> caf::result<caf::actor> {
        auto promise = compat::promise<caf::actor>(self_);
        when_idle([this, spec, promise] { start_child(spec, promise); });
        return promise;
      },
      [this](terminate_child_atom, const std::string& id) -> caf::result<void> {
        auto promise = compat::promise<void>(self_);
        when_idle([this, id, promise] { terminate_child(id, promise); });
        return promise;
      },
      [this](restart_child_atom, const std::string& id) -> caf::result<caf::actor> {
        auto promise = compat::promise<caf::actor>(self_);
        when_idle([this, id, promise] { restart_child(id, promise); });
        return promise;
      },
      [this](delete_child_atom, const std::string& id) -> caf::result<void> {
        auto promise = compat::promise<void>(self_);
        when_idle([this, id, promise] { delete_child(id, promise); });
        return promise;
      },
      [this](which_children_atom) { return which_children(); },
      [this](count_children_atom) { return count_children(); },
      [this](whereis_atom, const std::string& id) { return whereis(id); },
  };
}

// ---- messages -----------------------------------------------------------------------------------

// Runs now, or when the group operation is over; promises that wait in vain are answered when they
// are dropped.
void Supervisor::when_idle(std::function<void()> action) {
  if (busy_ && !ending_)
    deferred_.push_back(std::move(action));
  else
    action();
}

void Supervisor::start_child(const ChildSpecPtr& spec, Started promise) {
  if (ending_) return compat::fail(promise, {ErrorCode::unavailable, "the supervisor is stopping"});
  if (find(spec->id) != nullptr)
    return compat::fail(promise, {ErrorCode::already_exists, "there is such a child", spec->id});
  auto key = add(*spec);
  auto status = launch(key);
  if (status.ok()) return promise.deliver(children_.at(key).handle);
  forget(key);
  compat::fail(promise, status.error());
}

void Supervisor::terminate_child(const std::string& id, compat::Promise<void> promise) {
  auto* child = find(id);
  if (child == nullptr) return compat::fail(promise, {ErrorCode::not_found, "no such child", id});
  child->asked = true;
  child->on_stopped.push_back(std::move(promise));
  if (child->handle)
    stop_child(*child);
  else
    gone(by_id_.at(id), *child);
}

void Supervisor::restart_child(const std::string& id, Started promise) {
  auto* child = find(id);
  if (child == nullptr) return compat::fail(promise, {ErrorCode::not_found, "no such child", id});
  if (ending_ || child->state != ChildState::stopped)
    return compat::fail(promise, {ErrorCode::conflict, "the child is not stopped", id});
  auto status = launch(by_id_.at(id));
  if (status.ok()) return promise.deliver(child->handle);
  compat::fail(promise, status.error());
}

void Supervisor::delete_child(const std::string& id, compat::Promise<void> promise) {
  auto* child = find(id);
  if (child == nullptr) return compat::fail(promise, {ErrorCode::not_found, "no such child", id});
  if (child->state != ChildState::stopped)
    return compat::fail(promise, {ErrorCode::conflict, "the child is not stopped", id});
  forget(by_id_.at(id));
  promise.deliver();
}

ChildList Supervisor::which_children() const {
  ChildList list;
  for (const auto& [key, child] : children_)
    list.children.push_back({child.spec.id, child.handle, child.state, child.restarts});
  return list;
}

ChildCounts Supervisor::count_children() const {
  return {children_.size(), by_actor_.size(), restarts_};
}

caf::result<caf::actor> Supervisor::whereis(const std::string& id) const {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return to_caf({ErrorCode::not_found, "no such child", id});
  const auto& child = children_.at(found->second);
  if (child.state != ChildState::running)
    return to_caf({ErrorCode::unavailable, "the child is down", id});
  return child.handle;
}

// ---- starting -----------------------------------------------------------------------------------

Supervisor::Key Supervisor::add(ChildSpec spec) {
  auto key = next_key_++;
  by_id_[spec.id] = key;
  Child child;
  child.spec = std::move(spec);
  if (spec_.backoff) child.backoff.emplace(*spec_.backoff);
  children_.emplace(key, std::move(child));
  return key;
}

Status Supervisor::launch(Key key) {
  auto& child = children_.at(key);
  child.state = ChildState::starting;
  auto handle = start_safely(child.spec);
  if (!handle.ok()) {
    child.state = ChildState::stopped;
    tell(child, SupervisorEvent::Kind::start_failed, handle.error());
    return handle.error();
  }
  adopt(child, key, std::move(*handle));
  return ok_status();
}

void Supervisor::adopt(Child& child, Key key, caf::actor handle) {
  child.handle = std::move(handle);
  child.state = ChildState::running;
  child.asked = false;
  child.killed = false;
  by_actor_[child.handle.id()] = key;
  if (spec_.registry) spec_.registry->put(child.spec.id, child.handle);
  compat::monitor(self_, child.handle);
  tell(child, SupervisorEvent::Kind::started);
}

// False when this restart is one too many; then the supervisor is on its way out.
bool Supervisor::count_restart(const Child& child) {
  if (intensity_.allow(compat::now_ms(self_))) return true;
  Error error{ErrorCode::limit_reached,
              "child '" + child.spec.id + "' failed more than " +
                  std::to_string(spec_.max_restarts) + " times within " +
                  std::to_string(spec_.period.count()) + " ms",
              spec_.name};
  tell(child, SupervisorEvent::Kind::gave_up, error);
  shut_down(error);
  return false;
}

std::chrono::milliseconds Supervisor::delay_of(Child& child) {
  if (!child.backoff) return std::chrono::milliseconds(0);
  auto random = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  return std::chrono::milliseconds(child.backoff->next(compat::now_ms(self_), random));
}

void Supervisor::restart(Key key) {
  if (spec_.strategy == Strategy::one_for_all || spec_.strategy == Strategy::rest_for_one)
    restart_group(key);
  else
    restart_one(key);
}

void Supervisor::restart_one(Key key) {
  auto& child = children_.at(key);
  auto delay = delay_of(child);
  child.state = ChildState::restarting;
  tell(child, SupervisorEvent::Kind::restarting, {}, delay);
  // Always through the clock: a start that fails at once, for ever, must not recurse.
  child.timer = compat::run_delayed(self_, delay, [this, key] {
    auto found = children_.find(key);
    if (found == children_.end() || found->second.state != ChildState::restarting || ending_)
      return;
    ++found->second.restarts;
    ++restarts_;
    if (launch(key).ok()) return;
    if (count_restart(found->second)) restart_one(key);
  });
}

void Supervisor::restart_group(Key failed) {
  busy_ = true;
  auto& child = children_.at(failed);
  auto delay = delay_of(child);
  child.state = ChildState::restarting;
  tell(child, SupervisorEvent::Kind::restarting, {}, delay);
  std::vector<Key> group;
  auto first = spec_.strategy == Strategy::one_for_all ? children_.begin() : children_.find(failed);
  for (auto it = first; it != children_.end(); ++it)
    if (it->second.state != ChildState::stopped) group.push_back(it->first);
  stop_in_reverse(group, [this, group, delay] {
    std::vector<Key> wanted;
    for (auto key : group) {
      auto found = children_.find(key);
      if (found == children_.end()) continue;
      if (found->second.spec.restart == Restart::temporary) {
        forget(key);
        continue;
      }
      found->second.state = ChildState::restarting;
      wanted.push_back(key);
    }
    retry_ = compat::run_delayed(self_, delay, [this, wanted] { start_group(wanted); });
  });
}

void Supervisor::start_group(const std::vector<Key>& keys) {
  if (ending_) return;
  for (auto key : keys) {
    auto& child = children_.at(key);
    ++child.restarts;
    ++restarts_;
    if (launch(key).ok()) continue;
    if (count_restart(child)) restart_group(key);
    return;
  }
  settle();
}

// ---- ending -------------------------------------------------------------------------------------

void Supervisor::on_down(caf::actor_id who, const compat::End& how) {
  auto found = by_actor_.find(who);
  if (found == by_actor_.end()) return;
  auto key = found->second;
  by_actor_.erase(found);
  auto& child = children_.at(key);
  if (spec_.registry) spec_.registry->erase(child.spec.id, child.handle);
  child.handle = nullptr;
  if (child.state == ChildState::stopping) {
    gone(key, child);
    return;
  }
  child.state = ChildState::stopped;
  tell(child, SupervisorEvent::Kind::ended, how.error);
  if (ending_) return;
  if (!busy_) {
    after_own_end(key, how);
    return;
  }
  deferred_.push_back([this, key, how] {
    auto it = children_.find(key);
    // Its group may have been restarted meanwhile, and it with it.
    if (it != children_.end() && it->second.state == ChildState::stopped) after_own_end(key, how);
  });
}

void Supervisor::after_own_end(Key key, const compat::End& how) {
  auto& child = children_.at(key);
  if (must_restart(child.spec.restart, how.kind)) {
    if (count_restart(child)) restart(key);
    return;
  }
  if (child.spec.restart == Restart::temporary || spec_.strategy == Strategy::dynamic) forget(key);
}

void Supervisor::stop_child(Child& child) {
  if (child.state == ChildState::stopping) return;
  child.state = ChildState::stopping;
  auto key = by_id_.at(child.spec.id);
  auto arm = [this, key](std::chrono::milliseconds delay) {
    return compat::run_delayed(self_, delay, [this, key] { enforce(key); });
  };
  if (std::holds_alternative<BrutalKill>(child.spec.shutdown)) {
    child.killed = true;
    child.timer = arm(kill_grace);
    compat::kill(child.handle);
    return;
  }
  if (const auto* budget = std::get_if<std::chrono::milliseconds>(&child.spec.shutdown))
    child.timer = arm(*budget);
  compat::stop(child.handle);
}

// The child's time is up: first it is killed, then given up.
void Supervisor::enforce(Key key) {
  auto found = children_.find(key);
  if (found == children_.end() || found->second.state != ChildState::stopping) return;
  auto& child = found->second;
  if (!child.killed) {
    child.killed = true;
    tell(child, SupervisorEvent::Kind::overrun);
    child.timer = compat::run_delayed(self_, kill_grace, [this, key] { enforce(key); });
    compat::kill(child.handle);
    return;
  }
  tell(child, SupervisorEvent::Kind::abandoned);
  compat::demonitor(self_, child.handle);
  by_actor_.erase(child.handle.id());
  if (spec_.registry) spec_.registry->erase(child.spec.id, child.handle);
  child.handle = nullptr;
  gone(key, child);
}

void Supervisor::gone(Key key, Child& child) {
  child.timer.cancel();
  child.state = ChildState::stopped;
  for (auto& promise : std::exchange(child.on_stopped, {})) promise.deliver();
  auto asked = std::exchange(child.asked, false);
  if (asked && (spec_.strategy == Strategy::dynamic || child.spec.restart == Restart::temporary))
    forget(key);
  if (!to_stop_.empty()) next_to_stop();
}

void Supervisor::stop_in_reverse(std::vector<Key> keys, std::function<void()> then) {
  to_stop_.assign(keys.rbegin(), keys.rend());
  then_ = std::move(then);
  next_to_stop();
}

// One after the other: the next is asked when the one before it is gone.
void Supervisor::next_to_stop() {
  while (!to_stop_.empty()) {
    auto found = children_.find(to_stop_.front());
    if (found != children_.end() && found->second.handle) {
      stop_child(found->second);
      return;
    }
    to_stop_.pop_front();
  }
  if (auto then = std::exchange(then_, nullptr)) then();
}

void Supervisor::shut_down(std::optional<Error> reason) {
  if (ending_) return;
  ending_ = true;
  busy_ = true;
  reason_ = std::move(reason);
  retry_.cancel();
  deferred_.clear();
  std::vector<Key> alive;
  for (auto& [key, child] : children_) {
    if (!child.handle) child.timer.cancel();
    if (child.handle) alive.push_back(key);
    if (child.handle && spec_.strategy == Strategy::dynamic) stop_child(child);
  }
  stop_in_reverse(std::move(alive), [this] { finish(); });
}

void Supervisor::finish() {
  if (reason_)
    compat::quit(self_, *reason_);
  else
    compat::quit_shutdown(self_);
}

// The group operation is over: what waited for it goes on.
void Supervisor::settle() {
  busy_ = false;
  while (!busy_ && !deferred_.empty()) {
    auto next = std::move(deferred_.front());
    deferred_.pop_front();
    next();
  }
}

Supervisor::Child* Supervisor::find(const std::string& id) {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &children_.at(found->second);
}

void Supervisor::forget(Key key) {
  auto found = children_.find(key);
  if (found == children_.end()) return;
  by_id_.erase(found->second.spec.id);
  children_.erase(found);
}

void Supervisor::tell(const Child& child, SupervisorEvent::Kind kind, const Error& error,
                      std::chrono::milliseconds delay) {
  if (spec_.on_event) spec_.on_event({spec_.name, child.spec.id, kind, error, delay});
}

}  // namespace muster
