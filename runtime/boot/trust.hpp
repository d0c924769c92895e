#pragma once
// Whether the user trusts a project's configuration file with what only they may say.

#include "config/paths.hpp"
#include "runtime/core/result.hpp"

namespace muster {

enum class Trust {
  none,     ///< there is no such file, or it was never trusted
  given,    ///< it is, byte for byte, the one that was trusted
  outdated  ///< another one was
};

/// Kept in the workspace's state folder, out of the agents' reach, by the file's digest: whoever
/// changes the file takes the trust away. Blocks.
[[nodiscard]] Trust trust_of(const config::WorkspacePaths& paths);
/// Trusts the file as it is now; not_found when there is none.
Status give_trust(const config::WorkspacePaths& paths);
Status take_trust(const config::WorkspacePaths& paths);

}  // namespace muster
