#pragma once
// What `muster demo` plays on: a small C++ project in a git repository of its own, and the words of
// its model. docs/demo.md tells the story.

#include <string>

#include "runtime/core/result.hpp"

namespace muster {

/// A temporary folder with the demo's repository. Removed with the object, unless it is to be kept.
/// Move-only.
struct DemoWorkspace {
  std::string folder;      ///< absolute: all that the demo leaves on the disk
  std::string repository;  ///< folder/ledger: the workspace; one commit, a clean tree
  std::string
      state;  ///< folder/state: for XDG_STATE_HOME, so that the user's own missions stay apart
  bool keep = false;

  DemoWorkspace() = default;
  DemoWorkspace(DemoWorkspace&& other) noexcept;
  DemoWorkspace& operator=(DemoWorkspace&& other) noexcept;
  DemoWorkspace(const DemoWorkspace&) = delete;
  DemoWorkspace& operator=(const DemoWorkspace&) = delete;
  ~DemoWorkspace();
};

/// Makes it below $TMPDIR (default /tmp). Blocks for some 50 ms. Errors: io_error, not_found (no
/// git on this machine).
Result<DemoWorkspace> make_demo_workspace(bool keep);

/// The scenario's JSON text, for parse_scenario. `fast` takes the model's pauses out: they are for
/// the eye.
[[nodiscard]] std::string demo_scenario(bool fast = false);

/// What the demo's user asks for.
[[nodiscard]] std::string demo_objective();

}  // namespace muster
