#pragma once
// Places where tests make the engine fail: a process that dies there, an actor that throws or stays
// there, a call that reports a failure there. They exist only in builds with the CMake option
// MUSTER_FAULTS; without it the macros are empty, and nothing of this is in the program.
//
//   MUSTER_FAULT_POINT("store.before_commit");                         // may kill or throw
//   if (MUSTER_FAULT_ERROR("store.sync_fails")) return system_error(EIO, ...);
//
// What fails, and at which of its visits, is said by arm() or by the environment variable
// MUSTER_FAULT, read once, at the first point that is reached:
//
//   MUSTER_FAULT=store.before_commit:17:kill,session.handler:3:throw
//   MUSTER_FAULT=@/path/of/a/file    each process that reaches a point takes the file's first line
//                                    away and does what it says: line 1 is for the first engine,
//                                    line 2 for the one that is started after its death, and so on
//
// `:17` is the 17th visit of the point in this process. MUSTER_FAULT_COUNTS=/path appends, when the
// process ends in an orderly way, one line "point visits" for each point that was reached.

#ifndef MUSTER_NO_FAULTS

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster::faults {

enum class Action {
  kill,   ///< SIGKILL for this process
  raise,  ///< std::runtime_error; written "throw"
  error,  ///< MUSTER_FAULT_ERROR is true; a point that can report nothing throws instead
  stall,  ///< three seconds pass there
};

/// Arms `point` to act once, at its `visit`-th visit from now (1 = the next one). Several may be
/// armed at once. Thread-safe, like all here.
void arm(std::string_view point, std::uint64_t visit, Action action);
/// The same from text, as in MUSTER_FAULT (without "@").
[[nodiscard]] Status arm_from(std::string_view text);
/// Forgets everything that is armed, the environment's wishes too.
void disarm_all();

namespace detail {
extern std::atomic<bool> active;  ///< false: nobody armed anything and nothing is counted
bool visit(std::string_view point);
bool waits(std::string_view point);
void visit_silent(std::string_view point);
}  // namespace detail

/// A visit of a point that can report no failure.
inline void hit(std::string_view point) {
  if (detail::active.load(std::memory_order_relaxed)) detail::visit_silent(point);
}
/// A visit; true = fail now.
inline bool fails(std::string_view point) {
  return detail::active.load(std::memory_order_relaxed) && detail::visit(point);
}
/// Whether something is armed for the point (no visit): for places that must prepare their failure.
inline bool is_armed(std::string_view point) {
  return detail::active.load(std::memory_order_relaxed) && detail::waits(point);
}

}  // namespace muster::faults

#define MUSTER_FAULT_POINT(name) ::muster::faults::hit(name)
#define MUSTER_FAULT_ERROR(name) ::muster::faults::fails(name)
#define MUSTER_FAULT_ARMED(name) ::muster::faults::is_armed(name)

#else

#define MUSTER_FAULT_POINT(name) static_cast<void>(0)
#define MUSTER_FAULT_ERROR(name) false
#define MUSTER_FAULT_ARMED(name) false

#endif
