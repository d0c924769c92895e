#pragma once
// Whether a change makes tests demand less, instead of making the code do what they demand.

#include <optional>
#include <string>
#include <vector>

#include "runtime/core/findings.hpp"

namespace muster {

/// What becomes of what is found in a file.
enum class TestGuard {
  rejects,  ///< errors
  warns,    ///< warnings
  off,      ///< nothing: the change is about that test
};

/// One file that a change touches, before and after it.
struct FileVersions {
  std::string path;
  std::optional<std::string> before;     ///< nullopt: the change makes the file
  std::optional<std::string> after;      ///< nullopt: the change removes it
  TestGuard guard = TestGuard::rejects;  ///< of what the file had before the change
};

/// A larger file is not compared; that it changed is a warning.
inline constexpr std::size_t max_test_file = 1U << 20U;
inline constexpr std::size_t max_tampering_findings = 50;

/// Files that the comparison should be given: test paths, and where languages have their tests
/// beside the code (Rust), source files.
[[nodiscard]] bool may_hold_tests(const std::string& path);

/// What the change takes away from the tests in `files`, which should be all test files that it
/// touches, since what one of them loses another may have gained. One finding each, tool
/// "tampering", with file, line (in the new file; of what is gone, in the old one), test, and as
/// code what was done:
///   test-deleted, test-file-deleted, test-skipped, test-focused ("only": the others do not run),
///   assertion-removed, assertion-weakened (asserts less of the same, or whatever the code does),
///   tolerance-raised, expectation-edited (another literal, or the opposite, of the same).
/// Severity "error"; "warning" for an edited expectation of a variable when the test's other lines
/// changed, too, and for a file that was not compared.
///
/// No findings: new tests and files, tests and files that moved or have another name, assertions
/// that demand more, another layout, other comments. A test that was rewritten to look at something
/// else is none as long as it does not assert less, and less often, than before. Tables of
/// cases, snapshots and data files are not looked into. Time is linear in the files, but for the
/// changed assertions of one test (at most 200 are paired). Pure.
[[nodiscard]] std::vector<Finding> find_test_tampering(const std::vector<FileVersions>& files);

}  // namespace muster
