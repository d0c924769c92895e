// Commands that bring muster into other programs.

#include <unistd.h>

#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "adapters/git/git_version_control.hpp"
#include "adapters/opencode/install.hpp"
#include "runtime/boot/commands.hpp"

namespace muster::commands {
namespace {

Result<opencode::InstallPlaces> places_for(const cli::InstallCommand& command,
                                           const cli::CommandLine& line,
                                           const config::Environment& environment) {
  if (!command.project) return opencode::global_places(environment);
  std::error_code error;
  auto folder = std::filesystem::canonical(line.workspace.empty() ? "." : line.workspace, error);
  if (error) return Error{ErrorCode::invalid_argument, error.message(), line.workspace};
  return opencode::project_places(environment,
                                  git::workspace_root(folder.string()).value_or(folder.string()));
}

}  // namespace

int install(const cli::InstallCommand& command, const cli::CommandLine& line,
            const config::Environment& environment) {
  auto places = places_for(command, line, environment);
  if (!places) return complain(places.error());
  if (!command.install) {
    auto gone = opencode::uninstall(*places);
    if (!gone) return complain(gone.error());
    fmt::print("{} {}\n", gone->changed ? "removed from" : "not in", gone->config_file);
    return cli::exit_sealed;
  }
  auto binary = own_path();
  if (!binary) return complain(binary.error());
  auto done = opencode::install(*places, *binary);
  if (!done) return complain(done.error());
  fmt::print("{} {}\n", done->changed ? "registered in" : "already in", done->config_file);
  if (done->changed) fmt::print("Restart OpenCode, then: /task what is to be done\n");
  return cli::exit_sealed;
}

}  // namespace muster::commands
