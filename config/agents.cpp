#include "config/agents.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "config/embedded.hpp"
#include "config/front_matter.hpp"
#include "config/located_json.hpp"
#include "config/schema.hpp"
#include "config/suggest.hpp"
#include "config/tools.hpp"

namespace muster::config {
namespace {

using json = nlohmann::json;

const std::vector<std::string> agent_keys{"name",  "description", "role",
                                          "tools", "final_tools", "rights"};
const std::vector<std::string> workflow_roles{"commander", "planner",         "worker",  "reviewer",
                                              "fixer",     "master_reviewer", "searcher"};

bool holds(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::vector<std::string> tool_names() {
  std::vector<std::string> names;
  for (const ToolSpec& tool : tool_specs()) names.emplace_back(tool.name);
  return names;
}

std::optional<bool> read_bool(const std::string& text) {
  if (text == "true" || text == "yes") return true;
  if (text == "false" || text == "no") return false;
  return std::nullopt;
}

std::optional<Runs> read_runs(const std::string& text) {
  for (const Runs one : {Runs::none, Runs::verification, Runs::all})
    if (to_string(one) == text) return one;
  return std::nullopt;
}

/// Why the rights do not cover a tool; empty when they do.
std::string uncovered(const Rights& rights, const std::string& tool) {
  const std::vector<std::string> readers{
      "read", "list",     "glob",        "grep",       "ast_search", "outline", "symbols",
      "refs", "repo_map", "diagnostics", "definition", "references", "hover"};
  if (holds(readers, tool) && !rights.reads) return "needs the right 'reads'";
  const std::vector<std::string> writers{"write", "edit", "ast_rewrite", "rename"};
  if (holds(writers, tool) && !rights.writes) return "needs the right 'writes'";
  if (tool == "shell" && rights.runs == Runs::none) return "needs the right 'runs'";
  if (tool == "run_background" && rights.runs != Runs::all) return "needs the right 'runs: all'";
  return {};
}

class AgentReader {
 public:
  AgentReader(const FrontMatter& source, const std::string& file) : source_(source), file_(file) {}

  Result<AgentSpec> run() {
    for (const auto& [key, value] : source_.head)
      if (!holds(agent_keys, key))
        return bad(value.line, "unknown key '" + key + "'" + did_you_mean(key, agent_keys));
    out_.file = file_;
    out_.prompt = source_.body;
    for (const auto step :
         {&AgentReader::names, &AgentReader::tools, &AgentReader::rights, &AgentReader::coverage})
      if (Status status = (this->*step)(); !status.ok()) return status.error();
    if (out_.prompt.empty()) return bad(1, "the prompt is empty");
    return std::move(out_);
  }

 private:
  Error bad(int line, const std::string& message) const {
    return {ErrorCode::invalid_argument, message, file_ + ":" + std::to_string(line)};
  }

  template <class T>
  Result<T> get(const char* key, const char* form) const {
    const auto found = source_.head.find(key);
    if (found == source_.head.end()) return bad(1, std::string("the key '") + key + "' is missing");
    const T* value = std::get_if<T>(&found->second.value);
    if (value == nullptr) return bad(found->second.line, std::string(key) + " must be " + form);
    return *value;
  }

  int line_of(const char* key) const { return source_.head.at(key).line; }

  Status names() {
    for (const auto& [key, target] :
         {std::pair{"name", &out_.name}, std::pair{"description", &out_.description},
          std::pair{"role", &out_.role}}) {
      auto text = get<std::string>(key, "text");
      if (!text.ok()) return text.error();
      if (text->empty()) return bad(line_of(key), std::string(key) + " is empty");
      *target = std::move(*text);
    }
    if (!holds(workflow_roles, out_.role))
      return bad(line_of("role"),
                 "unknown role '" + out_.role + "'" + did_you_mean(out_.role, workflow_roles));
    return ok_status();
  }

  Status tools() {
    auto tools = get<std::vector<std::string>>("tools", "a list: [a, b]");
    if (!tools.ok()) return tools.error();
    auto finals = get<std::vector<std::string>>("final_tools", "a list: [a, b]");
    if (!finals.ok()) return finals.error();
    for (const auto& [key, list] :
         {std::pair{"tools", &*tools}, std::pair{"final_tools", &*finals}})
      for (const std::string& name : *list) {
        const ToolSpec* tool = find_tool(name);
        if (tool == nullptr)
          return bad(line_of(key),
                     "unknown tool '" + name + "'" + did_you_mean(name, tool_names()));
        if (tool->final != (list == &*finals))
          return bad(line_of(key),
                     "'" + name + "' belongs in " + (tool->final ? "final_tools" : "tools"));
      }
    if (finals->empty()) return bad(line_of("final_tools"), "an agent needs a final tool");
    out_.tools = std::move(*tools);
    out_.final_tools = std::move(*finals);
    return ok_status();
  }

  Status rights() {
    auto rights =
        get<std::map<std::string, std::string>>("rights", "{reads: ..., writes: ..., runs: ...}");
    if (!rights.ok()) return rights.error();
    const int line = line_of("rights");
    for (const auto& [key, text] : *rights) {
      if (key == "reads" || key == "writes") {
        const auto value = read_bool(text);
        if (!value) return bad(line, key + " must be true or false");
        (key == "reads" ? out_.rights.reads : out_.rights.writes) = *value;
      } else if (key == "runs") {
        const auto value = read_runs(text);
        if (!value) return bad(line, "runs must be none, verification or all");
        out_.rights.runs = *value;
      } else {
        return bad(line,
                   "unknown right '" + key + "'" + did_you_mean(key, {"reads", "writes", "runs"}));
      }
    }
    return ok_status();
  }

  Status coverage() {
    for (const std::string& tool : out_.tools)
      if (const std::string why = uncovered(out_.rights, tool); !why.empty())
        return bad(line_of("tools"), "'" + tool + "' " + why);
    return ok_status();
  }

  const FrontMatter& source_;
  const std::string& file_;
  AgentSpec out_;
};

const json& team_schema() {
  static const json schema = json::parse(R"({
    "type": "object", "additionalProperties": false, "required": ["name", "roles"],
    "properties": {
      "name": {"type": "string"}, "description": {"type": "string"},
      "roles": {"type": "object", "additionalProperties": {
        "type": "object", "additionalProperties": false, "required": ["agent"],
        "properties": {
          "agent": {"type": "string"},
          "tools": {"type": "array", "items": {"type": "string"}},
          "rights": {"type": "object", "additionalProperties": false, "properties": {
            "reads": {"type": "boolean"}, "writes": {"type": "boolean"},
            "runs": {"enum": ["none", "verification", "all"]}}}}}}}})");
  return schema;
}

/// Applies what the team says about one agent: less, never more. Returns the first thing that would
/// be more.
std::string narrow(AgentSpec& agent, const json& entry) {
  const json rights = entry.value("rights", json::object());
  Rights wanted = agent.rights;
  wanted.reads = rights.value("reads", wanted.reads);
  wanted.writes = rights.value("writes", wanted.writes);
  wanted.runs = *read_runs(rights.value("runs", std::string(to_string(wanted.runs))));
  if ((wanted.reads && !agent.rights.reads) || (wanted.writes && !agent.rights.writes) ||
      wanted.runs > agent.rights.runs)
    return "the team would widen the rights of '" + agent.name + "'";
  agent.rights = wanted;
  if (entry.contains("tools")) {
    const auto tools = entry["tools"].get<std::vector<std::string>>();
    for (const std::string& tool : tools)
      if (!holds(agent.tools, tool) && !holds(agent.final_tools, tool))
        return "the team would give '" + agent.name + "' the tool '" + tool + "'";
    const auto unlisted = [&](const std::string& tool) { return !holds(tools, tool); };
    std::erase_if(agent.tools, unlisted);
    std::erase_if(agent.final_tools, unlisted);
    if (agent.final_tools.empty()) return "the team leaves '" + agent.name + "' no final tool";
  }
  std::erase_if(agent.tools,
                [&](const std::string& tool) { return !uncovered(agent.rights, tool).empty(); });
  return {};
}

}  // namespace

std::string_view to_string(Runs value) noexcept {
  switch (value) {
    case Runs::verification:
      return "verification";
    case Runs::all:
      return "all";
    default:
      return "none";
  }
}

std::vector<std::string> AgentSpec::all_tools() const {
  std::vector<std::string> all = tools;
  all.insert(all.end(), final_tools.begin(), final_tools.end());
  return all;
}

const AgentSpec* Team::agent(std::string_view role) const {
  const auto found = roles.find(std::string(role));
  return found == roles.end() ? nullptr : &found->second;
}

Result<AgentSpec> parse_agent(std::string_view text, const std::string& file) {
  auto source = parse_front_matter(text, file);
  if (!source.ok()) return source.error();
  return AgentReader(*source, file).run();
}

Result<AgentSpec> builtin_agent(std::string_view name) {
  const std::string path = "config/agents/" + std::string(name) + ".md";
  const std::string_view text = embedded(path);
  if (text.empty())
    return Error{ErrorCode::not_found, "there is no agent '" + std::string(name) + "'"};
  return parse_agent(text, path);
}

Result<Team> parse_team(std::string_view text, const std::string& file) {
  auto source = parse_located(text, file);
  if (!source.ok()) return source.error();
  const auto bad = [&](const std::string& pointer, const std::string& message) {
    return Error{ErrorCode::invalid_argument, display_path(pointer) + ": " + message,
                 file + ":" + std::to_string(source->line(pointer))};
  };
  const auto problems = validate(team_schema(), source->value);
  if (!problems.empty()) return bad(problems[0].pointer, problems[0].message);
  Team team;
  team.name = source->value["name"].get<std::string>();
  team.description = source->value.value("description", "");
  for (const auto& [role, entry] : source->value["roles"].items()) {
    const std::string pointer = "/roles/" + escape_pointer(role);
    if (!holds(workflow_roles, role))
      return bad(pointer, "unknown role" + did_you_mean(role, workflow_roles));
    auto agent = builtin_agent(entry["agent"].get<std::string>());
    if (!agent.ok()) return bad(pointer + "/agent", agent.error().text());
    agent->role = role;
    if (const std::string why = narrow(*agent, entry); !why.empty()) return bad(pointer, why);
    team.roles[role] = std::move(*agent);
  }
  for (const std::string& role : workflow_roles)
    if (role != "searcher" && team.agent(role) == nullptr)
      return bad("/roles", "the role '" + role + "' has no agent");
  return team;
}

Result<Team> load_team(std::string_view name) {
  const std::string path = "config/teams/" + std::string(name) + ".json";
  const std::string_view text = embedded(path);
  if (text.empty())
    return Error{ErrorCode::not_found, "there is no team '" + std::string(name) + "'"};
  return parse_team(text, path);
}

std::vector<AgentCost> agent_costs(const Team& team) {
  std::vector<AgentCost> out;
  for (const std::string& role : workflow_roles) {
    const AgentSpec* agent = team.agent(role);
    if (agent == nullptr) continue;
    const std::string tools = tool_definitions(agent->all_tools()).dump();
    out.push_back({agent->name, role, estimate_tokens(agent->prompt), estimate_tokens(tools)});
  }
  return out;
}

}  // namespace muster::config
