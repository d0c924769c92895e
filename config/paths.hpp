#pragma once
// Where muster keeps things outside the workspace. Nothing here creates anything.

#include <string>
#include <string_view>

#include "config/config.hpp"
#include "runtime/core/result.hpp"

namespace muster::config {

/// Folders and files of one workspace. All absolute.
struct WorkspacePaths {
  std::string workspace;  ///< canonical: symlinks resolved
  std::string id;         ///< first 16 hex digits of SHA-256 of `workspace`
  std::string state_dir;  ///< $XDG_STATE_HOME/muster/<id>
  std::string lock_file;  ///< state_dir/lock
  std::string socket;     ///< MUSTER_SOCKET, else state_dir/control.sock, else a short place
};

/// Paths of a workspace, which must exist. Errors: not_found, invalid_argument (no folder, or
/// neither XDG_STATE_HOME nor HOME is set).
Result<WorkspacePaths> workspace_paths(const std::string& workspace,
                                       const Environment& environment);

/// The value of a variable; empty when it is not set.
[[nodiscard]] std::string variable(const Environment& environment, const std::string& name);
/// An XDG base folder: what `name` says, else `below_home` ("/.config") of HOME; empty when there
/// is neither. The specification says that relative values are to be ignored.
[[nodiscard]] std::string base_folder(const Environment& environment, const std::string& name,
                                      const std::string& below_home);

/// $XDG_STATE_HOME/muster (default ~/.local/state/muster); empty when there is no home.
[[nodiscard]] std::string state_root(const Environment& environment);
/// $XDG_CONFIG_HOME/muster/config.json (default ~/.config); empty when there is no home.
[[nodiscard]] std::string user_config_file(const Environment& environment);
/// <workspace>/.muster/config.json.
[[nodiscard]] std::string project_config_file(const std::string& workspace);

}  // namespace muster::config
