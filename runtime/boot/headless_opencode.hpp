#pragma once
// The OpenCode of a mission that runs in a shell: `muster run --host opencode`.

#include <memory>

#include "runtime/boot/engine.hpp"

namespace muster {

/// An `opencode serve` for this engine, from its making to its end; or the one at the configured
/// address.
class HeadlessOpenCode {
 public:
  /// Waits until its plugin has connected to the engine, whose control socket must be there.
  /// Errors: unavailable, with what is known. Blocks.
  static Result<std::unique_ptr<HeadlessOpenCode>> start(Engine& engine);
  ~HeadlessOpenCode();
  HeadlessOpenCode(const HeadlessOpenCode&) = delete;
  HeadlessOpenCode& operator=(const HeadlessOpenCode&) = delete;

 private:
  struct Parts;
  explicit HeadlessOpenCode(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace muster
