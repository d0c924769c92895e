#pragma once
// What a verification needs, of a session's stage and a tree in memory.

#include <memory>

#include "actors/verifier.hpp"
#include "tests/actors/session_stage.hpp"
#include "tests/support/fake_tree.hpp"

namespace muster::test {

inline VerifyDeps verify_deps(SessionStage& base, const std::shared_ptr<FakeTree>& tree) {
  auto session = base.deps();
  VerifyDeps deps;
  deps.jobs = session.jobs;
  deps.tree = tree;
  deps.blocking = session.blocking;
  deps.open_files = [tree](const std::string& root) -> Result<std::shared_ptr<WorkspaceFiles>> {
    return tree->open_files(root);
  };
  deps.guard = session.guard;
  deps.wall_ms = session.wall_ms;
  deps.hidden_env = session.hidden_env;
  return deps;
}

}  // namespace muster::test
