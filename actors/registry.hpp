#pragma once
// Who is who: handles of supervised actors by name. A restarted actor has a new address, so nobody
// keeps handles of others for long: they look them up, or follow them with watch().

#include <caf/actor.hpp>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"

namespace muster {

/// Thread-safe. It holds strong handles: destroy it before the actor system.
class Registry {
 public:
  /// Supervisors call these; watchers are told of changes.
  void put(const std::string& name, const caf::actor& handle);
  /// Forgets the name if it still stands for `handle`.
  void erase(const std::string& name, const caf::actor& handle);

  /// The actor of that name; an invalid handle while there is none.
  [[nodiscard]] caf::actor find(const std::string& name) const;
  /// The same, typed: the caller knows the interface.
  template <class Handle>
  [[nodiscard]] Handle whereis(const std::string& name) const {
    return compat::typed<Handle>(find(name));
  }

  /// Tells `watcher` the present handle of `name`, if any, and every later change, until unwatch().
  void watch(const std::string& name, const handle_watcher& watcher);
  /// Ends all watches of this watcher. Watchers that ended without it are dropped at the next
  /// change.
  void unwatch(const handle_watcher& watcher);

 private:
  void tell(const std::string& name, const caf::actor& handle);

  mutable std::mutex mutex_;
  std::map<std::string, caf::actor> actors_;
  std::map<std::string, std::vector<caf::weak_actor_ptr>> watchers_;
};

}  // namespace muster
