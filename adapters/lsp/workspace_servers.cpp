#include "adapters/lsp/workspace_servers.hpp"

#include <deque>
#include <filesystem>
#include <map>
#include <utility>

namespace muster::lsp {
namespace {

namespace fs = std::filesystem;

bool is_passed_over(const std::string& folder) {
  return folder.starts_with('.') || folder == "node_modules";
}

/// Server -> files, breadth first: what is near the top says what a project is.
std::map<const config::LanguageServer*, std::size_t> count_files(
    const config::LanguageServers& table, const std::string& workspace, std::size_t left) {
  std::map<const config::LanguageServer*, std::size_t> out;
  std::deque<fs::path> folders{workspace};
  for (; !folders.empty(); folders.pop_front()) {
    std::error_code error;
    auto entries = fs::directory_iterator(folders.front(), error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      if (left-- == 0) return out;
      std::error_code unknown;
      const auto name = entries->path().filename().string();
      const auto status = entries->symlink_status(unknown);
      if (fs::is_directory(status) && !is_passed_over(name)) folders.push_back(entries->path());
      if (!fs::is_regular_file(status)) continue;
      for (const auto& match : servers_of(table, name)) ++out[match.server];
    }
  }
  return out;
}

}  // namespace

std::vector<WorkspaceServer> workspace_servers(const config::LanguageServers& table,
                                               const ServerPlace& place, std::size_t max_files) {
  std::vector<WorkspaceServer> out;
  const auto counts = count_files(table, place.workspace, max_files);
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

}  // namespace muster::lsp
