#include "actors/registry.hpp"

#include <algorithm>

namespace muster {

void Registry::put(const std::string& name, const caf::actor& handle) {
  std::lock_guard lock(mutex_);
  auto& known = actors_[name];
  if (known == handle) return;
  known = handle;
  tell(name, handle);
}

void Registry::erase(const std::string& name, const caf::actor& handle) {
  std::lock_guard lock(mutex_);
  auto found = actors_.find(name);
  if (found == actors_.end() || found->second != handle) return;
  actors_.erase(found);
  tell(name, {});
}

caf::actor Registry::find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = actors_.find(name);
  return found == actors_.end() ? caf::actor{} : found->second;
}

void Registry::watch(const std::string& name, const handle_watcher& watcher) {
  std::lock_guard lock(mutex_);
  watchers_[name].push_back(caf::actor_cast<caf::weak_actor_ptr>(watcher));
  auto found = actors_.find(name);
  if (found != actors_.end()) compat::post(watcher, handle_changed_atom_v, name, found->second);
}

void Registry::unwatch(const handle_watcher& watcher) {
  std::lock_guard lock(mutex_);
  auto gone = caf::actor_cast<caf::weak_actor_ptr>(watcher);
  for (auto& entry : watchers_) std::erase(entry.second, gone);
}

// Under the lock, so that two changes are never told in the wrong order.
void Registry::tell(const std::string& name, const caf::actor& handle) {
  auto found = watchers_.find(name);
  if (found == watchers_.end()) return;
  std::erase_if(found->second, [&](const caf::weak_actor_ptr& weak) {
    auto watcher = compat::typed<handle_watcher>(caf::actor_cast<caf::actor>(weak));
    if (!watcher) return true;
    compat::post(watcher, handle_changed_atom_v, name, handle);
    return false;
  });
}

}  // namespace muster
