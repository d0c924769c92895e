#include "adapters/lsp/workspace_servers.hpp"

#include <deque>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

namespace muster::lsp {
namespace {

namespace fs = std::filesystem;

bool is_passed_over(const std::string& folder) {
  return folder.starts_with('.') || folder == "node_modules";
}

using Server = config::LanguageServer;

/// Calls visit(server) for each file and server that knows it, until it answers false; breadth
/// first: what is near the top says what a project is. Looks at `left` names at most.
template <class Visit>
void each_known_file(const config::LanguageServers& table, const std::string& workspace,
                     std::size_t left, Visit visit) {
  std::deque<fs::path> folders{workspace};
  for (; !folders.empty(); folders.pop_front()) {
    std::error_code error;
    auto entries = fs::directory_iterator(folders.front(), error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      if (left-- == 0) return;
      std::error_code unknown;
      const auto name = entries->path().filename().string();
      const auto status = entries->symlink_status(unknown);
      if (fs::is_directory(status) && !is_passed_over(name)) folders.push_back(entries->path());
      if (!fs::is_regular_file(status)) continue;
      for (const auto& match : servers_of(table, name))
        if (!visit(*match.server)) return;
    }
  }
}

}  // namespace

std::vector<WorkspaceServer> workspace_servers(const config::LanguageServers& table,
                                               const ServerPlace& place, std::size_t max_files) {
  std::vector<WorkspaceServer> out;
  std::map<const Server*, std::size_t> counts;
  each_known_file(table, place.workspace, max_files, [&](const Server& server) {
    ++counts[&server];
    return true;
  });
  for (const auto& server : table.servers) {
    const auto found = counts.find(&server);
    if (found == counts.end()) continue;
    WorkspaceServer one{server.name, server.command.substr(server.command.rfind('/') + 1),
                        found->second, std::nullopt};
    if (const auto options = client_options(table, server, place, place.workspace); !options)
      one.problem = options.error();
    out.push_back(std::move(one));
  }
  return out;
}

bool any_workspace_server(const config::LanguageServers& table, const ServerPlace& place,
                          std::size_t max_files) {
  std::set<const Server*> usable;
  for (const auto& server : table.servers)
    if (client_options(table, server, place, place.workspace)) usable.insert(&server);
  if (usable.empty()) return false;
  bool found = false;
  each_known_file(table, place.workspace, max_files, [&](const Server& server) {
    found = usable.contains(&server);
    return !found;
  });
  return found;
}

}  // namespace muster::lsp
