#pragma once
// Blocking work of an actor: done on the pool, and gone on with in the actor.

#include <memory>
#include <utility>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/ports/blocking.hpp"

namespace muster {

/// Runs `work` on the pool, then `then` with its result in `me`, an actor that takes continuations;
/// dropped when that is gone. `work` must not touch the actor's state; `then` must bear that the
/// actor has ended its business meanwhile. Any thread.
template <class Handle, class Work, class Then>
void run_on_pool(Blocking& pool, Handle me, Work work, Then then) {
  pool.run([work = std::move(work), then = std::move(then), me = std::move(me)] {
    auto result = std::make_shared<decltype(work())>(work());
    compat::post(me, resume_atom_v, Continuation{[then, result]() mutable { then(*result); }});
  });
}

}  // namespace muster
