#pragma once
// What a candidate takes away from its project's tests: reads both versions of the test files that
// it changed and has them compared.

#include <string>
#include <vector>

#include "runtime/core/events.hpp"
#include "runtime/ports/version_control.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster {

/// What the comparison is of, and how strict it is.
struct TestGuardScope {
  std::string key;                  ///< of the candidate's tree
  std::vector<FileChange> changed;  ///< its files that differ from the base
  /// The task's planned files, exact paths or folders. A test file among them is what the task is
  /// about: not compared. Of a planned source file that has its tests inside (Rust) the findings
  /// are warnings, and so are all when nothing was planned.
  std::vector<std::string> planned;
};

/// Findings of find_test_tampering() (core/test_tampering.hpp) as a reviewer gets them; a file that
/// cannot be read, or is beyond the bound of what is read at once, is a warning that says so. An
/// error only when the base itself cannot be read. Blocks.
[[nodiscard]] Result<std::vector<ReviewFinding>> guard_tests(VersionControl& tree,
                                                             WorkspaceFiles& files,
                                                             const TestGuardScope& scope);

}  // namespace muster
