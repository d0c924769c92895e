// `muster diagnostics`: what the project's language servers say about files.

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "adapters/git/changed_files.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/lsp/diagnostics_report.hpp"
#include "adapters/lsp/diagnostics_run.hpp"
#include "config/paths.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/server_place.hpp"
#include "runtime/core/text.hpp"

namespace muster::commands {
namespace {

using nlohmann::json;

/// A name that a person gives is relative to where they are, or to --workspace.
std::string absolute(const std::string& file, const std::string& folder) {
  std::error_code error;
  const auto base = std::filesystem::canonical(folder.empty() ? "." : folder, error);
  return (base / file).lexically_normal().string();
}

Result<lsp::DiagnosticsRequest> request_of(const cli::DiagnosticsCommand& command,
                                           const cli::CommandLine& line,
                                           const Workspace& workspace) {
  lsp::DiagnosticsRequest out;
  for (const auto& file : command.files) out.files.push_back(absolute(file, line.workspace));
  if (!command.files.empty()) return out;
  auto changed = git::changed_files(workspace.paths.workspace);
  if (!changed) return changed.error();
  out.files = std::move(*changed);
  out.skip_unknown = true;
  return out;
}

lsp::ServerPlace place_of(const cli::DiagnosticsCommand& command, const Workspace& workspace) {
  auto out = server_place(workspace.config.config, workspace.paths, workspace.environment);
  out.trusted = out.trusted || command.trust_workspace;
  return out;
}

std::string dump(const json& value) {
  return value.dump(2, ' ', true, json::error_handler_t::replace);
}

void show(const lsp::DiagnosticsReport& report, const cli::DiagnosticsCommand& command,
          const std::string& workspace) {
  if (command.json)
    fmt::print("{}\n", dump(lsp::diagnostics_json(report)));
  else if (command.sarif)
    fmt::print("{}\n", dump(lsp::diagnostics_sarif(report, workspace)));
  else
    fmt::print("{}", lsp::diagnostics_text(report));
  fmt::print(stderr, "{}", lsp::summary_text(report));
}

/// What was found outweighs what was not looked at: both fail.
int exit_code_of(const lsp::DiagnosticsReport& report) {
  if (report.count(Severity::error) > 0) return cli::exit_failed;
  return report.all_checked() ? cli::exit_sealed : cli::exit_unchecked;
}

}  // namespace

int diagnostics(const cli::DiagnosticsCommand& command, const cli::CommandLine& line,
                const Workspace& workspace) {
  auto request = request_of(command, line, workspace);
  if (!request) return complain(request.error());
  if (::isatty(STDERR_FILENO) == 1)
    request->say = [](const std::string& text) {
      fmt::print(stderr, "{} ...\n", strip_terminal_escapes(text));
    };
  auto table = workspace.config.config.language_servers;
  if (command.timeout_ms) table.file_ms = *command.timeout_ms;
  IoLoop loop;
  const auto report = lsp::run_diagnostics(loop, table, place_of(command, workspace), *request);
  show(report, command, workspace.paths.workspace);
  return exit_code_of(report);
}

}  // namespace muster::commands
