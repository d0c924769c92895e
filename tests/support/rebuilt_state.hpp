#pragma once
// Whether a mission's state that was read back is the one that it was.

#include <cstddef>

#include "runtime/core/state.hpp"

namespace muster::test {

/// Both decide the same next, and agree on what is open, held and where they are. The copies are
/// used up.
inline bool decide_alike(State live, State again) {
  again.dirty.clear();
  mark_all(again);
  mark_all(live);
  auto next = decide(live);
  auto rebuilt = decide(again);
  bool same = next.size() == rebuilt.size();
  for (std::size_t i = 0; same && i < next.size(); ++i)
    same = next[i].id == rebuilt[i].id && next[i].kind == rebuilt[i].kind &&
           next[i].task == rebuilt[i].task;
  return same && again.phase == live.phase && again.leases == live.leases &&
         again.open.size() == live.open.size() && again.next_intent == live.next_intent;
}

}  // namespace muster::test
