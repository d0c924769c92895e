#pragma once
// Port to the program whose sessions an engine uses: started for it, or running elsewhere.

#include <functional>
#include <memory>

#include "runtime/core/result.hpp"

namespace muster {

/// A server that was started. Dropping the last reference ends it; its end is not told then.
class HostServer {
 public:
  virtual ~HostServer() = default;
};

/// Both from the I/O thread or a pool's, never inside start().
struct HostServerEvents {
  std::function<void()> on_ready;              ///< at most once: it answers
  std::function<void(const Error&)> on_ended;  ///< once: it has ended, or could not begin
};

class HostServerPort {
 public:
  virtual ~HostServerPort() = default;
  /// Errors, told by on_ended: unavailable; permission_denied when it refuses the password.
  virtual std::shared_ptr<HostServer> start(HostServerEvents events) = 0;
};

}  // namespace muster
