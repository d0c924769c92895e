#include "adapters/lsp/server_features.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "adapters/lsp/file_uri.hpp"
#include "runtime/core/json_read.hpp"
#include "runtime/core/text.hpp"

namespace muster::lsp {
namespace {

using nlohmann::json;

constexpr std::size_t max_registrations = 1000;

/// Request -> key of the server's capabilities.
const std::map<std::string, std::string>& capability_keys() {
  static const std::map<std::string, std::string> keys{
      {"textDocument/definition", "definitionProvider"},
      {"textDocument/references", "referencesProvider"},
      {"textDocument/hover", "hoverProvider"},
      {"textDocument/rename", "renameProvider"},
      {"textDocument/diagnostic", "diagnosticProvider"}};
  return keys;
}

json client_capabilities() {
  const json dynamic{{"dynamicRegistration", true}};
  return {
      {"general", {{"positionEncodings", {"utf-16", "utf-8"}}}},
      {"window", {{"workDoneProgress", true}, {"showMessage", json::object()}}},
      {"workspace",
       {{"configuration", true},
        {"workspaceFolders", true},
        {"didChangeConfiguration", dynamic},
        {"diagnostics", {{"refreshSupport", true}}},
        {"workspaceEdit", {{"documentChanges", true}, {"failureHandling", "abort"}}}}},
      {"textDocument",
       {{"synchronization", {{"dynamicRegistration", true}, {"didSave", false}}},
        {"publishDiagnostics",
         {{"relatedInformation", false}, {"versionSupport", true}, {"dataSupport", false}}},
        {"diagnostic", {{"dynamicRegistration", true}, {"relatedDocumentSupport", false}}},
        {"definition", {{"dynamicRegistration", true}, {"linkSupport", true}}},
        {"references", dynamic},
        {"rename", {{"dynamicRegistration", true}, {"prepareSupport", false}}},
        {"hover", {{"dynamicRegistration", true}, {"contentFormat", {"markdown", "plaintext"}}}}}}};
}

/// A provider is true, or an object with its options.
bool is_offered(const json& provider) {
  return provider.is_object() || (provider.is_boolean() && provider.get<bool>());
}

Encoding encoding_of(const json& capabilities) {
  const auto name = json_text(capabilities, "positionEncoding");
  if (name == "utf-8") return Encoding::utf8;
  return name == "utf-32" ? Encoding::utf32 : Encoding::utf16;
}

}  // namespace

json initialize_params(const std::string& root, const json& options) {
  const auto uri = file_uri(root);
  json out{
      {"processId", ::getpid()},
      {"clientInfo", {{"name", "muster"}, {"version", MUSTER_VERSION}}},
      {"rootUri", uri},
      {"rootPath", root},
      {"capabilities", client_capabilities()},
      {"trace", "off"},
      {"workspaceFolders",
       json::array({{{"uri", uri}, {"name", std::filesystem::path(root).filename().string()}}})}};
  if (!options.is_null()) out["initializationOptions"] = options;
  return out;
}

ServerFeatures::ServerFeatures(const json& result)
    : capabilities_(json_object(result, "capabilities")), encoding_(encoding_of(capabilities_)) {
  const auto info = json_object(result, "serverInfo");
  name_ = one_line(json_text(info, "name") + " " + json_text(info, "version"), 100);
}

bool ServerFeatures::offers(const std::string& method) const {
  const auto key = capability_keys().find(method);
  if (key != capability_keys().end() && capabilities_.contains(key->second) &&
      is_offered(capabilities_[key->second]))
    return true;
  return std::any_of(registrations_.begin(), registrations_.end(),
                     [&](const auto& known) { return known.second.method == method; });
}

bool ServerFeatures::has_command(const std::string& command) const {
  const auto provider = json_object(capabilities_, "executeCommandProvider");
  const auto commands = provider.find("commands");
  return commands != provider.end() && commands->is_array() &&
         std::find(commands->begin(), commands->end(), json(command)) != commands->end();
}

json ServerFeatures::pull_identifier() const {
  auto options = json_object(capabilities_, "diagnosticProvider");
  for (const auto& [id, known] : registrations_)
    if (known.method == "textDocument/diagnostic") options = known.options;
  const auto name = json_text(options, "identifier");
  return name.empty() ? json() : json(name);
}

void ServerFeatures::add(const json& registrations) {
  if (!registrations.is_array()) return;
  for (const auto& one : registrations) {
    if (registrations_.size() >= max_registrations) return;
    registrations_[json_text(one, "id")] = {json_text(one, "method"),
                                            json_object(one, "registerOptions")};
  }
}

void ServerFeatures::remove(const json& unregistrations) {
  if (!unregistrations.is_array()) return;
  for (const auto& one : unregistrations) registrations_.erase(json_text(one, "id"));
}

}  // namespace muster::lsp
