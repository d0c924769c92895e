#include "config/load.hpp"

#include <algorithm>
#include <cctype>

#include "config/embedded.hpp"
#include "config/located_json.hpp"
#include "config/schema.hpp"
#include "config/suggest.hpp"

namespace muster::config {
namespace {

using json = nlohmann::json;
using Pointer = json::json_pointer;

/// Variables with our prefix that are no keys of the configuration.
const std::vector<std::string> other_variables{
    "MUSTER_SOCKET", "MUSTER_BIN", "MUSTER_OPENCODE_HOST", "MUSTER_BASE_URL", "MUSTER_API_KEY",
    // Between keeper and engine, and for tests.
    "MUSTER_KEEPER_FD", "MUSTER_RESUME", "MUSTER_MISSION", "MUSTER_FAULT", "MUSTER_FAULT_COUNTS"};

void collect_defaults(const json& node, const std::string& pointer, json& out) {
  const json resolved = resolve_ref(schema(), node);
  if (resolved.contains("default")) out[Pointer(pointer)] = resolved["default"];
  const json properties = resolved.value("properties", json::object());
  for (const auto& [name, child] : properties.items())
    collect_defaults(child, pointer + "/" + escape_pointer(name), out);
}

std::string variable_of(const std::string& pointer) {
  std::string out = "MUSTER";
  for (const char c : pointer)
    out += c == '/' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

bool allows_type(const json& node, const std::string& type) {
  const json types = node.value("type", json());
  if (types.is_string()) return types == type;
  return std::find(types.begin(), types.end(), json(type)) != types.end();
}

void collect_variables(const json& node, const std::string& pointer,
                       std::map<std::string, std::string>& out) {
  const json resolved = resolve_ref(schema(), node);
  const json properties = resolved.value("properties", json::object());
  const bool scalar = (properties.empty() && !resolved.contains("additionalProperties")) ||
                      (!pointer.empty() && allows_type(resolved, "array"));
  if (scalar && pointer != "/$schema" && !pointer.empty()) out[variable_of(pointer)] = pointer;
  for (const auto& [name, child] : properties.items())
    collect_variables(child, pointer + "/" + escape_pointer(name), out);
}

/// Leaves as `config show` lists them: scalars, lists and empty objects.
void for_each_leaf(const json& value, const std::string& pointer,
                   const std::function<void(const std::string&, const json&)>& visit) {
  if (!value.is_object() || value.empty()) return visit(pointer, value);
  for (const auto& [name, child] : value.items())
    for_each_leaf(child, pointer + "/" + escape_pointer(name), visit);
}

/// The text of a variable as the key wants it. What does not fit stays text, so that the schema's
/// message names what was expected.
json typed(const json& node, const std::string& text) {
  if (allows_type(node, "null") && (text == "null" || text == "unlimited")) return nullptr;
  if (allows_type(node, "array")) {
    json list = json::array();
    std::size_t start = 0;
    while (start <= text.size() && !text.empty()) {
      const auto comma = std::min(text.find(',', start), text.size());
      if (comma > start) list.push_back(text.substr(start, comma - start));
      start = comma + 1;
    }
    return list;
  }
  if (allows_type(node, "integer") || allows_type(node, "number") || allows_type(node, "boolean")) {
    json parsed = json::parse(text, nullptr, false);
    if (parsed.is_number() || parsed.is_boolean()) return parsed;
  }
  return text;
}

/// A list of fallbacks is the list of all roles that have none of their own.
void spell_out(json& layer) {
  const auto found = layer.find("fallbacks");
  if (found != layer.end() && found->is_array()) *found = json{{"default", *found}};
}

/// Lower budget: null is unlimited.
bool tightens(const json& now, const json& proposed) {
  if (proposed.is_null()) return now.is_null();
  return now.is_null() || proposed <= now;
}

class Loader {
 public:
  explicit Loader(const LoadInput& input) : input_(input) {}

  LoadReport run() {
    merge(default_json(), [](const std::string&) { return Origin{}; });
    read_file(input_.user_file, OriginKind::user);
    read_file(input_.project_file, OriginKind::project);
    read_environment();
    read_flags();
    read_endpoint_variables();
    LoadReport report;
    if (problems_.empty()) check_rules();
    if (problems_.empty()) {
      loaded_.config = config_from_json(loaded_.merged);
      loaded_.warnings = warnings_;
      report.loaded = std::move(loaded_);
    }
    report.problems = std::move(problems_);
    report.warnings = std::move(warnings_);
    return report;
  }

 private:
  using OriginOf = std::function<Origin(const std::string&)>;

  void problem(std::string where, const std::string& pointer, std::string message) {
    problems_.push_back({std::move(where), display_path(pointer), std::move(message)});
  }

  void merge(const json& layer, const OriginOf& origin) { merge_at(layer, "", origin); }

  void merge_at(const json& layer, const std::string& pointer, const OriginOf& origin) {
    if (layer.is_object()) {
      const Pointer here(pointer);
      if (!loaded_.merged.contains(here) || !loaded_.merged[here].is_object())
        loaded_.merged[here] = json::object();
      if (layer.empty() && loaded_.merged[here].empty()) loaded_.origins[pointer] = origin(pointer);
      if (!layer.empty()) loaded_.origins.erase(pointer);
      for (const auto& [name, child] : layer.items())
        merge_at(child, pointer + "/" + escape_pointer(name), origin);
      return;
    }
    json& target = loaded_.merged[Pointer(pointer)];
    const json node = subschema(schema(), pointer);
    if (layer.is_array() && target.is_array() && node.is_object() &&
        node.value("x-muster-merge", "") == "append") {
      if (layer.empty()) return;
      for (const json& item : layer)
        if (std::find(target.begin(), target.end(), item) == target.end()) target.push_back(item);
    } else {
      target = layer;
    }
    loaded_.origins[pointer] = origin(pointer);
  }

  void read_file(const std::string& path, OriginKind kind) {
    if (path.empty()) return;
    auto read = read_located(path);
    if (!read.ok()) {
      if (read.error().code == ErrorCode::not_found) return;
      problem(read.error().context, "", read.error().message);
      return;
    }
    loaded_.files.push_back(path);
    const auto where = [&](const std::string& pointer) {
      return path + ":" + std::to_string(read->line(pointer));
    };
    const auto found = validate(schema(), read->value);
    for (const SchemaProblem& one : found) problem(where(one.pointer), one.pointer, one.message);
    if (!found.empty()) return;
    json layer = read->value;
    layer.erase("$schema");
    spell_out(layer);
    if (kind == OriginKind::project && !input_.project_trusted) distrust(layer, "", where);
    merge(layer, [&](const std::string& pointer) { return Origin{kind, where(pointer)}; });
  }

  /// Takes out of a project's layer what only the user may say (F8).
  void distrust(json& value, const std::string& pointer,
                const std::function<std::string(const std::string&)>& where) {
    std::vector<std::string> refused;
    for (auto& [name, child] : value.items()) {
      const std::string at = pointer + "/" + escape_pointer(name);
      const json node = subschema(schema(), at);
      const std::string trust = node.is_object() ? node.value("x-muster-trust", "") : "";
      if (trust == "user") {
        refused.push_back(name);
        warnings_.push_back(where(at) + ": " + display_path(at) +
                            " is ignored: a project may not set it; put it into your own "
                            "configuration");
      } else if (trust == "tighten" &&
                 !tightens(loaded_.merged.value(Pointer(at), json()), child)) {
        refused.push_back(name);
        warnings_.push_back(where(at) + ": " + display_path(at) +
                            " is ignored: a project may only lower it");
      } else if (child.is_object()) {
        distrust(child, at, where);
      }
    }
    for (const std::string& name : refused) value.erase(name);
  }

  void read_environment() {
    const auto& keys = environment_keys();
    for (const auto& [variable, text] : input_.environment) {
      if (variable.rfind("MUSTER_", 0) != 0) continue;
      const auto key = keys.find(variable);
      if (key == keys.end()) {
        hint_variable(variable);
      } else {
        set_one(key->second, typed(subschema(schema(), key->second), text),
                {OriginKind::environment, variable});
      }
    }
  }

  /// The environment belongs to everybody: an unknown name is no error, but a likely slip is said.
  void hint_variable(const std::string& variable) {
    if (std::find(other_variables.begin(), other_variables.end(), variable) !=
        other_variables.end())
      return;
    std::vector<std::string> names = other_variables;
    for (const auto& [name, ignored] : environment_keys()) names.push_back(name);
    const std::string hint = closest(variable, names);
    if (!hint.empty())
      warnings_.push_back("environment variable " + variable + " is not known (did you mean '" +
                          hint + "'?)");
  }

  void read_flags() {
    for (const FlagValue& flag : input_.flags)
      set_one(flag.pointer, flag.value, {OriginKind::flag, flag.flag});
  }

  void set_one(const std::string& pointer, const json& value, const Origin& origin) {
    json layer = json::object();
    layer[Pointer(pointer)] = value;
    const auto found = validate(schema(), layer);
    for (const SchemaProblem& one : found) problem(origin.where, one.pointer, one.message);
    if (!found.empty()) return;
    spell_out(layer);
    merge(layer, [&](const std::string&) { return origin; });
  }

  /// MUSTER_BASE_URL and MUSTER_API_KEY belong to the provider of the default model.
  void read_endpoint_variables() {
    const std::vector<std::pair<std::string, std::string>> variables{
        {"MUSTER_BASE_URL", "base_url"}, {"MUSTER_API_KEY", "api_key"}};
    for (const auto& [variable, key] : variables) {
      const auto found = input_.environment.find(variable);
      if (found == input_.environment.end() || found->second.empty()) continue;
      const auto name = parse_model_name(loaded_.merged.value("model", ""));
      if (!name.ok()) {
        warnings_.push_back(variable + " has no effect: no model is set");
        continue;
      }
      set_one("/providers/" + escape_pointer(spelling(name->provider)) + "/" + key, found->second,
              {OriginKind::environment, variable});
    }
  }

  /// A provider's name as the configuration spells it.
  std::string spelling(const std::string& name) const {
    const auto same = [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) ==
             std::tolower(static_cast<unsigned char>(b));
    };
    for (const auto& [known, ignored] : loaded_.merged["providers"].items())
      if (std::equal(known.begin(), known.end(), name.begin(), name.end(), same)) return known;
    return name;
  }

  void check_rules() {
    for (const auto& [pointer, message] : config_problems(loaded_.merged))
      problem(origin_of(pointer).where, pointer, message);
  }

  Origin origin_of(const std::string& pointer) const {
    std::string at = pointer;
    for (;;) {
      if (auto found = loaded_.origins.find(at); found != loaded_.origins.end())
        return found->second;
      // An object has no origin of its own: its first leaf stands for it.
      const auto child = loaded_.origins.lower_bound(at + "/");
      if (child != loaded_.origins.end() && child->first.rfind(at + "/", 0) == 0)
        return child->second;
      if (at.empty()) return {};
      at.resize(at.rfind('/'));
    }
  }

  const LoadInput& input_;
  Loaded loaded_;
  std::vector<ConfigProblem> problems_;
  std::vector<std::string> warnings_;
};

}  // namespace

std::string Origin::text() const {
  const char* names[] = {"default", "user", "project", "environment", "flag"};
  const std::string name = names[static_cast<int>(kind)];
  return where.empty() ? name : name + " (" + where + ")";
}

std::string ConfigProblem::text() const {
  std::string out = where;
  if (!path.empty()) out += (out.empty() ? "" : ": ") + path;
  return out + (out.empty() ? "" : ": ") + message;
}

std::string_view schema_text() { return embedded("config/muster.schema.json"); }

const json& schema() {
  static const json parsed = json::parse(schema_text());
  return parsed;
}

json default_json() {
  json out = json::object();
  collect_defaults(schema(), "", out);
  out["providers"] = json::parse(embedded("config/providers.json"));
  out["language_servers"]["servers"] = json::parse(embedded("config/language_servers.json"));
  return out;
}

const std::map<std::string, std::string>& environment_keys() {
  static const auto keys = [] {
    std::map<std::string, std::string> out;
    collect_variables(schema(), "", out);
    return out;
  }();
  return keys;
}

LoadReport load_report(const LoadInput& input) { return Loader(input).run(); }

Result<Loaded> load(const LoadInput& input) {
  LoadReport report = load_report(input);
  if (report.loaded) return std::move(*report.loaded);
  std::string lines;
  for (const ConfigProblem& one : report.problems)
    lines += (lines.empty() ? "" : "\n") + one.text();
  return Error{ErrorCode::invalid_argument, lines};
}

json show_json(const Loaded& loaded) {
  json out = json::object();
  for_each_leaf(loaded.merged, "", [&](const std::string& pointer, const json& value) {
    const json node = subschema(schema(), pointer);
    const bool secret = node.is_object() && node.value("writeOnly", false);
    const auto origin = loaded.origins.find(pointer);
    out[display_path(pointer)] = {
        {"value", secret ? json("***") : value},
        {"origin", origin == loaded.origins.end() ? "default" : origin->second.text()}};
  });
  return out;
}

std::string show(const Loaded& loaded) {
  std::string out;
  const json listed = show_json(loaded);
  for (const auto& [path, entry] : listed.items())
    out +=
        path + " = " + entry["value"].dump() + "  (" + entry["origin"].get<std::string>() + ")\n";
  return out;
}

}  // namespace muster::config
