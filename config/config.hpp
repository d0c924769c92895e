#pragma once
// The configuration as the engine uses it: typed, complete, validated.

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/model_name.hpp"
#include "runtime/core/result.hpp"

namespace muster::config {

/// A bound; nullopt = unlimited, 0 = none.
using Limit = std::optional<std::int64_t>;
/// Environment variables by name.
using Environment = std::map<std::string, std::string>;

/// Environment of this process, as it is now.
[[nodiscard]] Environment process_environment();

/// What is known about one model of a provider.
struct ModelProfile {
  std::optional<std::int64_t> context_window;  ///< tokens
  std::optional<std::int64_t> max_output_tokens;
  std::optional<double> input_price;  ///< USD per million tokens
  std::optional<double> output_price;
};

/// An OpenAI-compatible endpoint.
struct Provider {
  std::string name;
  std::string base_url;  ///< without a slash at its end
  std::string api_key;   ///< secret
  std::string api_key_env;
  std::vector<std::string> api_key_command;    ///< an argument vector; its output is the key
  std::map<std::string, std::string> headers;  ///< values may be secret
  std::string max_tokens_field = "max_tokens";
  std::optional<std::int64_t> context_window;
  std::optional<double> temperature;
  std::map<std::string, ModelProfile> models;
};

/// Bounds on model calls in flight. Names in the maps are lower case: providers, "provider/model",
/// roles.
struct SessionLimits {
  Limit global = 50;
  Limit per_lane;
  std::map<std::string, Limit> per_provider;
  std::map<std::string, Limit> per_model;
  std::map<std::string, Limit> per_agent;
  Limit acquire_timeout_ms = 300000;
};

struct Limits {
  SessionLimits sessions;
  Limit jobs = 8;
  Limit workers = 8;
  Limit iterations = 20;
  Limit steps_per_task = 100;
  Limit attempts_per_task = 12;
  Limit review_rounds = 3;
  Limit max_files_per_task = 3;
  Limit max_tasks = 200;
  std::optional<double> max_cost_usd;
  Limit max_time_ms;
  Limit max_tokens;
  Limit mailbox = 1000;  ///< messages that wait for an actor: more, and growing, is told
};

/// Milliseconds; nullopt = no timeout.
struct Timeouts {
  Limit model_idle_ms = 60000;
  Limit model_total_ms = 600000;
  Limit shell_ms = 120000;
  Limit verification_ms = 600000;
  Limit session_ms;
  std::int64_t diagnostics_ms = 120000;  ///< of language servers, for one candidate
  Limit handler_ms = 1000;  ///< an actor that is longer at one message is told; nothing is cut
};

/// How a person is called who looks elsewhere.
struct Notify {
  bool bell = true;
  std::vector<std::string> command;  ///< an argument vector; empty: none
};

/// When finished missions are compressed; nullopt = never for that reason.
struct Archive {
  Limit keep = 20;
  Limit after_days = 30;
};

/// The OpenCode of missions that nobody asked for in one.
struct OpenCode {
  std::string binary = "opencode";  ///< started as `serve`, looked up in PATH
  std::string url;                  ///< of a server that runs already, instead
};

/// A program that knows a language (Language Server Protocol).
struct LanguageServer {
  std::string name;  ///< the language, as the configuration calls it
  bool enabled = true;
  std::string command;  ///< looked up in PATH, or an absolute path
  std::vector<std::string> args;
  std::map<std::string, std::string> env;    ///< added to its environment
  std::vector<std::string> needs;            ///< programs without which it finds nothing
  std::map<std::string, std::string> files;  ///< end of a name, or a whole name -> language id
  std::vector<std::string> root_markers;
  std::string install;                        ///< how to get it, for people
  std::string initialization_options = "{}";  ///< JSON text
  std::string settings = "{}";                ///< JSON text
  std::vector<std::string> background_progress;
  std::string own_module_file;    ///< empty = none
  std::string own_module_option;  ///< JSON pointer into initialization_options
  bool runs_project_code = false;
  std::int64_t settle_ms = 500;
};

struct LanguageServers {
  std::vector<LanguageServer> servers;  ///< by name; those that are switched off, too
  std::vector<std::string> trusted_workspaces;
  Limit max_memory_mb = 4096;
  std::int64_t start_ms = 60000;
  std::int64_t file_ms = 60000;
  std::int64_t max_servers = 4;
  std::int64_t idle_ms = 300000;

  /// Whether the user trusts this workspace, an absolute path, with running code of its own.
  [[nodiscard]] bool trusts(std::string_view workspace) const;
};

enum class Isolation { worktree, shared };
enum class Approve { none, plan };
/// Where agents' sessions run. automatic: where they were asked for (config.cpp's settle_host()).
enum class Host { automatic, direct, opencode };

/// Command prefixes on top of the built-in rules.
struct PolicyRules {
  std::vector<std::string> allow;
  std::vector<std::string> deny;
};

struct Config {
  std::optional<ModelName> model;
  std::map<std::string, ModelName> models;  ///< by role
  /// By role, "default" for the roles that are not named.
  std::map<std::string, std::vector<ModelName>> fallbacks;
  std::map<std::string, Provider> providers;  ///< by name, as written
  std::string team = "squad";
  Approve approve = Approve::none;
  Isolation isolation = Isolation::worktree;
  Host host = Host::automatic;
  OpenCode opencode;
  std::vector<std::string> links;
  std::map<std::string, std::string> commands;  ///< build | test | lint | run -> shell text
  PolicyRules policy;
  Limits limits;
  Timeouts timeouts;
  Archive archive;
  Notify notify;
  LanguageServers language_servers;
  bool diagnostics = true;  ///< candidates are checked by language servers

  /// By name, in any case; null when unknown.
  [[nodiscard]] const Provider* provider(std::string_view name) const;
  /// The role's own model, else the default one; nullopt when neither is set.
  [[nodiscard]] std::optional<ModelName> model_for(std::string_view role) const;
  /// What takes over for a role, in this order, when its model cannot be used.
  [[nodiscard]] std::vector<ModelName> fallbacks_for(std::string_view role) const;
};

/// Everything that a call to a model needs.
struct ResolvedModel {
  ModelName name;  ///< provider as the config spells it
  std::string base_url;
  std::string api_key;  ///< secret; empty = none
  std::vector<std::pair<std::string, std::string>> headers;
  std::string max_tokens_field;
  std::optional<double> temperature;
  std::int64_t context_window = 32768;  ///< tokens; 32768 when nobody says
  std::optional<std::int64_t> max_output_tokens;
  std::optional<double> input_price;  ///< USD per million tokens
  std::optional<double> output_price;
};

/// Runs an api_key_command and returns the key.
using AskKey = std::function<Result<std::string>(const std::vector<std::string>& argv)>;

/// Looks up a model; its key is api_key, else what api_key_command prints, else the variable that
/// api_key_env names. Errors: invalid_argument (unknown provider), unauthenticated (no such
/// variable, or what `ask` says; without `ask` no command is run).
Result<ResolvedModel> resolve_model(const Config& config, const ModelName& name,
                                    const Environment& environment, const AskKey& ask = {});

/// USD for so many tokens; nullopt when the prices are not known.
[[nodiscard]] std::optional<double> cost_usd(const ResolvedModel& model, std::int64_t input_tokens,
                                             std::int64_t output_tokens);

/// Decides an automatic host: OpenCode for an engine that its plugin starts, else direct. The
/// models that are configured are the direct host's; OpenCode then uses the one of the session.
void settle_host(Config& config, bool by_plugin);

/// Turns merged JSON that fits the schema into a Config. Further rules (known providers, model
/// names, relative links) are checked by config_problems().
[[nodiscard]] Config config_from_json(const nlohmann::json& merged);

/// What the schema cannot say: pairs of a JSON pointer and a sentence.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> config_problems(
    const nlohmann::json& merged);

/// Roles that `models` and `limits.sessions.per_agent` may name.
[[nodiscard]] const std::vector<std::string>& known_roles();

[[nodiscard]] std::string_view to_string(Isolation value) noexcept;
[[nodiscard]] std::string_view to_string(Approve value) noexcept;

}  // namespace muster::config
