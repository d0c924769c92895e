#include "config/tools.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "config/located_json.hpp"
#include "config/schema.hpp"
#include "config/suggest.hpp"

// One task of a plan; also what a small mission's triage carries.
#define MUSTER_TASK_SCHEMA                                                                       \
  R"({"type":"object","required":["title","description","files","verification"],"properties":{)" \
  R"("id":{"type":"string","description":"M1.T1"},"title":{"type":"string"},)"                   \
  R"("description":{"type":"string"},"files":{"type":"array","items":{"type":"string"}},)"       \
  R"("depends_on":{"type":"array","items":{"type":"string"}},)"                                  \
  R"("acceptance":{"type":"array","items":{"type":"string"}},)"                                  \
  R"("verification":{"type":"array","minItems":1,"items":{"type":"object","properties":{)"       \
  R"("command":{"type":"string"},"check":{"enum":["exists","matches","parses"]},)"               \
  R"("path":{"type":"string"},"pattern":{"type":"string"}}}},)"                                  \
  R"("test_exempt_reason":{"type":"string"}}})"

// A name in a file: models name a line and what stands on it, and do not count columns.
#define MUSTER_PLACE_SCHEMA                                              \
  R"({"type":"object","required":["path","line","name"],"properties":{)" \
  R"("path":{"type":"string"},"line":{"type":"integer","minimum":1},)"   \
  R"("name":{"type":"string"}}})"

namespace muster::config {
namespace {

using json = nlohmann::json;

constexpr std::string_view no_arguments = R"({"type":"object","properties":{}})";

constexpr std::array<ToolSpec, 37> table{{
    {"read", "Lines of a file, numbered. Ask for a range of a long one.",
     R"({"type":"object","required":["path"],"properties":{"path":{"type":"string"},)"
     R"("first_line":{"type":"integer","minimum":1},"line_count":{"type":"integer","minimum":1}}})"},
    {"write", "Create or replace a whole file.",
     R"({"type":"object","required":["path","content"],"properties":{"path":{"type":"string"},)"
     R"("content":{"type":"string"}}})"},
    {"edit",
     "Replace old_text, which must occur exactly once (or set all), or the body of a symbol.",
     R"({"type":"object","required":["path","new_text"],"properties":{)"
     R"("path":{"type":"string"},"old_text":{"type":"string"},"new_text":{"type":"string"},)"
     R"("all":{"type":"boolean"},"symbol":{"type":"string","description":"Class::method, instead )"
     R"(of old_text"},"part":{"enum":["body","whole"]}}})"},
    {"list", "Files and folders below a path.",
     R"({"type":"object","properties":{"path":{"type":"string"},)"
     R"("depth":{"type":"integer","minimum":1,"maximum":10}}})"},
    {"glob", "Files whose path matches; ** crosses folders.",
     R"({"type":"object","required":["pattern"],"properties":{"pattern":{"type":"string"}}})"},
    {"grep", "Search file contents with a regular expression.",
     R"({"type":"object","required":["pattern"],"properties":{"pattern":{"type":"string"},)"
     R"("path":{"type":"string"},"include":{"type":"string","description":"glob"}}})"},
    {"ast_search", "Code of a form: a pattern with $HOLES and $$$LISTS, as foo($A, $$$REST).",
     R"({"type":"object","required":["pattern"],"properties":{"pattern":{"type":"string"},)"
     R"("language":{"type":"string"},"inside":{"type":"string"},"has":{"type":"string"},)"
     R"("not":{"type":"string"},"where":{"type":"object","description":"hole: regex"},)"
     R"("path":{"type":"string"}}})"},
    {"ast_rewrite", "Rewrite all code of a form, in all files at once or in none.",
     R"({"type":"object","required":["pattern","rewrite"],"properties":{)"
     R"("pattern":{"type":"string"},"rewrite":{"type":"string","description":"with the holes"},)"
     R"("language":{"type":"string"},"inside":{"type":"string"},"has":{"type":"string"},)"
     R"("not":{"type":"string"},"where":{"type":"object","description":"hole: regex"},)"
     R"("path":{"type":"string"}}})"},
    {"outline", "What a file defines, with lines.",
     R"({"type":"object","required":["path"],"properties":{"path":{"type":"string"}}})"},
    {"symbols", "Where a name is defined; * stands for any text.",
     R"({"type":"object","required":["name"],"properties":{"name":{"type":"string"},)"
     R"("kind":{"type":"string"},"path":{"type":"string"}}})"},
    {"refs", "Where a name is used.",
     R"({"type":"object","required":["name"],"properties":{"name":{"type":"string"}}})"},
    {"repo_map", "The project's most important files and symbols for a question.",
     R"({"type":"object","properties":{"about":{"type":"string"},"tokens":{"type":"integer"}}})"},
    {"diagnostics", "What the project's language servers hold against files, as they are now.",
     R"({"type":"object","required":["paths"],"properties":{"paths":{"type":"array",)"
     R"("minItems":1,"maxItems":20,"items":{"type":"string"}}}})"},
    {"definition", "Where a name that stands on a line is defined.", MUSTER_PLACE_SCHEMA},
    {"references", "Where a name that stands on a line is used, in all files.",
     MUSTER_PLACE_SCHEMA},
    {"hover", "Type and documentation of a name that stands on a line.", MUSTER_PLACE_SCHEMA},
    {"rename", "Rename what stands on a line, in all files at once.",
     R"({"type":"object","required":["path","line","name","new_name"],"properties":{)"
     R"("path":{"type":"string"},"line":{"type":"integer","minimum":1},)"
     R"("name":{"type":"string"},"new_name":{"type":"string"}}})"},
    {"shell", "Run a command and wait for it. No input can be given.",
     R"({"type":"object","required":["command"],"properties":{"command":{"type":"string"},)"
     R"("timeout_ms":{"type":"integer","minimum":1}}})"},
    {"run_background", "Start a command that runs on, e.g. a server.",
     R"({"type":"object","required":["command"],"properties":{"command":{"type":"string"},)"
     R"("scope":{"enum":["task","mission"],"description":"when it is ended"}}})"},
    {"check_background", "State and latest output of a background job.",
     R"({"type":"object","required":["job"],"properties":{"job":{"type":"string"}}})"},
    {"list_background", "All background jobs.", no_arguments},
    {"kill_background", "End a background job.",
     R"({"type":"object","required":["job"],"properties":{"job":{"type":"string"}}})"},
    {"raise_issue", "Report a problem that must be solved before the mission can end.",
     R"({"type":"object","required":["title","detail"],"properties":{"title":{"type":"string"},)"
     R"("detail":{"type":"string"},"file":{"type":"string"}}})"},
    {"resolve_issue", "Say how a raised issue was solved.",
     R"({"type":"object","required":["id","resolution"],"properties":{"id":{"type":"string"},)"
     R"("resolution":{"type":"string"}}})"},
    {"todo_read", "The mission's tasks and where they stand.", no_arguments},
    {"tasks", "How each task stands: stage, attempts, why it stopped.", no_arguments},
    {"result", "What a task came to: summary, files, checks, findings.",
     R"({"type":"object","required":["task"],"properties":{"task":{"type":"string"}}})"},
    {"metrics", "Tokens, cost, iterations and tasks so far.", no_arguments},
    {"add_task",
     "Put one more task on the list: it is worked on, reviewed and landed like the others.",
     MUSTER_TASK_SCHEMA},
    {"cancel", "Take a task off the list, or end the whole mission (task: mission).",
     R"({"type":"object","required":["task","reason"],"properties":{"task":{"type":"string"},)"
     R"("reason":{"type":"string"}}})"},
    {"submit_triage", "Say what the objective needs: an answer, one task, or a plan.",
     R"({"type":"object","required":["kind","reason"],"properties":{)"
     R"("kind":{"enum":["question","small","large"]},"reason":{"type":"string"},)"
     R"("answer":{"type":"string","description":"for a question"},"task":)" MUSTER_TASK_SCHEMA
     R"(}})",
     true},
    {"answer", "Give the final answer.",
     R"({"type":"object","required":["text"],"properties":{"text":{"type":"string"}}})", true},
    {"submit_plan", "Submit the task graph. The engine checks it and says what is wrong.",
     R"({"type":"object","required":["summary","tasks"],"properties":{"summary":{"type":"string"},)"
     R"("tasks":{"type":"array","minItems":1,"items":)" MUSTER_TASK_SCHEMA R"(}}})",
     true},
    {"submit_result", "Hand in the finished work of your task.",
     R"({"type":"object","required":["summary","changed_files"],"properties":{)"
     R"("summary":{"type":"string"},"changed_files":{"type":"array","items":{"type":"string"}},)"
     R"("test_exempt_reason":{"type":"string","description":"why no test had to change"}}})",
     true},
    {"submit_verdict", "Approve or reject, with findings.",
     R"({"type":"object","required":["verdict","summary"],"properties":{)"
     R"("verdict":{"enum":["approve","reject"]},"summary":{"type":"string"},)"
     R"("findings":{"type":"array","items":{"type":"object","required":["message"],"properties":{)"
     R"("file":{"type":"string"},"line":{"type":"integer","minimum":0},)"
     R"("message":{"type":"string"},"severity":{"enum":["error","warning","info"]}}}}}})",
     true},
    {"ask_user", "Ask the person. Only for what you cannot find out or decide.",
     R"({"type":"object","required":["question"],"properties":{"question":{"type":"string"},)"
     R"("options":{"type":"array","items":{"type":"string"}}}})"},
    {"request_seal", "Ask the engine to seal the mission; it decides on evidence.",
     R"({"type":"object","required":["summary"],"properties":{"summary":{"type":"string"}}})",
     true},
}};

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const ToolSpec& tool : table) names.emplace_back(tool.name);
  return names;
}

/// Schemas are parsed once: arguments are checked on every call.
const json& parsed_schema(const ToolSpec& tool) {
  static const auto parsed = [] {
    std::map<std::string_view, json> out;
    for (const ToolSpec& one : table) out[one.name] = json::parse(one.schema);
    return out;
  }();
  return parsed.at(tool.name);
}

}  // namespace

std::span<const ToolSpec> tool_specs() { return table; }

const ToolSpec* find_tool(std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const ToolSpec& tool) { return tool.name == name; });
  return found == table.end() ? nullptr : &*found;
}

Status validate_tool_arguments(std::string_view name, const json& arguments) {
  const ToolSpec* tool = find_tool(name);
  if (tool == nullptr)
    return Error{ErrorCode::not_found,
                 "there is no tool '" + std::string(name) + "'" + did_you_mean(name, all_names())};
  std::string text;
  for (const SchemaProblem& one : validate(parsed_schema(*tool), arguments)) {
    const std::string path = display_path(one.pointer);
    text +=
        (text.empty() ? "" : "; ") + (path.empty() ? "the arguments" : path) + " " + one.message;
  }
  if (text.empty()) return ok_status();
  return Error{ErrorCode::invalid_argument, text, std::string(name)};
}

json tool_definitions(const std::vector<std::string>& names) {
  json out = json::array();
  for (const ToolSpec& tool : table) {
    if (std::find(names.begin(), names.end(), tool.name) == names.end()) continue;
    out.push_back({{"type", "function"},
                   {"function",
                    {{"name", tool.name},
                     {"description", tool.description},
                     {"parameters", parsed_schema(tool)}}}});
  }
  return out;
}

std::size_t estimate_tokens(std::string_view text) noexcept { return (text.size() + 3) / 4; }

}  // namespace muster::config
