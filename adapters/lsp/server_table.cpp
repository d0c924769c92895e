#include "adapters/lsp/server_table.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

namespace muster::lsp {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_program(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder.ends_with('/') ? folder : folder + "/");
}

/// Where a program or its folder really lies; itself when that cannot be told.
std::string resolved(const std::string& path) {
  std::error_code error;
  const auto out = fs::canonical(path, error);
  return error ? path : out.string();
}

/// Whether a workspace that is not trusted could have put it there.
bool is_foreign(const std::string& program, const ServerPlace& place) {
  if (place.trusted) return false;
  return is_below(program, place.workspace) || is_below(resolved(program), place.workspace);
}

std::vector<std::string> folders_of(std::string_view path_variable) {
  std::vector<std::string> out;
  while (!path_variable.empty()) {
    const auto end = std::min(path_variable.find(':'), path_variable.size());
    if (path_variable.starts_with('/')) out.emplace_back(path_variable.substr(0, end));
    path_variable.remove_prefix(std::min(end + 1, path_variable.size()));
  }
  return out;
}

/// `file` in the nearest node_modules around the program's own file.
std::optional<std::string> own_module(const std::string& program, const std::string& file,
                                      const ServerPlace& place) {
  for (fs::path at = fs::path(resolved(program)).parent_path(); at.has_relative_path();
       at = at.parent_path()) {
    const auto found = (at / "node_modules" / file).string();
    std::error_code ignored;
    if (fs::is_regular_file(found, ignored) && !is_foreign(found, place)) return found;
  }
  return std::nullopt;
}

Error missing(const config::LanguageServer& server, const std::string& what) {
  auto message = what + " is not installed";
  if (!server.install.empty()) message += " (" + server.install + ")";
  return {ErrorCode::not_found, std::move(message), server.name};
}

/// Options are objects by the schema; the module's place is added when it must be.
Result<json> options_of(const config::LanguageServer& server, const ServerPlace& place,
                        const std::string& program) {
  auto options = json::parse(server.initialization_options, nullptr, false);
  if (!options.is_object()) options = json::object();
  if (!server.own_module_file.empty() && !place.trusted) {
    const auto own = own_module(program, server.own_module_file, place);
    if (!own)
      return Error{ErrorCode::not_found,
                   "there is no " + server.own_module_file + " beside " + server.command +
                       ", and the workspace's own is not run, since the workspace is not trusted",
                   server.name};
    const json::json_pointer at(server.own_module_option);
    if (options.contains(at.parent_pointer()) && !options[at.parent_pointer()].is_object())
      options[at.parent_pointer()] = json::object();
    options[at] = *own;
  }
  return options.empty() ? json() : options;
}

}  // namespace

std::vector<ServerMatch> servers_of(const config::LanguageServers& table, std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  std::vector<ServerMatch> out;
  for (const auto& server : table.servers) {
    if (!server.enabled) continue;
    std::size_t longest = 0;
    ServerMatch match{&server, ""};
    for (const auto& [end, language] : server.files) {
      const bool fits =
          end.starts_with('.') ? name.size() > end.size() && name.ends_with(end) : name == end;
      if (!fits || end.size() <= longest) continue;
      longest = end.size();
      match.language_id = language;
    }
    if (longest > 0) out.push_back(std::move(match));
  }
  return out;
}

bool has_root_marker(const config::LanguageServer& server, const std::string& folder) {
  return std::any_of(server.root_markers.begin(), server.root_markers.end(),
                     [&](const std::string& marker) {
                       std::error_code ignored;
                       return fs::exists(fs::path(folder) / marker, ignored);
                     });
}

std::string server_root(const config::LanguageServer& server, const std::string& workspace,
                        const std::string& path) {
  for (fs::path at = fs::path(path).parent_path(); is_below(at.string(), workspace);
       at = at.parent_path()) {
    if (has_root_marker(server, at.string())) return at.string();
    if (at == at.parent_path()) break;
  }
  return workspace;
}

Result<std::string> find_program(const std::string& command, const ServerPlace& place) {
  if (command.starts_with('/')) {
    if (is_program(command)) return command;
    return Error{ErrorCode::not_found, "there is no program " + command};
  }
  if (place.trusted) {
    auto own = place.workspace + "/node_modules/.bin/" + command;
    if (is_program(own)) return own;
  }
  for (const auto& folder : folders_of(place.path_variable)) {
    auto program = folder + "/" + command;
    if (is_program(program) && !is_foreign(program, place)) return program;
  }
  return Error{ErrorCode::not_found, command + " is not in PATH"};
}

Result<ClientOptions> client_options(const config::LanguageServers& table,
                                     const config::LanguageServer& server, const ServerPlace& place,
                                     const std::string& root) {
  if (server.runs_project_code && !place.trusted)
    return Error{ErrorCode::permission_denied,
                 server.command +
                     " runs code of the project that it loads, and this workspace is not trusted "
                     "(language_servers.trusted_workspaces, or --trust-workspace)",
                 server.name};
  const auto program = find_program(server.command, place);
  if (!program) return missing(server, server.command);
  for (const auto& needed : server.needs)
    if (!find_program(needed, place)) return missing(server, needed + ", which it needs,");
  auto options = options_of(server, place, *program);
  if (!options) return options.error();
  ClientOptions out;
  out.name = server.command.substr(server.command.rfind('/') + 1);
  out.argv = {*program};
  out.argv.insert(out.argv.end(), server.args.begin(), server.args.end());
  out.env = server.env;
  out.unset_env = place.unset_env;
  out.root = root;
  out.initialization_options = std::move(*options);
  out.settings = json::parse(server.settings, nullptr, false);
  if (!out.settings.is_object()) out.settings = json::object();
  out.background_progress = server.background_progress;
  out.start_timeout = std::chrono::milliseconds(table.start_ms);
  if (table.max_memory_mb)
    out.max_memory_bytes = static_cast<std::uint64_t>(*table.max_memory_mb) << 20U;
  out.helper_binary = place.helper_binary;
  return out;
}

CheckOptions check_options(const config::LanguageServers& table,
                           const config::LanguageServer& server) {
  return {std::chrono::milliseconds(server.settle_ms), std::chrono::milliseconds(table.file_ms)};
}

}  // namespace muster::lsp
