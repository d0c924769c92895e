#include "runtime/boot/roster.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "config/tools.hpp"
#include "runtime/boot/key_commands.hpp"
#include "runtime/boot/model_router.hpp"

namespace muster {
namespace {

Result<ModelBinding> bind_model(const config::Config& config, const config::ModelName& name,
                                const config::Environment& environment, const config::AskKey& ask) {
  auto resolved = config::resolve_model(config, name, environment, ask);
  if (!resolved) return resolved.error();
  ModelBinding binding;
  binding.endpoint = {resolved->name.provider, resolved->base_url, resolved->api_key,
                      resolved->name.model, resolved->headers};
  binding.lane = lane_of(resolved->name);
  binding.params.model = resolved->name.model;
  binding.params.temperature = resolved->temperature;
  binding.params.max_tokens = resolved->max_output_tokens;
  binding.params.max_tokens_field = resolved->max_tokens_field;
  binding.context_window = resolved->context_window;
  binding.input_price = resolved->input_price.value_or(0);
  binding.output_price = resolved->output_price.value_or(0);
  return binding;
}

/// OpenCode keeps the conversation and its window; `model` is its name there, empty = the
/// session's.
ModelBinding hosted_binding(const std::string& model) {
  constexpr std::int64_t no_window_of_ours = 1'000'000'000;
  ModelBinding binding;
  binding.endpoint.provider = hosted_provider;
  binding.endpoint.model = model;
  binding.lane = "opencode/" + (model.empty() ? "session" : model);
  binding.params.model = model;
  binding.context_window = no_window_of_ours;
  return binding;
}

/// The role's own model and what takes over for it, each once.
class Chain {
 public:
  Chain(const config::Config& config, const config::Environment& environment,
        const std::function<void(const std::string&)>& warn)
      : config_(config), environment_(environment), warn_(warn) {}

  Result<std::vector<ModelBinding>> of(const std::string& role) {
    std::vector<ModelBinding> out;
    const auto first = config_.model_for(role);
    if (config_.host == config::Host::opencode)
      return std::vector{hosted_binding(first ? first->text() : std::string())};
    if (!first) return out;
    auto binding = bind_model(config_, *first, environment_, std::ref(keys_));
    if (!binding) return binding.error();
    out.push_back(std::move(*binding));
    for (const auto& name : config_.fallbacks_for(role)) add(out, name);
    return out;
  }

 private:
  void add(std::vector<ModelBinding>& out, const config::ModelName& name) {
    auto binding = bind_model(config_, name, environment_, std::ref(keys_));
    if (!binding) {
      if (warned_.insert(name.text()).second)
        warn_("the fallback " + name.text() + " is left out: " + binding.error().message);
      return;
    }
    const bool known = std::any_of(out.begin(), out.end(), [&](const ModelBinding& other) {
      return other.lane == binding->lane;
    });
    if (!known) out.push_back(std::move(*binding));
  }

  const config::Config& config_;
  const config::Environment& environment_;
  const std::function<void(const std::string&)>& warn_;
  std::set<std::string> warned_;
  KeyCommands keys_;
};

std::vector<std::string> tool_names(const config::AgentSpec& agent,
                                    const std::set<std::string>& left_out) {
  auto names = agent.all_tools();
  names.erase(std::remove_if(names.begin(), names.end(),
                             [&](const std::string& name) { return left_out.contains(name); }),
              names.end());
  return names;
}

Result<ChatFragment> tools_of(const std::vector<std::string>& names) {
  std::vector<ToolSpec> specs;
  for (const auto& tool : config::tool_specs())
    if (std::find(names.begin(), names.end(), tool.name) != names.end())
      specs.push_back(
          {std::string(tool.name), std::string(tool.description), std::string(tool.schema)});
  return tools_fragment(specs);
}

RunRight right_of(config::Runs runs) {
  switch (runs) {
    case config::Runs::all:
      return RunRight::all;
    case config::Runs::verification:
      return RunRight::verification;
    default:
      return RunRight::none;
  }
}

}  // namespace

std::string lane_of(const config::ModelName& name) { return name.text(); }

Result<Roster> make_roster(const config::Config& config, const config::Team& team,
                           const config::Environment& environment,
                           const std::set<std::string>& left_out,
                           const std::function<void(const std::string&)>& warn) {
  auto roles = team.roles;
  if (!roles.contains("searcher")) {  // `muster search` works with every team
    auto searcher = config::builtin_agent("searcher");
    if (!searcher) return searcher.error();
    roles["searcher"] = *searcher;
  }
  Roster roster;
  Chain chain(config, environment, warn);
  for (const auto& [role, agent] : roles) {
    AgentProfile profile;
    profile.role = role;
    profile.agent = agent.name;
    profile.system_prompt = agent.prompt;
    const auto names = tool_names(agent, left_out);
    auto tools = tools_of(names);
    if (!tools) return tools.error();
    profile.tools = *tools;
    profile.tool_names.insert(names.begin(), names.end());
    profile.final_tools.insert(agent.final_tools.begin(), agent.final_tools.end());
    profile.writes = agent.rights.writes;
    profile.runs = right_of(agent.rights.runs);
    auto models = chain.of(role);
    if (!models) return models.error();
    profile.models = std::move(*models);
    roster[role] = std::make_shared<const AgentProfile>(std::move(profile));
  }
  return roster;
}

}  // namespace muster
