// Commands that hold an engine: run and its kin, resume, demo, serve.

#include <unistd.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "adapters/cli/objective.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/model/model_server.hpp"
#include "adapters/process/keeper.hpp"
#include "adapters/rpc/rpc_client.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "config/agents.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/demo.hpp"
#include "runtime/boot/mission_runner.hpp"
#include "runtime/boot/mission_start.hpp"

namespace muster::commands {
namespace {

EngineOptions engine_options(Workspace workspace) {
  EngineOptions out;
  out.config = std::move(workspace.config.config);
  out.environment = std::move(workspace.environment);
  out.paths = std::move(workspace.paths);
  return out;
}

int without_model() {
  fmt::print(stderr, "{}", cli::no_model_message());
  return cli::exit_usage;
}

/// What would happen, without a model call.
int dry_run(const Workspace& workspace, const MissionStarted& start) {
  const auto& config = workspace.config.config;
  fmt::print("mission     {}\nobjective   {}\nworkspace   {}\nteam        {}\n",
             name_of(start.kind), start.objective, workspace.paths.workspace, start.team);
  auto team = config::load_team(config.team);
  if (!team) return complain(team.error());
  for (const auto& [role, agent] : team->roles) {
    auto model = config.model_for(role);
    auto chain = model ? model->text() : std::string("(no model)");
    if (model)
      for (const auto& next : config.fallbacks_for(role)) chain += ", else " + next.text();
    fmt::print("{:<15} {}\n", role, chain);
  }
  fmt::print("isolation   {}\n", config::to_string(config.isolation));
  fmt::print("state       {}\n", workspace.paths.state_dir);
  return cli::exit_sealed;
}

bool recorded_since(const Workspace& workspace, const std::string& mission, std::int64_t at_ms) {
  auto store = SqliteStore::open({workspace.paths.state_dir + "/journal"});
  auto missions = store ? (*store)->missions() : Result<std::vector<MissionSummary>>(store.error());
  if (!missions) return false;
  return std::any_of(missions->begin(), missions->end(), [&](const MissionSummary& known) {
    return known.mission == mission && known.updated_at_ms >= at_ms;
  });
}

}  // namespace

int run(const cli::CommandLine&, const cli::MissionCommand& command, Workspace workspace) {
  auto objective = command.objective;
  if (command.objective_from_stdin) {
    if (isatty(STDIN_FILENO))
      return complain({ErrorCode::invalid_argument,
                       "'-' reads the objective from a pipe or a file, not from a terminal"});
    auto text = cli::read_objective(STDIN_FILENO);
    if (!text) return complain(text.error());
    objective = *text;
  }
  const auto& config = workspace.config.config;
  auto start = mission_start(config, command.kind, objective);
  if (command.dry_run) return dry_run(workspace, start);
  if (!has_models(config)) return without_model();
  RunOptions options;
  options.view = command.view;
  // The keeper starts the engine of a crashed mission again: the same command line now means "go
  // on" with the mission that the keeper has named, if the first engine came to record it.
  options.id = take_mission_name();
  options.by_keeper = take_resume_flag();
  if (options.by_keeper && has_mission(workspace, options.id)) options.resume = options.id;
  if (options.resume.empty()) options.start = start;
  options.engine = engine_options(std::move(workspace));
  block_signals();
  return run_mission(std::move(options));
}

int resume(const cli::ResumeCommand& command, Workspace workspace) {
  auto keeper_began = take_resume_time();
  auto mission = choose_mission(workspace, command.mission);
  if (!mission) return complain(mission.error());
  if (!has_models(workspace.config.config)) return without_model();
  RunOptions options;
  options.view = command.view;
  options.resume = *mission;
  // The person's wish stands until an engine of this keeper has recorded something.
  options.by_keeper = keeper_began && recorded_since(workspace, *mission, *keeper_began);
  options.engine = engine_options(std::move(workspace));
  block_signals();
  return run_mission(std::move(options));
}

int demo(const cli::DemoCommand& command, const config::Environment& environment) {
  block_signals();
  auto place = make_demo_workspace(command.keep);
  if (!place) return complain(place.error());
  IoLoop loop;
  auto scenario = scripted::parse_scenario(demo_scenario(command.fast), "demo");
  if (!scenario) return complain(scenario.error());
  auto server = scripted::ModelServer::start(loop, std::move(*scenario));
  if (!server) return complain(server.error());
  // The user's own configuration and missions stay out of it: only the model's words are not real
  // here.
  cli::CommandLine line;
  line.workspace = place->repository;
  config::Environment own = environment;
  own["XDG_STATE_HOME"] = place->state;
  own["XDG_CONFIG_HOME"] = place->folder + "/config";
  std::erase_if(own, [](const auto& variable) { return variable.first.starts_with("MUSTER_"); });
  auto workspace = open_workspace(line, own);
  if (!workspace) return complain(workspace.error());
  auto& config = workspace->config.config;
  config::Provider provider;
  provider.name = "scripted";
  provider.base_url = (*server)->base_url();
  config.providers["scripted"] = provider;
  config.model = config::ModelName{"scripted", "demo"};
  if (!command.view.json)
    fmt::print(stderr, "muster demo: a real mission on {}; only the model's words are scripted\n",
               place->repository);
  RunOptions options;
  options.view = command.view;
  options.show_diff = true;
  options.start = mission_start(config, MissionKind::run, demo_objective());
  options.engine = engine_options(std::move(*workspace));
  auto code = run_mission(std::move(options));
  (*server)->stop();
  loop.stop();
  if (command.keep) fmt::print(stderr, "kept: {}\n", place->folder);
  return code;
}

int serve(const cli::ServeCommand& command, Workspace workspace) {
  block_signals();
  config::settle_host(workspace.config.config, command.opencode);
  return muster::serve(engine_options(std::move(workspace)), command.stdio);
}

}  // namespace muster::commands
