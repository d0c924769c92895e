#include "actors/host_server.hpp"

#include <utility>

#include "actors/later.hpp"

namespace muster {

ChildSpec host_server_child(caf::actor_system& system, std::shared_ptr<HostServerPort> port,
                            HostServerConfig config) {
  ChildSpec child;
  child.id = KeptHostServer::name;
  child.start = [&system, port = std::move(port),
                 config = std::move(config)]() -> Result<caf::actor> {
    return compat::untyped(compat::spawn<KeptHostServer, host_server_actor>(system, port, config));
  };
  return child;
}

KeptHostServer::KeptHostServer(compat::Self<host_server_actor> self,
                               std::shared_ptr<HostServerPort> port, HostServerConfig config)
    : self_(self),
      port_(std::move(port)),
      config_(std::move(config)),
      backoff_(config_.backoff),
      random_(config_.seed) {}

compat::Behavior<host_server_actor> KeptHostServer::make_behavior() {
  start();
  return {
      [](resume_atom, Continuation& next) { next.run(); },
      [this](status_atom) { return status_; },
  };
}

void KeptHostServer::start() {
  status_.state = State::starting;
  ++status_.starts;
  const auto in_here =
      later_while_same(compat::handle_of<host_server_actor>(self_), status_.starts);
  HostServerEvents events;
  events.on_ready = [this, in_here] { in_here([this] { ready(); }); };
  events.on_ended = [this, in_here](const Error& why) { in_here([this, why] { ended(why); }); };
  server_ = port_->start(std::move(events));
}

void KeptHostServer::ready() {
  if (status_.state != State::starting) return;
  status_.state = State::ready;
  status_.last_failure.reset();
}

void KeptHostServer::ended(const Error& why) {
  if (status_.state == State::down) return;
  server_.reset();
  status_.state = State::down;
  status_.last_failure = why;
  if (config_.on_ended) config_.on_ended(why);
  const auto random = std::uniform_real_distribution<double>(0, 1)(random_);
  const auto wait = backoff_.next(compat::now_ms(self_), random);
  retry_ = compat::run_delayed(self_, std::chrono::milliseconds(wait), [this] { start(); });
}

}  // namespace muster
