#pragma once
// Which language servers a workspace has use for.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "adapters/lsp/server_table.hpp"
#include "config/config.hpp"
#include "runtime/core/result.hpp"

namespace muster::lsp {

/// A server that knows files of the workspace.
struct WorkspaceServer {
  std::string language;
  std::string server;            ///< the program's name
  std::size_t files = 0;         ///< that it knows, among those that were looked at
  std::optional<Error> problem;  ///< why it cannot be asked: see client_options()
};

/// Looks at the names of at most `max_files` files below the workspace, hidden folders and
/// node_modules left out; by language. Blocks.
[[nodiscard]] std::vector<WorkspaceServer> workspace_servers(const config::LanguageServers& table,
                                                             const ServerPlace& place,
                                                             std::size_t max_files = 20'000);

/// Whether one of those could be asked. Looks no further than the first file that says so. Blocks.
[[nodiscard]] bool any_workspace_server(const config::LanguageServers& table,
                                        const ServerPlace& place, std::size_t max_files = 20'000);

}  // namespace muster::lsp
