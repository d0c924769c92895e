// Commands that need no engine: results, logs, lists, settings, the model server.

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "actors/mission_replay.hpp"
#include "adapters/cli/doctor.hpp"
#include "adapters/cli/listings.hpp"
#include "adapters/git/git_version_control.hpp"
#include "adapters/http/http_client.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/lsp/workspace_servers.hpp"
#include "adapters/model/model_server.hpp"
#include "adapters/opencode/agent_table.hpp"
#include "adapters/process/run_command.hpp"
#include "adapters/rpc/workspace_lock.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "config/agents.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/demo.hpp"
#include "runtime/boot/key_commands.hpp"
#include "runtime/boot/server_place.hpp"
#include "runtime/core/events.hpp"
#include "runtime/core/text.hpp"

namespace muster::commands {
namespace {

using nlohmann::json;

constexpr std::size_t shown_patch = 4U << 20U;

std::string clock_text(std::int64_t at_ms) {
  auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec,
                     at_ms % 1000);
}

int show_diff(VersionControl& tree) {
  auto diff = tree.mission_diff(shown_patch);
  if (!diff) return complain(diff.error());
  fmt::print("{}", strip_terminal_escapes(diff->patch));
  if (diff->truncated)
    fmt::print(stderr, "muster: the diff is longer than {} bytes and was cut\n", shown_patch);
  return cli::exit_sealed;
}

int apply_result(VersionControl& tree) {
  auto applied = tree.apply();
  if (!applied) return complain(applied.error());
  bool in_tree =
      applied->kind == ApplyOutcome::Kind::applied || applied->kind == ApplyOutcome::Kind::merged;
  fmt::print("{} {}{}\n", in_tree ? "applied" : "not applied:", applied->branch,
             applied->note.empty() ? "" : ": " + applied->note);
  return in_tree || applied->kind == ApplyOutcome::Kind::nothing ? cli::exit_sealed
                                                                 : cli::exit_failed;
}

/// Which task an event speaks of; steps are known by the intents that were issued before.
class TaskOf {
 public:
  std::string operator()(const json& event) {
    auto type = event.value("type", "");
    if (type == "intent_issued") {
      auto task = event.value("task", "");
      tasks_[event.value("id", std::uint64_t{0})] = task;
      return task;
    }
    if (event.contains("intent")) return tasks_[event.value("intent", std::uint64_t{0})];
    return event.contains("task") && event["task"].is_string() ? event["task"].get<std::string>()
                                                               : "";
  }
  std::string of_session(const std::string& session) {
    if (session.size() < 2) return {};
    auto found = tasks_.find(std::strtoull(session.c_str() + 1, nullptr, 10));
    return found == tasks_.end() ? std::string() : found->second;
  }

 private:
  std::map<std::uint64_t, std::string> tasks_;
};

/// Whether anything answers at the endpoint: any HTTP status will do.
Status reach_endpoint(const config::ResolvedModel& model) {
  IoLoop loop;
  http::HttpClient client(loop);
  std::promise<Status> answered;
  http::ClientRequest request;
  request.url = model.base_url + "/models";
  request.connect_timeout = std::chrono::seconds(3);
  request.total_timeout = std::chrono::seconds(5);
  auto call = client.fetch(std::move(request), [&answered](http::ClientResult result) {
    answered.set_value(result.error ? Status(*result.error) : ok_status());
  });
  return answered.get_future().get();
}

/// Reads every mission from its first record to its last.
cli::DoctorFacts::Journals verify_journals(const std::string& state_dir) {
  cli::DoctorFacts::Journals out;
  auto folder = state_dir + "/journal";
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) return out;
  auto store = SqliteStore::open({folder});
  auto list = store ? (*store)->missions() : Result<std::vector<MissionSummary>>(store.error());
  if (!list) {
    out.problems.push_back(list.error());
    return out;
  }
  for (const auto& mission : *list) {
    ++out.missions;
    auto read = (*store)->read(mission.mission, {}, [](StoredRecord&&) {});
    if (!read) out.problems.push_back(read.error());
  }
  return out;
}

std::string describe_message(const json& message) {
  auto text = message.value("role", "?") + ": ";
  if (auto content = message.find("content"); content != message.end() && content->is_string())
    text += content->get<std::string>();
  for (const auto& call : message.value("tool_calls", json::array()))
    if (call.is_object() && call.contains("function"))
      text += "\n  -> " + call["function"].value("name", "") + " " +
              call["function"].value("arguments", "");
  return text;
}

}  // namespace

git::GitOptions tree_options(const Workspace& workspace, const std::string& mission) {
  git::GitOptions out;
  out.workspace = workspace.paths.workspace;
  out.state_folder = workspace.paths.state_dir;
  out.mission = mission;
  out.linked_folders = workspace.config.config.links;
  return out;
}

int complain(const Error& error) {
  fmt::print(stderr, "muster: {}\n", strip_terminal_escapes(error.text()));
  return error.code == ErrorCode::invalid_argument || error.code == ErrorCode::unauthenticated
             ? cli::exit_usage
             : cli::exit_failed;
}

int result(const cli::ResultCommand& command, const Workspace& workspace) {
  auto mission = choose_mission(workspace, command.mission);
  if (!mission) return complain(mission.error());
  git::GitVersionControl tree(tree_options(workspace, *mission));
  if (auto opened = tree.open(); !opened) return complain(opened.error());
  if (command.action == cli::ResultCommand::Action::diff) return show_diff(tree);
  auto lock = rpc::WorkspaceLock::acquire(workspace.paths.lock_file);
  if (!lock) return complain(lock.error());
  if (command.action == cli::ResultCommand::Action::apply) return apply_result(tree);
  bool undo = command.action == cli::ResultCommand::Action::undo;
  auto done = undo ? tree.undo() : tree.discard();
  if (!done) return complain(done.error());
  fmt::print("{} {}\n", undo ? "undone:" : "discarded:", *mission);
  return cli::exit_sealed;
}

int logs(const cli::LogsCommand& command, const Workspace& workspace) {
  auto mission = choose_mission(workspace, command.mission);
  if (!mission) return complain(mission.error());
  auto store = SqliteStore::open({workspace.paths.state_dir + "/journal"});
  if (!store) return complain(store.error());
  auto records = (*store)->load(*mission);
  if (!records) return complain(records.error());
  TaskOf task_of;
  for (const auto& record : *records) {
    auto text = record.body.empty() ? record.row : record.body;
    auto data = json::parse(
        record.kind == "event" && !record.row.empty() && record.row != "{}" ? record.row : text,
        nullptr, false);
    if (!data.is_object()) continue;
    auto task = record.kind == "event" ? task_of(data) : task_of.of_session(record.key);
    if (!command.task.empty() && task != command.task) continue;
    if (command.json) {
      fmt::print("{}\n", json{{"seq", record.seq},
                              {"at_ms", record.at_ms},
                              {"kind", record.kind},
                              {"key", record.key},
                              {"task", task},
                              {"data", data}}
                             .dump(-1, ' ', true, json::error_handler_t::replace));
      continue;
    }
    auto line = record.kind == "session"
                    ? describe_message(data)
                    : data.value("type", record.kind) + " " +
                          data.dump(-1, ' ', false, json::error_handler_t::replace);
    auto shown = command.task.empty()
                     ? one_line(line, 300)
                     : strip_terminal_escapes(std::string(bounded_head(line, 4000)));
    fmt::print("{} {:<8} {:<8} {}\n", clock_text(record.at_ms),
               record.key.empty() ? "-" : record.key, task.empty() ? "-" : task, shown);
  }
  return cli::exit_sealed;
}

int missions(const cli::MissionsCommand& command, const Workspace& workspace) {
  auto store = SqliteStore::open({workspace.paths.state_dir + "/journal"});
  if (!store) return complain(store.error());
  auto list = (*store)->missions();
  if (!list) return complain(list.error());
  auto out = json::array();
  for (const auto& mission : *list) {
    auto replayed = replay_mission(**store, mission.mission);
    auto phase = replayed ? std::string(name_of(replayed->state.phase)) : "unreadable";
    auto objective = replayed ? replayed->state.objective : replayed.error().text();
    if (command.json)
      out.push_back({{"mission", mission.mission},
                     {"records", mission.last_seq},
                     {"created_at_ms", mission.created_at_ms},
                     {"updated_at_ms", mission.updated_at_ms},
                     {"archived", mission.archived},
                     {"phase", phase},
                     {"objective", objective}});
    else
      fmt::print("{}  {:<13} {} records, last at {}{}  {}\n", mission.mission, phase,
                 mission.last_seq, clock_text(mission.updated_at_ms),
                 mission.archived ? ", archived" : "", one_line(objective, 80));
  }
  if (command.json) fmt::print("{}\n", out.dump(2, ' ', true, json::error_handler_t::replace));
  return cli::exit_sealed;
}

namespace {

int agents_for_opencode() {
  std::vector<config::Team> teams;
  for (const char* name : {"squad", "classic"}) {
    auto team = config::load_team(name);
    if (!team) return complain(team.error());
    teams.push_back(std::move(*team));
  }
  fmt::print("{}\n", opencode::agent_table(teams).dump());
  return cli::exit_sealed;
}

}  // namespace

int agents(const cli::AgentsCommand& command, const Workspace& workspace) {
  if (command.for_opencode) return agents_for_opencode();
  auto team = config::load_team(command.team.empty() ? workspace.config.config.team : command.team);
  if (!team) return complain(team.error());
  if (command.json)
    fmt::print("{}\n", cli::agents_json(*team).dump(2));
  else
    fmt::print("{}", cli::agents_text(*team));
  return cli::exit_sealed;
}

int model_server(const cli::ModelServerCommand& command) {
  scripted::ModelServerMain options;
  options.scenario = command.scenario;
  options.server.port = static_cast<std::uint16_t>(command.port);
  if (!options.scenario.empty()) return scripted::model_server_main(options);
  // No scenario: the demo's, from a file that lives as long as the server.
  auto path = std::filesystem::temp_directory_path() /
              ("muster-demo-scenario-" + std::to_string(::getpid()) + ".json");
  std::ofstream(path) << demo_scenario();
  options.scenario = path.string();
  auto code = scripted::model_server_main(options);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return code;
}

namespace {

std::vector<cli::DoctorFacts::LanguageServer> servers_for_doctor(
    const config::LoadReport& report, const config::WorkspacePaths& paths,
    const config::Environment& environment) {
  std::vector<cli::DoctorFacts::LanguageServer> out;
  if (!report.loaded) return out;
  const auto& config = report.loaded->config;
  for (auto& one :
       lsp::workspace_servers(config.language_servers, server_place(config, paths, environment)))
    out.push_back({one.language, one.server, one.files, std::move(one.problem)});
  return out;
}

}  // namespace

int doctor(const cli::DoctorCommand& command, const cli::CommandLine& line,
           const config::Environment& environment) {
  auto root = git::workspace_root(line.workspace.empty() ? "." : line.workspace)
                  .value_or(line.workspace.empty() ? "." : line.workspace);
  auto paths = config::workspace_paths(root, environment);
  if (!paths) return complain(paths.error());
  config::LoadInput input;
  input.user_file = config::user_config_file(environment);
  input.project_file = config::project_config_file(paths->workspace);
  input.environment = environment;
  cli::DoctorProbes probes;
  probes.run = [](std::vector<std::string> argv) -> Result<std::string> {
    auto output = run_command(std::move(argv), "/", {}, "", std::chrono::seconds(5), 4096);
    if (!output) return output.error();
    return output->out;
  };
  probes.reach = reach_endpoint;
  KeyCommands keys;
  probes.ask_key = std::ref(keys);
  probes.journals = verify_journals;
  const auto report = config::load_report(input);
  probes.language_servers = [&] { return servers_for_doctor(report, *paths, environment); };
  auto checks = cli::judge(cli::gather_facts(report, environment, paths->state_dir, probes));
  if (command.json)
    fmt::print("{}\n", cli::doctor_json(checks).dump(2));
  else
    fmt::print("{}", cli::doctor_text(checks));
  return cli::doctor_exit_code(checks);
}

}  // namespace muster::commands
