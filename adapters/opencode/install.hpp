#pragma once
// `muster install opencode`: the plugin's files in the user's data folder, and one entry for them
// in an opencode.json(c) that stays otherwise as the user wrote it.

#include <functional>
#include <string>

#include "config/config.hpp"
#include "runtime/core/result.hpp"

namespace muster::opencode {

/// Where things go. All absolute.
struct InstallPlaces {
  std::string config_file;    ///< the user's or the project's; need not exist
  std::string plugin_folder;  ///< $XDG_DATA_HOME/muster/opencode-plugin
};

/// The global configuration: of $OPENCODE_CONFIG_DIR if that is set, else of
/// $XDG_CONFIG_HOME/opencode. Of several files the one with a plugin list is meant, else the one
/// that OpenCode reads last; else a new opencode.json. Errors: invalid_argument without a home.
Result<InstallPlaces> global_places(const config::Environment& environment);
/// The project's: opencode.json(c) of its root, or of its .opencode folder; as above.
Result<InstallPlaces> project_places(const config::Environment& environment,
                                     const std::string& root);

/// The plugin's files, each replaced as a whole. Blocks.
Status write_plugin(const std::string& folder);

struct Installed {
  std::string config_file;
  bool changed = false;  ///< the configuration; false: it was so already
};

/// Called between the writing of the configuration and its verification; for tests.
using AfterWrite = std::function<void()>;

/// Writes the plugin's files and the entry. The configuration is replaced in one step and read
/// back; when it is not as it should be, what was there before is put back. The first change leaves
/// a copy beside it, `<file>.before-muster`. Idempotent. Errors: invalid_argument (the file cannot
/// be parsed: nothing is changed), io_error and its like. Blocks.
Result<Installed> install(const InstallPlaces& places, const std::string& binary,
                          const AfterWrite& after_write = {});
/// Takes the entry out again, in whichever form it is there, with the copy and a file that holds
/// nothing else. The plugin's files stay: another configuration may name them. Likewise.
Result<Installed> uninstall(const InstallPlaces& places, const AfterWrite& after_write = {});

}  // namespace muster::opencode
