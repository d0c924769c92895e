#pragma once
// What a supervisor is told about its children. The vocabulary is Erlang/OTP's.

#include <caf/actor.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "messages/types.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// When a child that ended is started again. A normal end and a shutdown that was asked for are no
/// failures.
enum class Restart {
  permanent,  ///< always
  transient,  ///< after a failure only
  temporary,  ///< never
};

struct BrutalKill {};  ///< killed at once, without being asked
struct NoBudget {};    ///< waited for as long as it takes: for children that are supervisors
/// How long a child may take to end after it was asked to; then it is killed.
using Shutdown = std::variant<std::chrono::milliseconds, BrutalKill, NoBudget>;

/// One child. `start` runs on the supervisor's thread at every (re)start, must not block, and
/// returns the new actor's handle (caf::actor_cast<caf::actor> of a typed one) or why it did not
/// start.
struct ChildSpec {
  std::string id;  ///< unique among its siblings; it is also the name in the registry
  std::function<Result<caf::actor>()> start;
  Restart restart = Restart::permanent;
  Shutdown shutdown = std::chrono::milliseconds(5000);
};

enum class ChildState { starting, running, restarting, stopping, stopped };

struct ChildInfo {
  std::string id;
  caf::actor handle;  ///< invalid unless running or stopping
  ChildState state = ChildState::stopped;
  std::size_t restarts = 0;  ///< since the supervisor started
};

struct ChildList {
  std::vector<ChildInfo> children;  ///< in start order
};

struct ChildCounts {
  std::size_t specs = 0;     ///< all children that are known
  std::size_t active = 0;    ///< of these, alive
  std::size_t restarts = 0;  ///< of all children, since the supervisor started
};

}  // namespace muster
