#pragma once
// Which server knows a file, where the server is, and what it may do here.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/lsp/language_server.hpp"
#include "adapters/lsp/lsp_client.hpp"
#include "config/config.hpp"
#include "runtime/core/result.hpp"

namespace muster::lsp {

/// The workspace that servers work in.
struct ServerPlace {
  std::string workspace;               ///< absolute, links resolved
  bool trusted = false;                ///< may bring programs of its own and have its code run
  std::string path_variable;           ///< PATH
  std::vector<std::string> unset_env;  ///< variables that servers do not get: keys
  std::string helper_binary = "/proc/self/exe";
};

/// A file and one server that knows it.
struct ServerMatch {
  const config::LanguageServer* server = nullptr;
  std::string language_id;
};

/// All servers that are switched on and know a file of this name; the longest end that fits
/// decides. Pure.
[[nodiscard]] std::vector<ServerMatch> servers_of(const config::LanguageServers& table,
                                                  std::string_view path);

/// The folder that a server is started for: the nearest one above the file, within the workspace,
/// with a root marker in it, else the workspace. Looks at the file system.
[[nodiscard]] std::string server_root(const config::LanguageServer& server,
                                      const std::string& workspace, const std::string& path);

/// Whether one of the server's root markers is in that folder. Looks at the file system.
[[nodiscard]] bool has_root_marker(const config::LanguageServer& server, const std::string& folder);

/// The program behind a command: an absolute path as it is; a name in the workspace's
/// node_modules/.bin when the workspace is trusted, else in PATH. What PATH has in a workspace that
/// is not trusted, or names relatively, is passed over: that is where a cloned repository would put
/// a program. Errors: not_found.
[[nodiscard]] Result<std::string> find_program(const std::string& command,
                                               const ServerPlace& place);

/// Everything that starting this server for `root` needs. Errors, one sentence for a person each:
/// not_found (it, something that it needs or a module of its own is not installed; with the way to
/// install it), permission_denied (it would run the project's code and the workspace is not
/// trusted).
[[nodiscard]] Result<ClientOptions> client_options(const config::LanguageServers& table,
                                                   const config::LanguageServer& server,
                                                   const ServerPlace& place,
                                                   const std::string& root);

[[nodiscard]] CheckOptions check_options(const config::LanguageServers& table,
                                         const config::LanguageServer& server);

}  // namespace muster::lsp
