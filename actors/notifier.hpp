#pragma once
// Fan-out of notices to front ends. Every queue is bounded and no sink can hold up another or the
// engine.

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"

namespace muster {

/// The subscriptions and their queues. Owned by whoever starts the notifier, so that they outlive a
/// crash of it; used by one notifier at a time.
class NoticeSinks {
 public:
  struct Sink {
    SinkSpec spec;
    std::deque<NoticePtr> queue;
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;
    std::uint64_t dropped_untold = 0;
    std::uint64_t turn = 0;  ///< tells an answer to an earlier subscription from one to this
    bool in_flight = false;  ///< a consumer has not answered yet
    std::uint64_t gap = 0;   ///< what is being offered is the word about so many dropped ones
  };
  std::map<std::string, Sink> sinks;
};

/// Spawns the notifier. `sinks` may be shared with the caller and with later incarnations; never
/// with a living one.
notifier_actor spawn_notifier(caf::actor_system& system, std::shared_ptr<NoticeSinks> sinks);

/// State of the notifier actor; use spawn_notifier().
class Notifier {
 public:
  Notifier(compat::Self<notifier_actor> self, std::shared_ptr<NoticeSinks> sinks);
  compat::Behavior<notifier_actor> make_behavior();

  static constexpr const char* name = "notifier";

 private:
  using Sink = NoticeSinks::Sink;

  void publish(const NoticePtr& notice);
  caf::result<void> subscribe(SinkSpec spec);
  [[nodiscard]] NotifierStatus status() const;

  static void enqueue(Sink& sink, const NoticePtr& notice);
  static NoticePtr next(Sink& sink);
  static void taken(Sink& sink);
  void drain(const std::string& id);
  void drain_all();
  bool offer(Sink& sink);
  void ask(Sink& sink);
  void answered(const std::string& id, std::uint64_t turn, bool accepted);
  void retry_soon();

  compat::Self<notifier_actor> self_;
  std::shared_ptr<NoticeSinks> sinks_;
  compat::Timer retry_;
};

}  // namespace muster
