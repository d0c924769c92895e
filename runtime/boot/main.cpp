// Where the program starts: who am I (job helper, engine, keeper, client), and which command is it?

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "adapters/process/job_helper.hpp"
#include "adapters/process/keeper.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/engine.hpp"
#include "runtime/boot/mission_runner.hpp"

namespace muster {
namespace {

using nlohmann::json;

/// Logs go to stderr: stdout belongs to the answer or the protocol.
void set_up_logging(bool verbose) {
  auto logger =
      std::make_shared<spdlog::logger>("muster", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("muster: %l: %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

/// Commands that hold an engine run under a keeper; `demo` is short and keeps itself.
bool needs_keeper(const cli::Command& command) {
  if (const auto* mission = std::get_if<cli::MissionCommand>(&command)) return !mission->dry_run;
  return std::holds_alternative<cli::ResumeCommand>(command) ||
         (std::holds_alternative<cli::ServeCommand>(command) &&
          !std::get<cli::ServeCommand>(command).stdio);
}

/// Dispatch of the commands that need a workspace.
class InWorkspace {
 public:
  InWorkspace(const cli::CommandLine& line, Workspace& workspace)
      : line_(line), workspace_(workspace) {}

  int operator()(const cli::MissionCommand& command) {
    return commands::run(line_, command, std::move(workspace_));
  }
  int operator()(const cli::ResumeCommand& command) {
    return commands::resume(command, std::move(workspace_));
  }
  int operator()(const cli::ServeCommand& command) {
    return commands::serve(command, std::move(workspace_));
  }
  int operator()(const cli::StatusCommand& command) {
    return commands::status(command, workspace_);
  }
  int operator()(const cli::AttachCommand& command) {
    return commands::attach(command, workspace_);
  }
  int operator()(const cli::StopCommand& command) {
    return commands::request(workspace_, "stop", {{"now", command.now}});
  }
  int operator()(const cli::AnswerCommand& command) {
    return commands::request(workspace_, "answer", {{"id", command.id}, {"text", command.text}});
  }
  int operator()(const cli::TellCommand& command) {
    return commands::request(workspace_, "tell", {{"task", command.task}, {"text", command.text}});
  }
  int operator()(const cli::TodoCommand& command) {
    return commands::request(workspace_, "todo",
                             {{"action", command.accept ? "accept" : "drop"}, {"id", command.id}});
  }
  int operator()(const cli::WaiveCommand& command) {
    return commands::request(workspace_, "waive", {{"check", command.check}});
  }
  int operator()(const cli::ResultCommand& command) {
    return commands::result(command, workspace_);
  }
  int operator()(const cli::LogsCommand& command) { return commands::logs(command, workspace_); }
  int operator()(const cli::ReportCommand& command) {
    return commands::report(command, workspace_);
  }
  int operator()(const cli::TrustCommand& command) {
    return commands::trust(command, line_, workspace_);
  }
  int operator()(const cli::CostCommand& command) { return commands::cost(command, workspace_); }
  int operator()(const cli::PsCommand& command) { return commands::ps(command, workspace_); }
  int operator()(const cli::MissionsCommand& command) {
    return commands::missions(command, workspace_);
  }
  int operator()(const cli::AgentsCommand& command) {
    return commands::agents(command, workspace_);
  }
  int operator()(const cli::OutlineCommand& command) {
    return commands::outline(command, workspace_);
  }
  int operator()(const cli::SymbolsCommand& command) {
    return commands::symbols(command, line_, workspace_);
  }
  int operator()(const cli::RefsCommand& command) { return commands::refs(command, workspace_); }
  int operator()(const cli::MapCommand& command) {
    return commands::map(command, line_, workspace_);
  }
  int operator()(const cli::IndexCommand& command) { return commands::index(command, workspace_); }
  int operator()(const cli::AstCommand& command) { return commands::ast(command, workspace_); }
  int operator()(const cli::DiagnosticsCommand& command) {
    return commands::diagnostics(command, line_, workspace_);
  }
  template <class Other>
  int operator()(const Other&) {
    return cli::exit_failed;
  }

 private:
  const cli::CommandLine& line_;
  Workspace& workspace_;
};

int dispatch(const cli::CommandLine& line) {
  auto environment = config::process_environment();
  if (const auto* demo = std::get_if<cli::DemoCommand>(&line.command))
    return commands::demo(*demo, environment);
  if (const auto* server = std::get_if<cli::ModelServerCommand>(&line.command))
    return commands::model_server(*server);
  if (const auto* completion = std::get_if<cli::CompletionCommand>(&line.command))
    return commands::completion(*completion);
  if (const auto* doctor = std::get_if<cli::DoctorCommand>(&line.command))
    return commands::doctor(*doctor, line, environment);
  if (const auto* settings = std::get_if<cli::ConfigCommand>(&line.command))
    return commands::configuration(*settings, line, environment);
  if (const auto* install = std::get_if<cli::InstallCommand>(&line.command))
    return commands::install(*install, line, environment);
  auto workspace = open_workspace(line, environment);
  if (!workspace) return commands::complain(workspace.error());
  for (const auto& warning : workspace->config.warnings) spdlog::warn("{}", warning);
  return std::visit(InWorkspace(line, *workspace), line.command);
}

int start(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  bool engine = is_engine(argc, argv);
  if (engine) args.erase(args.begin());
  auto parsed = cli::parse(args);
  if (auto* over = std::get_if<cli::ParseExit>(&parsed)) {
    std::fputs(over->out.c_str(), stdout);
    std::fputs(over->err.c_str(), stderr);
    return over->code;
  }
  auto& line = std::get<cli::CommandLine>(parsed);
  set_up_logging(line.verbose);
  if (needs_keeper(line.command) && !engine) {
    KeeperOptions keeper;
    keeper.engine_args = args;
    keeper.mission = Engine::new_mission_id();
    return keeper_main(keeper);
  }
  return dispatch(line);
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  if (muster::is_job_helper(argc, argv)) return muster::job_helper_main(argc, argv);
  try {
    return muster::start(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "muster: internal error: %s\n", e.what());
    return 1;
  }
}
