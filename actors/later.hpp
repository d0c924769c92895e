#pragma once
// What something outside says to an actor that started it, as long as it is the one that counts.

#include <cstdint>
#include <functional>
#include <utility>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"

namespace muster {

/// Runs what it is given in `me`, an actor that takes continuations, unless `number`, a member of
/// its state, has another value by then; dropped when the actor is gone. To be made in the actor,
/// called from any thread.
template <class Handle>
std::function<void(std::function<void()>)> later_while_same(Handle me,
                                                            const std::uint64_t& number) {
  return [me = std::move(me), &number, then = number](std::function<void()> what) {
    compat::post(me, resume_atom_v, Continuation{[&number, then, what = std::move(what)] {
                   if (number == then) what();
                 }});
  };
}

}  // namespace muster
