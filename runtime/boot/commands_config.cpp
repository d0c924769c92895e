// What the user's configuration is, and how they change it.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "config/schema.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/output_file.hpp"
#include "runtime/boot/trust.hpp"
#include "runtime/core/text.hpp"

namespace muster::commands {
namespace {

namespace fs = std::filesystem;

constexpr const char* schema_name = "muster.schema.json";
constexpr const char* first_text = "{\n  \"$schema\": \"./muster.schema.json\"\n}\n";

/// The schema stands beside the file, so that editors complete its keys; a first file names it.
Status prepare(const fs::path& file) {
  std::error_code failure;
  fs::create_directories(file.parent_path(), failure);
  if (failure) return Error{ErrorCode::io_error, failure.message(), file.parent_path().string()};
  const auto schema = (file.parent_path() / schema_name).string();
  if (auto written = write_output_file(schema, std::string(config::schema_text())); !written)
    return written;
  if (fs::exists(file, failure)) return ok_status();
  if (auto written = write_output_file(file.string(), first_text); !written) return written;
  // It may come to hold keys.
  if (::chmod(file.c_str(), S_IRUSR | S_IWUSR) != 0)
    return Error{ErrorCode::io_error, std::strerror(errno), file.string()};
  return ok_status();
}

std::string editor_of(const config::Environment& environment) {
  for (const char* name : {"VISUAL", "EDITOR"})
    if (auto found = environment.find(name); found != environment.end() && !found->second.empty())
      return found->second;
  return "vi";
}

/// As git does: the editor is a piece of shell of the user's ("code --wait"), the file its
/// argument. The terminal is the editor's while it runs.
Status run_editor(const std::string& editor, const std::string& file) {
  const auto script = "exec " + editor + " \"$@\"";
  const pid_t child = ::fork();
  if (child < 0) return Error{ErrorCode::io_error, std::strerror(errno), "fork"};
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", script.c_str(), editor.c_str(), file.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return Error{ErrorCode::io_error, std::strerror(errno), "waitpid"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok_status();
  return Error{ErrorCode::unavailable, "the editor failed; set VISUAL or EDITOR", editor};
}

/// Nullopt: it has been edited, and is to be looked at.
std::optional<int> edit(const std::string& file, const config::Environment& environment) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) {
    fmt::print(stderr, "muster: config edit needs a terminal; the file is {}\n", file);
    return cli::exit_usage;
  }
  if (auto ready = prepare(file); !ready) return complain(ready.error());
  if (auto edited = run_editor(editor_of(environment), file); !edited)
    return complain(edited.error());
  return std::nullopt;
}

}  // namespace

int trust(const cli::TrustCommand& command, const cli::CommandLine& line,
          const Workspace& workspace) {
  if (command.revoke) {
    if (auto taken = take_trust(workspace.paths); !taken) return complain(taken.error());
    fmt::print("not trusted: {}\n", config::project_config_file(workspace.paths.workspace));
    return cli::exit_sealed;
  }
  if (auto given = give_trust(workspace.paths); !given) return complain(given.error());
  auto trusted = open_workspace(line, workspace.environment);
  if (!trusted) return complain(trusted.error());
  fmt::print("trusted, as it is now: {}\n", config::project_config_file(workspace.paths.workspace));
  for (const auto& warning : workspace.config.warnings)
    if (const auto at = warning.find(" is ignored: a project"); at != std::string::npos)
      fmt::print("  counts from now on: {}\n", strip_terminal_escapes(warning.substr(0, at)));
  return cli::exit_sealed;
}

int configuration(const cli::ConfigCommand& command, const cli::CommandLine& line,
                  const config::Environment& environment) {
  if (command.action == cli::ConfigCommand::Action::schema) {
    fmt::print("{}", config::schema_text());
    return cli::exit_sealed;
  }
  if (command.action == cli::ConfigCommand::Action::edit)
    if (auto code = edit(config::user_config_file(environment), environment)) return *code;
  auto workspace = open_workspace(line, environment);
  if (!workspace) {
    fmt::print(stderr, "{}\n", strip_terminal_escapes(workspace.error().text()));
    return cli::exit_usage;
  }
  for (const auto& warning : workspace->config.warnings)
    fmt::print(stderr, "warning: {}\n", strip_terminal_escapes(warning));
  if (command.action != cli::ConfigCommand::Action::show) {
    fmt::print("valid\n");
    return cli::exit_sealed;
  }
  if (command.json)
    fmt::print("{}\n", config::show_json(workspace->config).dump(2, ' ', true));
  else
    fmt::print("{}", strip_terminal_escapes(config::show(workspace->config)));
  return cli::exit_sealed;
}

}  // namespace muster::commands
