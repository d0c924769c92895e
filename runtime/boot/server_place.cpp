#include "runtime/boot/server_place.hpp"

namespace muster {

lsp::ServerPlace server_place(const config::Config& config, const config::WorkspacePaths& paths,
                              const config::Environment& environment) {
  lsp::ServerPlace out;
  out.workspace = paths.workspace;
  out.trusted = config.language_servers.trusts(out.workspace);
  out.path_variable = config::variable(environment, "PATH");
  for (const auto& [name, provider] : config.providers)
    if (!provider.api_key_env.empty()) out.unset_env.push_back(provider.api_key_env);
  return out;
}

}  // namespace muster
