#pragma once
// Code in other languages on the command line: python -c, node -e, awk. Internal to the command
// policy.

#include "runtime/core/command_checker.hpp"

namespace muster::policy {

[[nodiscard]] bool is_interpreter(std::string_view name);

/// Looks at inline code (-c, -e, a here-document) for plain ways of doing what the policy denies:
/// string literals that are dangerous as shell text where the code starts processes, and paths
/// outside the workspace where it removes files. A heuristic by nature; a program can hide anything
/// from it.
Objection check_interpreter(Checker& checker, const std::string& name, const Words& words);

}  // namespace muster::policy
