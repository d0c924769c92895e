// The rules of a configuration that its schema cannot say.

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "config/located_json.hpp"
#include "config/suggest.hpp"

namespace muster::config {
namespace {

using json = nlohmann::json;
using Problems = std::vector<std::pair<std::string, std::string>>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

class Rules {
 public:
  explicit Rules(const json& merged) : merged_(merged) {}

  Problems run() {
    collect_providers();
    if (merged_.contains("model")) check_model("/model", merged_["model"].get<std::string>());
    for (const auto& [role, model] : at("/models").items())
      check_model("/models/" + role, model.get<std::string>());
    check_fallbacks();
    check_session_limits();
    check_links();
    check_language_servers();
    return std::move(problems_);
  }

 private:
  /// A reference: items() of a temporary would outlive it.
  [[nodiscard]] const json& at(const std::string& pointer) const {
    static const json empty = json::object();
    const json::json_pointer where(pointer);
    return merged_.contains(where) ? merged_[where] : empty;
  }

  void add(std::string pointer, std::string message) {
    problems_.emplace_back(std::move(pointer), std::move(message));
  }

  void collect_providers() {
    for (const auto& entry : at("/providers").items()) {
      const std::string& name = entry.key();
      const std::string pointer = "/providers/" + escape_pointer(name);
      const bool odd = name.empty() || name.find_first_of("/ \t\r\n") != std::string::npos;
      if (odd) add(pointer, "a provider's name has no slash and no space");
      const bool twice = std::any_of(providers_.begin(), providers_.end(), [&](const auto& other) {
        return lower(other) == lower(name);
      });
      if (twice) add(pointer, "differs from another provider only in case");
      providers_.push_back(name);
      check_provider(pointer, entry.value());
    }
  }

  void check_provider(const std::string& pointer, const json& provider) {
    const std::string url = provider.value("base_url", "");
    if (url.empty())
      add(pointer, "needs a base_url");
    else if (url.rfind("http://", 0) != 0 && url.rfind("https://", 0) != 0)
      add(pointer + "/base_url", "must begin with http:// or https://");
    else if (url.find_first_of(" \t\r\n") != std::string::npos)
      add(pointer + "/base_url", "holds a space or a line break");
    const json headers = provider.value("headers", json::object());
    for (const auto& [name, value] : headers.items()) {
      const bool bad =
          name.empty() || name.find_first_of(": \t\r\n") != std::string::npos ||
          value.get_ref<const std::string&>().find_first_of("\r\n") != std::string::npos;
      if (bad) add(pointer + "/headers/" + escape_pointer(name), "is no valid HTTP header");
    }
  }

  bool known_provider(const std::string& name) const {
    return std::any_of(providers_.begin(), providers_.end(),
                       [&](const auto& other) { return lower(other) == lower(name); });
  }

  void check_model(const std::string& pointer, const std::string& text) {
    const auto name = parse_model_name(text);
    if (!name.ok()) return add(pointer, name.error().message);
    // OpenCode has its own providers.
    if (merged_.value("host", "") != "opencode" && !known_provider(name->provider))
      add(pointer,
          "unknown provider '" + name->provider + "'" + did_you_mean(name->provider, providers_));
  }

  void check_fallbacks() {
    for (const auto& [role, list] : at("/fallbacks").items())
      for (std::size_t i = 0; i < list.size(); ++i)
        check_model("/fallbacks/" + role + "/" + std::to_string(i), list[i].get<std::string>());
  }

  /// Two spellings of one name would make one of the two bounds void.
  void check_spellings(const std::string& pointer) {
    std::map<std::string, std::string> seen;
    for (const auto& [name, ignored] : at(pointer).items()) {
      const bool fresh = seen.emplace(lower(name), name).second;
      if (!fresh)
        add(pointer + "/" + escape_pointer(name), "differs from another key only in case");
    }
  }

  void check_session_limits() {
    const std::string base = "/limits/sessions/";
    for (const char* kind : {"per_provider", "per_model", "per_agent"})
      check_spellings(base + kind);
    for (const auto& [name, ignored] : at("/limits/sessions/per_provider").items())
      if (!known_provider(name))
        add(base + "per_provider/" + escape_pointer(name),
            "unknown provider" + did_you_mean(name, providers_));
    for (const auto& [name, ignored] : at("/limits/sessions/per_model").items())
      check_model(base + "per_model/" + escape_pointer(name), name);
    for (const auto& [name, ignored] : at("/limits/sessions/per_agent").items()) {
      const auto& roles = known_roles();
      if (std::find(roles.begin(), roles.end(), lower(name)) == roles.end())
        add(base + "per_agent/" + escape_pointer(name),
            "unknown agent" + did_you_mean(name, roles));
    }
  }

  /// A link out of the workspace would hand agents what lies there.
  void check_links() {
    const json links = merged_.value("links", json::array());
    for (std::size_t i = 0; i < links.size(); ++i) {
      const std::string padded = "/" + links[i].get<std::string>() + "/";
      const bool outside = padded.rfind("//", 0) == 0 || padded.find("/../") != std::string::npos ||
                           padded.find('\0') != std::string::npos;
      const bool reserved = padded.find("/.git/") != std::string::npos;
      if (outside || reserved)
        add("/links/" + std::to_string(i),
            "must be a relative path inside the workspace, outside .git");
    }
  }

  void check_language_servers() {
    const std::string base = "/language_servers/";
    const json trusted = at(base + "trusted_workspaces");
    for (std::size_t i = 0; i < trusted.size(); ++i)
      if (trusted[i].get_ref<const std::string&>().front() != '/')
        add(base + "trusted_workspaces/" + std::to_string(i), "must be an absolute path");
    for (const auto& [name, server] : at(base + "servers").items())
      check_language_server(base + "servers/" + escape_pointer(name), server);
  }

  void check_language_server(const std::string& pointer, const json& server) {
    const std::string command = server.value("command", "");
    if (command.empty()) add(pointer, "needs a command");
    // Relative to what? A workspace would be the wrong answer.
    if (command.find('/') != std::string::npos && command.front() != '/')
      add(pointer + "/command", "must be a name or an absolute path");
    const json files = server.value("files", json::object());
    if (files.empty()) add(pointer, "needs files");
    for (const auto& [name, ignored] : files.items())
      if (name.empty() || name.find('/') != std::string::npos)
        add(pointer + "/files/" + escape_pointer(name),
            "must be the end of a name (.ts) or a whole name");
    const json markers = server.value("root_markers", json::array());
    for (std::size_t i = 0; i < markers.size(); ++i)
      if (markers[i].get_ref<const std::string&>().find('/') != std::string::npos)
        add(pointer + "/root_markers/" + std::to_string(i), "must be a name without a slash");
    const std::string option = server.value(json::json_pointer("/own_module/option"), "/");
    if (option.front() != '/' || option.find('~') != std::string::npos)
      add(pointer + "/own_module/option", "must be a JSON pointer");
  }

  const json& merged_;
  std::vector<std::string> providers_;
  Problems problems_;
};

}  // namespace

Problems config_problems(const json& merged) { return Rules(merged).run(); }

const std::vector<std::string>& known_roles() {
  static const std::vector<std::string> roles{"commander",    "planner",  "worker",
                                              "reviewer",     "fixer",    "master_reviewer",
                                              "orchestrator", "searcher", "coder"};
  return roles;
}

}  // namespace muster::config
