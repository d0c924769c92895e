// Where credentials and histories lie.

#include <algorithm>

#include "runtime/core/command_checker.hpp"
#include "runtime/core/glob.hpp"
#include "runtime/core/paths.hpp"

namespace muster::policy {
namespace {

/// Parts of a path that say it all, wherever they stand.
const std::vector<std::string_view>& secret_parts() {
  static const auto table = names(
      ".ssh .aws .azure .gnupg .kube .password-store .netrc _netrc .git-credentials .pypirc "
      ".pgpass "
      ".vault-token .s3cfg .boto .bash_history .zsh_history .sh_history .ksh_history "
      ".python_history "
      ".node_repl_history .mysql_history .psql_history .sqlite_history .rediscli_history "
      ".irb_history "
      ".local/share/fish/fish_history .docker/config.json .config/gcloud .config/gh .config/hub "
      ".config/op .config/doctl .cargo/credentials .cargo/credentials.toml .gem/credentials "
      ".terraform.d/credentials.tfrc.json .m2/settings.xml .local/share/keyrings .mozilla "
      ".config/google-chrome .config/chromium .config/muster .local/share/opencode/auth.json "
      ".codex/auth.json "
      ".claude/.credentials.json id_rsa id_dsa id_ecdsa id_ed25519");
  return table;
}

/// Absolute places.
const std::vector<std::string_view>& secret_places() {
  static const auto table = names(
      "/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/sudoers /etc/sudoers.d "
      "/etc/ssl/private "
      "/etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ed25519_key /etc/ssh/ssh_host_ecdsa_key "
      "/etc/krb5.keytab /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock "
      "/run/podman/podman.sock /var/run/secrets /run/secrets /proc/kcore /dev/mem /dev/kmem "
      "/var/lib/docker");
  return table;
}

bool has_part(const std::string& path, std::string_view part) {
  const auto wanted = "/" + std::string(part);
  for (auto at = path.find(wanted); at != std::string::npos; at = path.find(wanted, at + 1)) {
    const auto end = at + wanted.size();
    if (end == path.size() || path[end] == '/') return true;
  }
  return false;
}

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) out.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

/// As a shell matches one part: a leading dot must be written.
bool part_means(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  return glob_match(pattern, name);
}

/// Could a pattern with globs mean `place` or something in it?
bool could_mean(const std::string& pattern, std::string_view place) {
  if (pattern.find("/**/") != std::string::npos) return glob_match(pattern, place);
  const auto wanted = parts_of(place), given = parts_of(pattern);
  if (given.size() < wanted.size()) return false;
  return std::equal(wanted.begin(), wanted.end(), given.begin(),
                    [](auto name, auto part) { return part_means(part, name); });
}

/// "/proc/<pid>/environ" and its like.
bool is_process_memory(std::string_view path) {
  return path.starts_with("/proc/") && (path.ends_with("/environ") || path.ends_with("/mem"));
}

bool glob_could_be_secret(const std::string& path, std::string_view home) {
  const auto means = [&](std::string_view place) { return could_mean(path, place); };
  const auto means_at_home = [&](std::string_view part) {
    return could_mean(path, std::string(home) + "/" + std::string(part));
  };
  return std::any_of(secret_places().begin(), secret_places().end(), means) ||
         std::any_of(secret_parts().begin(), secret_parts().end(), means_at_home);
}

}  // namespace

bool is_secret_path(std::string_view path, bool glob, std::string_view home) {
  const std::string text(path);
  for (const auto place : secret_places())
    if (path_within(place, path)) return true;
  for (const auto part : secret_parts())
    if (has_part(text, part)) return true;
  for (const auto* disk : {"/dev/sd", "/dev/nvme", "/dev/vd", "/dev/hd", "/dev/mapper/", "/dev/dm-",
                           "/dev/disk/", "/dev/xvd"})
    if (path.starts_with(disk)) return true;
  if (is_process_memory(path) || path == std::string(home) + "/.npmrc") return true;
  return glob && glob_could_be_secret(text, home);
}

bool is_home_key(std::string_view path, std::string_view home) {
  if (!path_below(home, path)) return false;
  for (const auto* ending : {".pem", ".key", ".p12", ".pfx", ".kdbx", ".keystore", ".ppk"})
    if (path.ends_with(ending)) return true;
  return false;
}

bool is_env_file(std::string_view path, bool glob) {
  const auto name = base_name(path);
  if (glob && name.starts_with('.') && glob_match(name, ".env")) return true;
  if (name != ".env" && !name.starts_with(".env.") && name != ".envrc") return false;
  for (const auto* example : {"example", "sample", "template", "dist", "defaults"})
    if (name.ends_with(example)) return false;
  return true;
}

}  // namespace muster::policy
