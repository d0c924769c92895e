#include "config/paths.hpp"

#include <unistd.h>

#include <filesystem>

#include "runtime/core/sha256.hpp"

namespace muster::config {
namespace {

/// sockaddr_un holds 108 bytes with the final zero.
constexpr std::size_t max_socket_path = 107;

std::string socket_path(const WorkspacePaths& paths, const Environment& environment) {
  if (std::string set = variable(environment, "MUSTER_SOCKET"); !set.empty()) return set;
  if (std::string near = paths.state_dir + "/control.sock"; near.size() <= max_socket_path)
    return near;
  const std::string runtime = variable(environment, "XDG_RUNTIME_DIR");
  if (!runtime.empty() && runtime.front() == '/') {
    std::string path = runtime + "/muster/" + paths.id + ".sock";
    if (path.size() <= max_socket_path) return path;
  }
  return "/tmp/muster-" + std::to_string(::getuid()) + "/" + paths.id + ".sock";
}

}  // namespace

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

std::string base_folder(const Environment& environment, const std::string& name,
                        const std::string& below_home) {
  std::string set = variable(environment, name);
  if (!set.empty() && set.front() == '/') return set;
  const std::string home = variable(environment, "HOME");
  return home.empty() || home.front() != '/' ? "" : home + below_home;
}

std::string state_root(const Environment& environment) {
  const std::string base = base_folder(environment, "XDG_STATE_HOME", "/.local/state");
  return base.empty() ? "" : base + "/muster";
}

std::string user_config_file(const Environment& environment) {
  const std::string base = base_folder(environment, "XDG_CONFIG_HOME", "/.config");
  return base.empty() ? "" : base + "/muster/config.json";
}

std::string project_config_file(const std::string& workspace) {
  return workspace + "/.muster/config.json";
}

Result<WorkspacePaths> workspace_paths(const std::string& workspace,
                                       const Environment& environment) {
  std::error_code failure;
  const auto canonical = std::filesystem::canonical(workspace, failure);
  if (failure)
    return Error{ErrorCode::not_found, "the workspace cannot be opened: " + failure.message(),
                 workspace};
  if (!std::filesystem::is_directory(canonical, failure))
    return Error{ErrorCode::invalid_argument, "the workspace is not a folder", workspace};
  const std::string root = state_root(environment);
  if (root.empty())
    return Error{ErrorCode::invalid_argument, "neither XDG_STATE_HOME nor HOME is set"};
  WorkspacePaths paths;
  paths.workspace = canonical.string();
  paths.id = sha256_hex(paths.workspace).substr(0, 16);
  paths.state_dir = root + "/" + paths.id;
  paths.lock_file = paths.state_dir + "/lock";
  paths.socket = socket_path(paths, environment);
  return paths;
}

}  // namespace muster::config
