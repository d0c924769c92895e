#pragma once
// Where language servers work for an engine or a command, and what they may do there.

#include "adapters/lsp/server_table.hpp"
#include "config/config.hpp"
#include "config/paths.hpp"

namespace muster {

/// Servers may work in trees of tasks, too; what they may run is decided by the user's workspace.
/// They see no variable that holds a key.
[[nodiscard]] lsp::ServerPlace server_place(const config::Config& config,
                                            const config::WorkspacePaths& paths,
                                            const config::Environment& environment);

}  // namespace muster
