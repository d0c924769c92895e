#pragma once
// Running only some files of a project's tests: those that a change can reach.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/events.hpp"

namespace muster {

/// The command that runs these test files (paths from the workspace's root) instead of all that
/// `project` runs, in the same folder; nullopt when that cannot be told of its runner: known are
/// pytest, go test, cargo test (files of tests/), and, by what package.json's "test" script says,
/// node --test, jest, vitest, mocha and ava, when it is that call with flags and nothing else.
/// `script`: that text; empty elsewhere. Files outside of
/// the command's folder are left out; nullopt when none is left. Pure.
[[nodiscard]] std::optional<std::string> targeted_test_command(
    const ProjectCommand& project, std::string_view script, const std::vector<std::string>& tests);

/// The "test" script of a package.json; empty when there is none. Pure.
[[nodiscard]] std::string test_script_of(std::string_view package_json);

}  // namespace muster
