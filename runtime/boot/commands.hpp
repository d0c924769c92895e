#pragma once
// The commands of the program, one function each. All return the exit code; answers go to stdout,
// complaints to stderr.

#include "adapters/cli/command_line.hpp"
#include "adapters/git/git_version_control.hpp"
#include "runtime/boot/workspace.hpp"

namespace muster::commands {

int run(const cli::CommandLine& line, const cli::MissionCommand& command, Workspace workspace);
int resume(const cli::ResumeCommand& command, Workspace workspace);
int demo(const cli::DemoCommand& command, const config::Environment& environment);
int serve(const cli::ServeCommand& command, Workspace workspace);

int status(const cli::StatusCommand& command, const Workspace& workspace);
int ps(const cli::PsCommand& command, const Workspace& workspace);
int attach(const cli::AttachCommand& command, const Workspace& workspace);
/// stop, answer, tell, todo, waive: one request to the engine of the workspace.
int request(const Workspace& workspace, const std::string& method, const nlohmann::json& params);

int result(const cli::ResultCommand& command, const Workspace& workspace);
int logs(const cli::LogsCommand& command, const Workspace& workspace);
int report(const cli::ReportCommand& command, const Workspace& workspace);
int cost(const cli::CostCommand& command, const Workspace& workspace);
int missions(const cli::MissionsCommand& command, const Workspace& workspace);
int agents(const cli::AgentsCommand& command, const Workspace& workspace);
int ast(const cli::AstCommand& command, const Workspace& workspace);
int outline(const cli::OutlineCommand& command, const Workspace& workspace);
int symbols(const cli::SymbolsCommand& command, const cli::CommandLine& line,
            const Workspace& workspace);
int refs(const cli::RefsCommand& command, const Workspace& workspace);
int map(const cli::MapCommand& command, const cli::CommandLine& line, const Workspace& workspace);
int index(const cli::IndexCommand& command, const Workspace& workspace);
int diagnostics(const cli::DiagnosticsCommand& command, const cli::CommandLine& line,
                const Workspace& workspace);
int doctor(const cli::DoctorCommand& command, const cli::CommandLine& line,
           const config::Environment& environment);
int configuration(const cli::ConfigCommand& command, const cli::CommandLine& line,
                  const config::Environment& environment);
int trust(const cli::TrustCommand& command, const cli::CommandLine& line,
          const Workspace& workspace);
int install(const cli::InstallCommand& command, const cli::CommandLine& line,
            const config::Environment& environment);
int model_server(const cli::ModelServerCommand& command);
int completion(const cli::CompletionCommand& command);

/// "muster: what went wrong" on stderr; 2 for what the user can mend in the call or the
/// configuration, else 1.
int complain(const Error& error);

/// The version control of a mission that may have ended.
git::GitOptions tree_options(const Workspace& workspace, const std::string& mission);

}  // namespace muster::commands
