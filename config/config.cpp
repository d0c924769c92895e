#include "config/config.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace muster::config {
namespace {

using json = nlohmann::json;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

template <class T>
void set(const json& in, const char* key, T& out) {
  if (auto found = in.find(key); found != in.end()) out = found->get<T>();
}

template <class T>
void set(const json& in, const char* key, std::optional<T>& out) {
  auto found = in.find(key);
  if (found == in.end()) return;
  if (found->is_null())
    out.reset();
  else
    out = found->get<T>();
}

const json& part(const json& in, const char* key) {
  static const json empty = json::object();
  auto found = in.find(key);
  return found == in.end() ? empty : *found;
}

void set(const json& in, const char* key, std::map<std::string, Limit>& out) {
  for (const auto& [name, value] : part(in, key).items())
    out[lower(name)] = value.is_null() ? Limit{} : Limit{value.get<std::int64_t>()};
}

ModelProfile read_profile(const json& in) {
  ModelProfile out;
  set(in, "context_window", out.context_window);
  set(in, "max_output_tokens", out.max_output_tokens);
  set(in, "input_price", out.input_price);
  set(in, "output_price", out.output_price);
  return out;
}

Provider read_provider(const std::string& name, const json& in) {
  Provider out;
  out.name = name;
  set(in, "base_url", out.base_url);
  while (!out.base_url.empty() && out.base_url.back() == '/') out.base_url.pop_back();
  set(in, "api_key", out.api_key);
  set(in, "api_key_env", out.api_key_env);
  set(in, "api_key_command", out.api_key_command);
  set(in, "headers", out.headers);
  set(in, "max_tokens_field", out.max_tokens_field);
  set(in, "context_window", out.context_window);
  set(in, "temperature", out.temperature);
  for (const auto& [model, profile] : part(in, "models").items())
    out.models[model] = read_profile(profile);
  return out;
}

Limits read_limits(const json& in) {
  Limits out;
  const json& sessions = part(in, "sessions");
  set(sessions, "global", out.sessions.global);
  set(sessions, "per_lane", out.sessions.per_lane);
  set(sessions, "per_provider", out.sessions.per_provider);
  set(sessions, "per_model", out.sessions.per_model);
  set(sessions, "per_agent", out.sessions.per_agent);
  set(sessions, "acquire_timeout_ms", out.sessions.acquire_timeout_ms);
  set(in, "jobs", out.jobs);
  set(in, "workers", out.workers);
  set(in, "iterations", out.iterations);
  set(in, "steps_per_task", out.steps_per_task);
  set(in, "attempts_per_task", out.attempts_per_task);
  set(in, "review_rounds", out.review_rounds);
  set(in, "max_files_per_task", out.max_files_per_task);
  set(in, "max_tasks", out.max_tasks);
  set(in, "max_cost_usd", out.max_cost_usd);
  set(in, "max_time_ms", out.max_time_ms);
  set(in, "max_tokens", out.max_tokens);
  set(in, "mailbox", out.mailbox);
  return out;
}

Timeouts read_timeouts(const json& in) {
  Timeouts out;
  set(in, "model_idle_ms", out.model_idle_ms);
  set(in, "model_total_ms", out.model_total_ms);
  set(in, "shell_ms", out.shell_ms);
  set(in, "verification_ms", out.verification_ms);
  set(in, "session_ms", out.session_ms);
  set(in, "diagnostics_ms", out.diagnostics_ms);
  set(in, "handler_ms", out.handler_ms);
  return out;
}

LanguageServer read_language_server(const std::string& name, const json& in) {
  LanguageServer out;
  out.name = name;
  set(in, "enabled", out.enabled);
  set(in, "command", out.command);
  set(in, "args", out.args);
  set(in, "env", out.env);
  set(in, "needs", out.needs);
  set(in, "files", out.files);
  set(in, "root_markers", out.root_markers);
  set(in, "install", out.install);
  out.initialization_options = part(in, "initialization_options").dump();
  out.settings = part(in, "settings").dump();
  set(in, "background_progress", out.background_progress);
  set(part(in, "own_module"), "file", out.own_module_file);
  set(part(in, "own_module"), "option", out.own_module_option);
  set(in, "runs_project_code", out.runs_project_code);
  set(in, "settle_ms", out.settle_ms);
  return out;
}

LanguageServers read_language_servers(const json& in) {
  LanguageServers out;
  for (const auto& [name, server] : part(in, "servers").items())
    out.servers.push_back(read_language_server(name, server));
  set(in, "trusted_workspaces", out.trusted_workspaces);
  set(in, "max_memory_mb", out.max_memory_mb);
  set(in, "start_ms", out.start_ms);
  set(in, "file_ms", out.file_ms);
  set(in, "max_servers", out.max_servers);
  set(in, "idle_ms", out.idle_ms);
  return out;
}

}  // namespace

bool LanguageServers::trusts(std::string_view workspace) const {
  return std::any_of(trusted_workspaces.begin(), trusted_workspaces.end(), [&](std::string folder) {
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    if (!workspace.starts_with(folder)) return false;
    return workspace.size() == folder.size() || folder == "/" || workspace[folder.size()] == '/';
  });
}

Environment process_environment() {
  Environment out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

const Provider* Config::provider(std::string_view name) const {
  if (auto exact = providers.find(std::string(name)); exact != providers.end())
    return &exact->second;
  const std::string wanted = lower(name);
  for (const auto& [known, provider] : providers)
    if (lower(known) == wanted) return &provider;
  return nullptr;
}

std::optional<ModelName> Config::model_for(std::string_view role) const {
  if (auto own = models.find(std::string(role)); own != models.end()) return own->second;
  return model;
}

std::vector<ModelName> Config::fallbacks_for(std::string_view role) const {
  auto found = fallbacks.find(std::string(role));
  if (found == fallbacks.end()) found = fallbacks.find("default");
  return found == fallbacks.end() ? std::vector<ModelName>{} : found->second;
}

Result<ResolvedModel> resolve_model(const Config& config, const ModelName& name,
                                    const Environment& environment, const AskKey& ask) {
  const Provider* provider = config.provider(name.provider);
  if (provider == nullptr || provider->base_url.empty())
    return Error{ErrorCode::invalid_argument, "no provider '" + name.provider + "' is configured",
                 name.text()};
  ResolvedModel out;
  out.name = {provider->name, name.model};
  out.base_url = provider->base_url;
  out.api_key = provider->api_key;
  if (out.api_key.empty() && !provider->api_key_command.empty()) {
    if (!ask) return Error{ErrorCode::unauthenticated, "api_key_command was not run", name.text()};
    auto key = ask(provider->api_key_command);
    if (!key) return Error{key.error().code, key.error().text(), name.text()};
    out.api_key = *key;
  } else if (out.api_key.empty() && !provider->api_key_env.empty()) {
    const auto variable = environment.find(provider->api_key_env);
    if (variable == environment.end() || variable->second.empty())
      return Error{ErrorCode::unauthenticated,
                   "no key: set the environment variable " + provider->api_key_env, name.text()};
    out.api_key = variable->second;
  }
  out.headers.assign(provider->headers.begin(), provider->headers.end());
  out.max_tokens_field = provider->max_tokens_field;
  out.temperature = provider->temperature;
  out.context_window = provider->context_window.value_or(out.context_window);
  if (auto found = provider->models.find(name.model); found != provider->models.end()) {
    const ModelProfile& profile = found->second;
    out.context_window = profile.context_window.value_or(out.context_window);
    out.max_output_tokens = profile.max_output_tokens;
    out.input_price = profile.input_price;
    out.output_price = profile.output_price;
  }
  return out;
}

std::optional<double> cost_usd(const ResolvedModel& model, std::int64_t input_tokens,
                               std::int64_t output_tokens) {
  if (!model.input_price || !model.output_price) return std::nullopt;
  return (static_cast<double>(input_tokens) * *model.input_price +
          static_cast<double>(output_tokens) * *model.output_price) /
         1e6;
}

void settle_host(Config& config, bool by_plugin) {
  if (config.host != Host::automatic) return;
  config.host = by_plugin ? Host::opencode : Host::direct;
  if (!by_plugin) return;
  config.model.reset();
  config.models.clear();
  config.fallbacks.clear();
}

Config config_from_json(const json& merged) {
  Config out;
  const auto name = [](const json& text) {
    return std::move(parse_model_name(text.get<std::string>())).value();
  };
  if (merged.contains("model")) out.model = name(merged["model"]);
  for (const auto& [role, model] : part(merged, "models").items()) out.models[role] = name(model);
  for (const auto& [role, list] : part(merged, "fallbacks").items()) {
    auto& models = out.fallbacks[role];
    for (const json& model : list) models.push_back(name(model));
  }
  for (const auto& [key, provider] : part(merged, "providers").items())
    out.providers[key] = read_provider(key, provider);
  set(merged, "team", out.team);
  if (merged.value("approve", "none") == "plan") out.approve = Approve::plan;
  if (merged.value("isolation", "worktree") == "shared") out.isolation = Isolation::shared;
  if (merged.value("host", "auto") == "direct") out.host = Host::direct;
  if (merged.value("host", "auto") == "opencode") out.host = Host::opencode;
  set(part(merged, "opencode"), "binary", out.opencode.binary);
  set(part(merged, "opencode"), "url", out.opencode.url);
  set(merged, "links", out.links);
  set(merged, "commands", out.commands);
  set(part(merged, "policy"), "allow", out.policy.allow);
  set(part(merged, "policy"), "deny", out.policy.deny);
  out.limits = read_limits(part(merged, "limits"));
  out.timeouts = read_timeouts(part(merged, "timeouts"));
  set(part(merged, "notify"), "bell", out.notify.bell);
  set(part(merged, "notify"), "command", out.notify.command);
  set(part(merged, "archive"), "keep", out.archive.keep);
  set(part(merged, "archive"), "after_days", out.archive.after_days);
  out.language_servers = read_language_servers(part(merged, "language_servers"));
  out.diagnostics = part(merged, "verification").value("diagnostics", "on") == "on";
  return out;
}

std::string_view to_string(Isolation value) noexcept {
  return value == Isolation::shared ? "shared" : "worktree";
}

std::string_view to_string(Approve value) noexcept {
  return value == Approve::plan ? "plan" : "none";
}

}  // namespace muster::config
