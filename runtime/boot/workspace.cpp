#include "runtime/boot/workspace.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "adapters/git/git_version_control.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "runtime/boot/trust.hpp"

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
  const auto trust = trust_of(out.paths);
  input.project_trusted = trust == Trust::given;
  auto loaded = config::load(input);
  if (!loaded) return loaded.error();
  out.config = std::move(*loaded);
  if (trust == Trust::outdated)
    out.config.warnings.push_back(input.project_file +
                                  ": it is not the file that you trusted any more: look at what "
                                  "changed, then run muster trust");
  return out;
}

Result<std::string> own_path() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Error{ErrorCode::io_error, error.message(), "/proc/self/exe"};
  return path.string();
}

Result<std::string> choose_mission(const Workspace& workspace, const std::string& given) {
  if (!given.empty()) return given;
  auto store = SqliteStore::open({workspace.paths.state_dir + "/journal"});
  if (!store) return store.error();
  auto missions = (*store)->missions();
  if (!missions) return missions.error();
  // A crash right at its start leaves a file without a record: no mission. One that cannot be read
  // is one all the same.
  std::erase_if(*missions, [&](const auto& mission) {
    if (mission.last_seq > 0) return false;
    auto records = (*store)->load(mission.mission);
    return records && records->empty();
  });
  if (missions->empty())
    return Error{ErrorCode::not_found, "there is no mission in this workspace yet"};
  return missions->front().mission;
}

bool has_mission(const Workspace& workspace, const std::string& mission) {
  auto store = SqliteStore::open({workspace.paths.state_dir + "/journal"});
  auto missions = store ? (*store)->missions() : Result<std::vector<MissionSummary>>(Error{});
  return missions && std::any_of(missions->begin(), missions->end(), [&](const auto& known) {
           return known.mission == mission && known.last_seq > 0;
         });
}

}  // namespace muster
