#include "runtime/boot/workspace.hpp"

#include <filesystem>

#include "adapters/git/git_version_control.hpp"
#include "adapters/store/sqlite_store.hpp"

namespace muster {

Result<Workspace> open_workspace(const cli::CommandLine& line,
                                 const config::Environment& environment) {
  Workspace out;
  out.environment = environment;
  std::error_code error;
  auto folder = std::filesystem::canonical(line.workspace.empty() ? "." : line.workspace, error);
  if (error) return Error{ErrorCode::invalid_argument, error.message(), line.workspace};
  auto root = git::workspace_root(folder.string()).value_or(folder.string());
  auto paths = config::workspace_paths(root, environment);
  if (!paths) return paths.error();
  out.paths = *paths;
  config::LoadInput input;
  input.user_file = config::user_config_file(environment);
  input.project_file = config::project_config_file(out.paths.workspace);
  input.environment = environment;
  input.flags = cli::flag_values(line);
  auto loaded = config::load(input);
  if (!loaded) return loaded.error();
  out.config = std::move(*loaded);
  return out;
}

Result<std::string> choose_mission(const Workspace& workspace, const std::string& given) {
  if (!given.empty()) return given;
  auto store = SqliteStore::open({workspace.paths.state_dir + "/journal"});
  if (!store) return store.error();
  auto missions = (*store)->missions();
  if (!missions) return missions.error();
  if (missions->empty())
    return Error{ErrorCode::not_found, "there is no mission in this workspace yet"};
  return missions->front().mission;
}

}  // namespace muster
