#include "runtime/boot/engine.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "actors/language_tools.hpp"
#include "actors/mission_replay.hpp"
#include "adapters/files/builtin_checks.hpp"
#include "adapters/files/local_workspace_files.hpp"
#include "adapters/files/projection.hpp"
#include "adapters/git/git_version_control.hpp"
#include "adapters/http/http_client.hpp"
#include "adapters/index/code_index.hpp"
#include "adapters/io/descriptor_limit.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/io/wall_clock.hpp"
#include "adapters/io/worker_pool.hpp"
#include "adapters/lsp/lsp_port.hpp"
#include "adapters/lsp/workspace_servers.hpp"
#include "adapters/model/direct_model.hpp"
#include "adapters/opencode/hosted_model.hpp"
#include "adapters/process/uv_process.hpp"
#include "adapters/store/lane_memory.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "adapters/treesitter/shell_parser.hpp"
#include "adapters/treesitter/tree_sitter_code.hpp"
#include "adapters/treesitter/tree_sitter_syntax.hpp"
#include "runtime/boot/actor_stats.hpp"
#include "runtime/boot/actor_tree.hpp"
#include "runtime/boot/archiver.hpp"
#include "runtime/boot/command_guard.hpp"
#include "runtime/boot/memory_trim.hpp"
#include "runtime/boot/model_router.hpp"
#include "runtime/boot/roster.hpp"
#include "runtime/boot/server_place.hpp"
#include "runtime/boot/survey.hpp"
#include "runtime/boot/watchdog.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto request_deadline = 10s;
constexpr std::size_t pool_threads = 4;

std::chrono::milliseconds ms_or(const config::Limit& limit, std::chrono::milliseconds unlimited) {
  return limit ? std::chrono::milliseconds(*limit) : unlimited;
}

std::optional<std::size_t> slots_of(const config::Limit& limit) {
  if (!limit) return std::nullopt;
  return static_cast<std::size_t>(std::max<std::int64_t>(*limit, 0));
}

std::map<std::string, SlotLimit> slots_of(const std::map<std::string, config::Limit>& limits) {
  std::map<std::string, SlotLimit> out;
  for (const auto& [name, limit] : limits) out[name] = slots_of(limit);
  return out;
}

SchedulerConfig scheduler_config(const config::Config& config) {
  SchedulerConfig out;
  const auto& sessions = config.limits.sessions;
  out.limits.global = slots_of(sessions.global);
  out.limits.default_lane = slots_of(sessions.per_lane);
  out.limits.providers = slots_of(sessions.per_provider);
  out.limits.lanes = slots_of(sessions.per_model);
  out.limits.agents = slots_of(sessions.per_agent);
  out.seed = std::random_device{}();
  return out;
}

SessionLimits session_limits(const config::Config& config) {
  SessionLimits out;
  auto day = std::chrono::milliseconds(24h);
  out.steps = static_cast<int>(config.limits.steps_per_task.value_or(1000000));
  out.acquire = ms_or(config.limits.sessions.acquire_timeout_ms, day);
  out.model_idle = ms_or(config.timeouts.model_idle_ms, day);
  out.model_total = ms_or(config.timeouts.model_total_ms, day);
  out.shell = ms_or(config.timeouts.shell_ms, day);
  out.shell_max = std::max(out.shell, out.shell_max);
  if (config.timeouts.session_ms)
    out.session = std::chrono::milliseconds(*config.timeouts.session_ms);
  return out;
}

/// Names of variables that hold keys: no command may see them.
std::vector<std::string> hidden_variables(const config::Config& config) {
  std::vector<std::string> out{"MUSTER_SOCKET"};
  for (const auto& [name, provider] : config.providers)
    if (!provider.api_key_env.empty()) out.push_back(provider.api_key_env);
  return out;
}

WatchdogLimits watchdog_limits(const config::Config& config) {
  WatchdogLimits out;
  out.late_ms = config.timeouts.handler_ms;
  out.mailbox.reset();
  if (config.limits.mailbox) out.mailbox = static_cast<std::uint64_t>(*config.limits.mailbox);
  return out;
}

UvProcessPort::Options process_options(const EngineOptions& options) {
  UvProcessPort::Options out;
  out.helper_binary = options.program;
  out.say = [](const std::string& what) { spdlog::debug("{}", what); };
  return out;
}

/// Where commands may not reach, and where they may write besides their tree.
CommandPlaces command_places(const EngineOptions& options) {
  CommandPlaces out;
  auto home = options.environment.find("HOME");
  out.home = home == options.environment.end() ? "/root" : home->second;
  out.workspace = options.paths.workspace;
  out.journal = options.paths.state_dir + "/journal";
  return out;
}

/// Views ask for the status several times a second, and show no actors.
bool wants_actors(const std::string& params) {
  auto in = nlohmann::json::parse(params, nullptr, false);
  return in.is_object() && in.contains("actors") && in["actors"] == true;
}

LanguagesConfig languages_config(const config::Config& config) {
  LanguagesConfig out;
  out.max_servers = static_cast<std::size_t>(config.language_servers.max_servers);
  out.server.idle = std::chrono::milliseconds(config.language_servers.idle_ms);
  return out;
}

lsp::ServerPlace engine_place(const EngineOptions& options) {
  auto out = server_place(options.config, options.paths, options.environment);
  out.unset_env.push_back("MUSTER_SOCKET");
  out.helper_binary = options.program;
  return out;
}

/// Tools that could never answer here would only cost tokens.
std::set<std::string> useless_tools(const EngineOptions& options) {
  const bool any =
      lsp::any_workspace_server(options.config.language_servers, engine_place(options));
  return any ? std::set<std::string>() : language_tools();
}

class FunctionSink final : public NoticeSink {
 public:
  explicit FunctionSink(std::function<void(const Notice&)> function)
      : function_(std::move(function)) {}
  bool offer(const Notice& notice) override {
    function_(notice);
    return true;
  }

 private:
  std::function<void(const Notice&)> function_;
};

}  // namespace

bool shares_tree(const config::Config& config, MissionKind kind) {
  return config.isolation == config::Isolation::shared &&
         (kind == MissionKind::run || kind == MissionKind::fix);
}

/// Order is destruction order reversed: actors end before the threads that serve them.
struct Engine::Parts {
  explicit Parts(EngineOptions given)
      : options(std::move(given)),
        pool(std::make_shared<WorkerPool>(pool_threads)),
        processes(std::make_shared<UvProcessPort>(loop, process_options(options))),
        http(std::make_unique<http::HttpClient>(loop)),
        direct_model(std::make_unique<model::DirectModel>(*http)),
        host_link(loop),
        hosted_model(loop, host_link),
        model(*direct_model, hosted_model),
        system_config(options.threads
                          ? options.threads
                          : std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 4)) {}

  EngineOptions options;
  IoLoop loop;
  std::shared_ptr<WorkerPool> pool;
  std::shared_ptr<UvProcessPort> processes;
  std::unique_ptr<http::HttpClient> http;
  std::unique_ptr<model::DirectModel> direct_model;
  opencode::HostLink host_link;
  opencode::HostedModel hosted_model;
  ModelRouter model;
  std::shared_ptr<SqliteStore> store;
  TreeSitterShellParser parser;
  TreeSitterSyntax syntax;
  std::shared_ptr<SyntaxGate> syntax_gate = std::make_shared<SyntaxGate>(syntax);
  std::shared_ptr<CodeIndexPort> code_indexes;  // of all trees of the workspace
  Roster roster;
  compat::SystemConfig system_config;
  std::shared_ptr<NoticeSinks> sinks = std::make_shared<NoticeSinks>();
  std::unique_ptr<ActorTree> tree;  // before the system: actors call it
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<Watchdog> watchdog;
  std::unique_ptr<MemoryTrim> memory_trim;
  std::mutex mutex;
  std::string mission;          ///< guarded by mutex, as is the rest
  bool stopped = false;         ///< its end was asked for
  std::string last_crash;       ///< of an actor
  std::optional<Error> failed;  ///< its end was not asked for
  std::function<void(const Error&)> on_failure;

  Status start();
  /// `kind`: of a new mission.
  [[nodiscard]] MissionDeps mission_deps(const std::string& id, std::optional<MissionKind> kind);
  Status spawn_mission(const std::string& id, std::optional<MissionStarted> start,
                       bool end_pause = false);
  [[nodiscard]] mission_actor find_mission();
  /// Asks the current mission.
  Result<std::string> ask_mission(const std::string& method, const std::string& params);
  [[nodiscard]] bool at_work();
  /// Makes `id` the current mission; one that has ended is let go.
  Status claim(const std::string& id);
  void remember_lanes(SchedulerConfig& scheduler) const;
  void archive_old(const std::string& current);
  void on_crash(const compat::Crash& crash);
  void on_supervisor(const SupervisorEvent& event);
  void on_root_end(const compat::End& how);
  void start_watchdog();
  [[nodiscard]] nlohmann::json actors() const;
  [[nodiscard]] std::string with_actors(const std::string& status) const;
};

void Engine::Parts::on_crash(const compat::Crash& crash) {
  auto text = crash.actor + ": " + crash.what;
  spdlog::error("actor {} crashed: {}", crash.actor, crash.what);
  std::lock_guard lock(mutex);
  last_crash = std::move(text);
}

void Engine::Parts::on_supervisor(const SupervisorEvent& event) {
  using Kind = SupervisorEvent::Kind;
  if (event.kind == Kind::started) return;
  if (event.kind != Kind::gave_up) {
    spdlog::debug("supervisor {}: {} {} {}", event.supervisor, event.child, to_string(event.kind),
                  event.error.message);
    return;
  }
  spdlog::error("supervisor {} gives up: {}", event.supervisor, event.error.message);
  // Nobody is above the root: front ends hear it while there is somebody to tell them.
  if (event.supervisor == "engine")
    tree->notify({"", "engine.failed", nlohmann::json{{"reason", event.error.message}}.dump()});
}

/// The root is restarted by nobody: whoever started the engine must know.
void Engine::Parts::on_root_end(const compat::End& how) {
  std::function<void(const Error&)> told;
  Error error = how.kind == compat::End::Kind::failure
                    ? how.error
                    : Error{ErrorCode::internal, "the root supervisor ended", "engine"};
  {
    std::lock_guard lock(mutex);
    if (stopped || failed) return;
    if (!last_crash.empty()) error.message += "; the last crash: " + last_crash;
    failed = error;
    told = std::exchange(on_failure, nullptr);
  }
  if (told) told(error);
}

void Engine::Parts::start_watchdog() {
  auto report = [this](const WatchdogReport& said) {
    spdlog::warn("{}", text_of(said));
    tree->notify(notice_of(said));
  };
  watchdog = std::make_unique<Watchdog>(
      system_config.meter, [this] { return compat::meter_ns(system->clock()); },
      watchdog_limits(options.config), report);
}

nlohmann::json Engine::Parts::actors() const {
  return actors_to_json(*system_config.meter, compat::meter_ns(system->clock()));
}

std::string Engine::Parts::with_actors(const std::string& status) const {
  auto out = nlohmann::json::parse(status, nullptr, false);
  if (!out.is_object()) return status;
  out["actors"] = actors();
  return out.dump();
}

/// A lane's pause and an open breaker outlive the engine.
void Engine::Parts::remember_lanes(SchedulerConfig& scheduler) const {
  auto say = [](const std::string& what) { spdlog::warn("{}", what); };
  auto lanes = std::make_shared<LaneMemory>(options.paths.state_dir + "/lanes.json", pool, say);
  scheduler.recall = [lanes] { return lanes->recall(); };
  scheduler.remember = [lanes](const std::string& lane, const std::string& health) {
    lanes->remember(lane, health);
  };
  scheduler.wall_ms = wall_ms;
}

/// Beside the mission that begins: old ones are not in its way.
void Engine::Parts::archive_old(const std::string& current) {
  ArchivePolicy policy{options.config.archive.keep, options.config.archive.after_days};
  pool->run([this, policy, current] {
    auto say = [](const std::string& what) { spdlog::warn("{}", what); };
    auto stop = [this] {
      std::lock_guard lock(mutex);
      return stopped;
    };
    archive_old_missions(*store, policy, current, wall_ms(), say, stop);
  });
}

Status Engine::Parts::start() {
  SqliteStoreConfig journal;
  journal.folder = options.paths.state_dir + "/journal";
  journal.say = [](const std::string& what) { spdlog::warn("{}", what); };
  auto opened = SqliteStore::open(std::move(journal));
  if (!opened) return opened.error();
  store = std::move(*opened);
  code_indexes = std::make_shared<index::SqliteCodeIndex>(
      index::CodeIndexOptions{index::database_in(options.paths.state_dir)});
  auto team = config::load_team(options.config.team);
  if (!team) return team.error();
  auto made = make_roster(options.config, *team, options.environment, useless_tools(options),
                          [](const std::string& what) { spdlog::warn("{}", what); });
  if (!made) return made.error();
  roster = std::move(*made);
  system_config.on_crash = [this](const compat::Crash& crash) { on_crash(crash); };
  system = std::make_unique<caf::actor_system>(system_config);

  ActorTreeParts parts;
  parts.store = store;
  parts.blocking = pool;
  parts.processes = processes;
  parts.sinks = sinks;
  parts.scheduler = scheduler_config(options.config);
  remember_lanes(parts.scheduler);
  if (auto limit = slots_of(options.config.limits.jobs)) parts.jobs.max_running = *limit;
  parts.language_port =
      std::make_shared<lsp::LspPort>(loop, options.config.language_servers, engine_place(options));
  parts.languages = languages_config(options.config);
  parts.on_event = [this](const SupervisorEvent& event) { on_supervisor(event); };
  tree = std::make_unique<ActorTree>(*system, std::move(parts));
  if (auto started = tree->start(); !started) return started;
  compat::on_end(tree->root(), [this](const compat::End& how) { on_root_end(how); });
  start_watchdog();
  memory_trim = std::make_unique<MemoryTrim>(loop, pool);
  return ok_status();
}

MissionDeps Engine::Parts::mission_deps(const std::string& id, std::optional<MissionKind> kind) {
  MissionDeps deps;
  deps.session.model = &model;
  deps.session.blocking = pool.get();
  deps.session.open_files =
      [gate = syntax_gate](const std::string& root) -> Result<std::shared_ptr<WorkspaceFiles>> {
    files::LocalFilesOptions options;
    options.root = root;
    options.syntax = gate;
    auto opened = files::LocalWorkspaceFiles::open(std::move(options));
    if (!opened) return opened.error();
    return std::shared_ptr<WorkspaceFiles>(std::move(*opened));
  };
  deps.session.open_code =
      [indexes = code_indexes](
          const std::string& root,
          std::shared_ptr<WorkspaceFiles> files) -> Result<std::shared_ptr<WorkspaceCode>> {
    return std::shared_ptr<WorkspaceCode>(std::make_shared<TreeSitterCode>(
        root, std::move(files), [indexes, root] { return indexes->open(root); }));
  };
  deps.session.guard = make_command_guard(parser, options.config.policy, command_places(options));
  deps.session.wall_ms = wall_ms;
  deps.session.hidden_env = hidden_variables(options.config);
  deps.store = store.get();
  git::GitOptions tree;
  tree.workspace = options.paths.workspace;
  tree.state_folder = options.paths.state_dir;
  tree.mission = id;
  tree.linked_folders = options.config.links;
  tree.shared_tree = kind && shares_tree(options.config, *kind);
  tree.max_trees = static_cast<std::size_t>(options.config.limits.workers.value_or(64)) * 3 + 2;
  deps.tree = std::make_shared<git::GitVersionControl>(std::move(tree));
  deps.roster = roster;
  deps.survey = [commands = options.config.commands](const std::string& root) {
    return survey_project(root, commands);
  };
  deps.builtin_check = [this](const Verification& check, const std::string& content) {
    return judge_builtin_check(check, content, parser, syntax);
  };
  deps.syntax = [gate = syntax_gate](
                    const std::string& path, const std::optional<std::string>& before,
                    const std::string& after) { return gate->findings(path, before, after); };
  deps.is_verification = make_verification_test(parser);
  auto project = std::make_shared<WorkspaceProjection>(options.paths.workspace);
  deps.project = [project](const std::string& name, const std::string& expected,
                           const std::string& text) {
    return project->write(name, expected, text);
  };
  return deps;
}

Status Engine::Parts::spawn_mission(const std::string& id, std::optional<MissionStarted> start,
                                    bool end_pause) {
  MissionSpec mission_spec;
  mission_spec.mission = id;
  mission_spec.start = std::move(start);
  mission_spec.session = session_limits(options.config);
  mission_spec.verification = ms_or(options.config.timeouts.verification_ms, 24h);
  mission_spec.new_test_rule = options.new_test_rule;
  if (options.config.diagnostics)
    mission_spec.diagnostics = std::chrono::milliseconds(options.config.timeouts.diagnostics_ms);
  mission_spec.end_pause = end_pause;
  const auto kind = mission_spec.start ? std::optional(mission_spec.start->kind) : std::nullopt;
  auto missions = tree->missions();
  if (!missions) return Error{ErrorCode::unavailable, "the engine is shutting down"};
  auto child = tree->mission_child(std::move(mission_spec),
                                   [this, id, kind] { return mission_deps(id, kind); });
  auto started = compat::ask<caf::actor>(*system, missions, request_deadline, start_child_atom_v,
                                         std::move(child));
  if (!started) return started.error();
  archive_old(id);
  return ok_status();
}

mission_actor Engine::Parts::find_mission() {
  std::string id;
  {
    std::lock_guard lock(mutex);
    id = mission;
  }
  return id.empty() ? mission_actor{} : tree->registry().whereis<mission_actor>(id);
}

Result<std::string> Engine::Parts::ask_mission(const std::string& method,
                                               const std::string& params) {
  auto current = find_mission();
  if (!current) return Error{ErrorCode::unavailable, "no mission is at work"};
  return compat::ask<std::string>(*system, current, request_deadline, control_atom_v,
                                  ControlRequest{method, params});
}

bool Engine::Parts::at_work() {
  if (!find_mission()) return false;
  auto answer = ask_mission("status", "{}");
  if (!answer) return true;  // it is still being loaded
  auto status = nlohmann::json::parse(*answer, nullptr, false);
  auto phase = enum_from<Phase>(status.is_object() ? status.value("phase", "") : "");
  return !phase || !is_terminal(*phase);
}

Status Engine::Parts::claim(const std::string& id) {
  std::string last;
  {
    std::lock_guard lock(mutex);
    last = mission;
  }
  if (!last.empty() && tree->registry().find(last)) {
    if (at_work())
      return Error{ErrorCode::conflict, "mission " + last + " is at work in this workspace"};
    if (auto missions = tree->missions())
      (void)compat::ask<Unit>(*system, missions, request_deadline, terminate_child_atom_v, last);
  }
  std::lock_guard lock(mutex);
  if (mission != last)
    return Error{ErrorCode::conflict, "mission " + mission + " is at work in this workspace"};
  mission = id;
  return ok_status();
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Engine::~Engine() { stop(); }

Result<std::unique_ptr<Engine>> Engine::start(EngineOptions options) {
  raise_descriptor_limit();  // a connection for each session: before the client counts its own
  auto parts = std::make_unique<Parts>(std::move(options));
  auto& started = *parts;
  auto engine = std::unique_ptr<Engine>(new Engine(std::move(parts)));
  if (auto status = started.start(); !status) return status.error();
  return engine;
}

std::string Engine::new_mission_id() {
  auto now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::random_device random;
  return fmt::format("{:04}{:02}{:02}-{:02}{:02}{:02}-{:04x}", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, random() & 0xffffU);
}

Status Engine::start_mission(const std::string& id, MissionStarted start) {
  if (auto claimed = parts_->claim(id); !claimed) return claimed;
  start.mission = id;
  start.workspace = parts_->options.paths.workspace;
  start.at_ms = wall_ms();
  return parts_->spawn_mission(id, std::move(start));
}

Status Engine::resume_mission(const std::string& id, bool end_pause) {
  if (auto claimed = parts_->claim(id); !claimed) return claimed;
  return parts_->spawn_mission(id, std::nullopt, end_pause);
}

std::string Engine::current_mission() const {
  std::lock_guard lock(parts_->mutex);
  return parts_->mission;
}

Result<std::string> Engine::control(const std::string& method, const std::string& params) {
  if (method == "actors") return parts_->actors().dump();
  auto answer = parts_->ask_mission(method, params);
  if (answer && method == "status" && wants_actors(params)) return parts_->with_actors(*answer);
  return answer;
}

bool Engine::mission_at_work() { return parts_->at_work(); }

Result<LastMission> Engine::last_mission() {
  auto missions = parts_->store->missions();
  if (!missions) return missions.error();
  for (const auto& known : *missions) {
    auto replayed = replay_mission(*parts_->store, known.mission);
    if (!replayed) return replayed.error();
    // A crash right at its start leaves a file without a record: no mission.
    if (!replayed->any) continue;
    const auto& state = replayed->state;
    auto end = state.notices.find("mission_ended");
    return LastMission{known.mission, is_terminal(state.phase),
                       end != state.notices.end() && end->second.told};
  }
  return Error{ErrorCode::not_found, "there is no mission in this workspace yet"};
}

void Engine::run_blocking(std::function<void()> task) { parts_->pool->run(std::move(task)); }

Status Engine::keep_host(std::shared_ptr<HostServerPort> port) {
  auto hosts = parts_->tree->hosts();
  if (!hosts) return Error{ErrorCode::unavailable, "the engine is shutting down"};
  if (parts_->tree->registry().find(KeptHostServer::name))
    return Error{ErrorCode::conflict, "a host has a server already"};
  HostServerConfig config;
  config.on_ended = [](const Error& why) { spdlog::warn("{}", why.message); };
  auto started =
      compat::ask<caf::actor>(*parts_->system, hosts, request_deadline, start_child_atom_v,
                              parts_->tree->host_child(std::move(port), std::move(config)));
  return started ? ok_status() : Status(started.error());
}

void Engine::end_host() {
  if (!parts_->tree || !parts_->system) return;
  parts_->tree->forget_host();
  if (auto hosts = parts_->tree->hosts())
    (void)compat::ask<Unit>(*parts_->system, hosts, request_deadline, terminate_child_atom_v,
                            std::string(KeptHostServer::name));
}

Result<HostServerStatus> Engine::host_status() {
  auto server = parts_->tree->registry().whereis<host_server_actor>(KeptHostServer::name);
  if (!server) return HostServerStatus{};  // its supervisor starts it again
  return compat::ask<HostServerStatus>(*parts_->system, server, request_deadline, status_atom_v);
}

void Engine::control_async(std::string method, std::string params,
                           std::function<void(Result<std::string>)> reply) {
  parts_->pool->run([this, method = std::move(method), params = std::move(params),
                     reply = std::move(reply)] { reply(control(method, params)); });
}

void Engine::subscribe(const std::string& id, std::function<void(const Notice&)> sink,
                       bool passive) {
  SinkSpec spec;
  spec.id = id;
  spec.sink = std::make_shared<FunctionSink>(std::move(sink));
  spec.capacity = 4096;
  spec.passive = passive;
  (void)compat::ask<Unit>(*parts_->system,
                          parts_->tree->registry().whereis<notifier_actor>("notifier"),
                          request_deadline, subscribe_atom_v, spec);
}

void Engine::unsubscribe(const std::string& id) {
  (void)compat::ask<Unit>(*parts_->system,
                          parts_->tree->registry().whereis<notifier_actor>("notifier"),
                          request_deadline, unsubscribe_atom_v, id);
}

void Engine::on_failure(std::function<void(const Error&)> told) {
  std::unique_lock lock(parts_->mutex);
  if (!parts_->failed) {
    parts_->on_failure = std::move(told);
    return;
  }
  const auto already = *parts_->failed;
  lock.unlock();
  told(already);
}

IoLoop& Engine::loop() { return parts_->loop; }
opencode::HostLink& Engine::host_link() { return parts_->host_link; }
opencode::HostedModel& Engine::hosted_model() { return parts_->hosted_model; }
const EngineOptions& Engine::options() const { return parts_->options; }

void Engine::stop() {
  {
    std::lock_guard lock(parts_->mutex);
    if (std::exchange(parts_->stopped, true)) return;
  }
  if (parts_->system) {
    if (parts_->tree && parts_->tree->root()) {
      caf::scoped_actor self{*parts_->system};
      self->monitor(parts_->tree->root());
      compat::stop(parts_->tree->root());
      // Ended in reverse order: missions, jobs, scheduler, journal, notifier. The budget of each
      // child bounds the wait.
      self->receive([](caf::down_msg&) {},
                    caf::after(60s) >> [] { spdlog::error("the engine did not stop in time"); });
    }
  }
  parts_->watchdog.reset();
  parts_->processes->stop();
  parts_->pool->stop();
  if (parts_->tree) parts_->tree->let_go();
  parts_->store.reset();  // its callbacks speak to actors: before the system goes
  parts_->system.reset();
  parts_->memory_trim.reset();
  parts_->host_link.detach();
  parts_->direct_model.reset();
  parts_->http.reset();
  parts_->loop.stop();
}

}  // namespace muster
