#pragma once
// What a candidate's text alone tells, before anything is run: new syntax errors, imports that lead
// nowhere since, and which tests can reach what changed. Blocks: the verifier runs it on the pool.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/version_control.hpp"
#include "runtime/ports/workspace_code.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster {

/// New syntax errors of a changed file ("error" rejects it, "warning" is for the reviewer).
using JudgeSyntax = std::function<std::vector<ReviewFinding>(
    const std::string& path, const std::optional<std::string>& before, const std::string& after)>;

/// The tree of a candidate, and what of it changed.
struct Candidate {
  std::string key;   ///< of the tree
  std::string root;  ///< its absolute path
  std::vector<FileChange> changed;
  std::vector<ProjectCommand> tests;  ///< the project's, that can be relied on (green at the base)
};

/// A command that runs only tests that the change can reach.
struct TargetedTests {
  std::string command;
  std::string cwd;  ///< relative to the tree
};

struct Grounding {
  std::vector<ReviewFinding> findings;
  std::vector<TargetedTests> targeted;
};

/// Ports as they are at hand: without `syntax` or `code` that part is left out, and said where an
/// index was there and failed. Errors: the tree cannot be read.
Result<Grounding> ground(VersionControl& tree, const OpenFiles& open_files, const OpenCode& code,
                         const JudgeSyntax& syntax, const Candidate& candidate);

}  // namespace muster
