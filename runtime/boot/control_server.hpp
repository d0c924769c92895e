#pragma once
// The engine's control socket: what a second terminal may ask (docs/control-protocol.md).

#include <memory>
#include <string>

#include "runtime/boot/engine.hpp"
#include "runtime/core/result.hpp"

namespace muster {

class ControlServer {
 public:
  /// Listens on the workspace's socket; the engine outlives it.
  static Result<std::unique_ptr<ControlServer>> start(Engine& engine);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Parts;
  explicit ControlServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace muster
