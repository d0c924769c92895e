#include "adapters/files/file_policy.hpp"

#include <algorithm>
#include <utility>

#include "runtime/core/text.hpp"

namespace muster::files {
namespace {

Result<std::vector<Glob>> compile_all(const std::vector<std::string>& patterns) {
  std::vector<Glob> globs;
  for (const std::string& pattern : patterns) {
    auto glob = Glob::compile("**/" + to_lower(pattern));
    if (!glob) return glob.error();
    globs.push_back(std::move(*glob));
  }
  return globs;
}

bool any_matches(const std::vector<Glob>& globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const Glob& glob) { return glob.matches(path); });
}

bool has_component(std::string_view path, std::string_view name) {
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part == name) return true;
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  return false;
}

}  // namespace

PolicyPatterns default_patterns() {
  return PolicyPatterns{{".env",
                         ".env.*",
                         "*.env",
                         ".envrc",
                         ".netrc",
                         "_netrc",
                         ".npmrc",
                         ".yarnrc.yml",
                         ".pypirc",
                         ".pgpass",
                         ".my.cnf",
                         ".git-credentials",
                         ".htpasswd",
                         "*.pem",
                         "*.key",
                         "*.p12",
                         "*.pfx",
                         "*.jks",
                         "*.keystore",
                         "*.kdbx",
                         "*.ppk",
                         "id_rsa",
                         "id_dsa",
                         "id_ecdsa",
                         "id_ed25519",
                         "*_rsa",
                         "*_ed25519",
                         "credentials.json",
                         "service-account*.json",
                         "secrets.yml",
                         "secrets.yaml",
                         "secrets.json",
                         "*.tfstate",
                         "*.tfstate.backup",
                         "*.tfvars",
                         ".ssh/**",
                         ".aws/**",
                         ".gnupg/**",
                         ".azure/**",
                         ".config/gcloud/**",
                         ".kube/config",
                         ".docker/config.json",
                         ".cargo/credentials*",
                         ".gem/credentials",
                         ".terraformrc"},
                        {".env.example", ".env.sample", ".env.template", ".env.dist",
                         ".env.defaults", "*.example.env", "example.env", "*.pub"}};
}

Result<FilePolicy> FilePolicy::compile(const PolicyPatterns& patterns) {
  FilePolicy policy;
  auto denied = compile_all(patterns.denied);
  if (!denied) return denied.error();
  auto allowed = compile_all(patterns.allowed);
  if (!allowed) return allowed.error();
  policy.denied_ = std::move(*denied);
  policy.allowed_ = std::move(*allowed);
  return policy;
}

std::optional<std::string> FilePolicy::refusal(std::string_view path) const {
  const std::string lower = to_lower(path);
  if (has_component(lower, ".git")) return "git's own files are not for agents";
  if (!any_matches(denied_, lower) || any_matches(allowed_, lower)) return std::nullopt;
  return "it may hold credentials, which are not shown to agents";
}

}  // namespace muster::files
