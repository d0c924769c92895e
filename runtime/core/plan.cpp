#include "runtime/core/plan.hpp"

#include "runtime/core/json_fields.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace muster {

MUSTER_JSON_FIELDS(Verification, command, check, path, pattern)
MUSTER_JSON_FIELDS(TaskSpec, id, title, description, files, depends_on, acceptance, verification,
                   test_exempt_reason)

namespace {

using nlohmann::json;

/// Reads an optional string member; appends to `problems` when it is of another type.
std::string text_at(const json& object, const char* key, const std::string& where,
                    std::vector<std::string>& problems) {
  auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  problems.push_back(where + "." + key + ": must be a string");
  return {};
}

std::vector<std::string> texts_at(const json& object, const char* key, const std::string& where,
                                  std::vector<std::string>& problems) {
  std::vector<std::string> out;
  auto found = object.find(key);
  if (found == object.end() || found->is_null()) return out;
  if (found->is_string()) return {found->get<std::string>()};
  if (!found->is_array()) {
    problems.push_back(where + "." + key + ": must be an array of strings");
    return out;
  }
  for (const auto& item : *found) {
    if (item.is_string())
      out.push_back(item.get<std::string>());
    else
      problems.push_back(where + "." + key + ": must hold strings only");
  }
  return out;
}

Verification verification_from(const json& item, const std::string& where,
                               std::vector<std::string>& problems) {
  if (item.is_string()) return {item.get<std::string>(), {}, {}, {}};
  if (!item.is_object()) {
    problems.push_back(where + ": must be a command or {check, path, pattern}");
    return {};
  }
  return {text_at(item, "command", where, problems), text_at(item, "check", where, problems),
          text_at(item, "path", where, problems), text_at(item, "pattern", where, problems)};
}

TaskSpec task_from(const json& item, const std::string& where, std::vector<std::string>& problems) {
  TaskSpec task;
  task.id = text_at(item, "id", where, problems);
  task.title = text_at(item, "title", where, problems);
  task.description = text_at(item, "description", where, problems);
  task.files = texts_at(item, "files", where, problems);
  task.depends_on = texts_at(item, "depends_on", where, problems);
  task.acceptance = texts_at(item, "acceptance", where, problems);
  task.test_exempt_reason = text_at(item, "test_exempt_reason", where, problems);
  if (auto checks = item.find("verification"); checks != item.end() && checks->is_array()) {
    for (std::size_t i = 0; i < checks->size(); ++i)
      task.verification.push_back(verification_from(
          (*checks)[i], where + ".verification[" + std::to_string(i) + "]", problems));
  } else if (checks != item.end() && checks->is_string()) {
    task.verification.push_back({checks->get<std::string>(), {}, {}, {}});
  }
  // Models often leave the milestone away: "T2" means M1.T2.
  if (!task.id.empty() && task.id.front() == 'T') task.id = "M1." + task.id;
  for (auto& id : task.depends_on)
    if (!id.empty() && id.front() == 'T') id = "M1." + id;
  return task;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : separator) + part;
  return out;
}

void check_verification(const TaskSpec& task, std::vector<std::string>& problems) {
  if (task.verification.empty())
    problems.push_back(task.id + ": has no verification; give a command or a built-in check");
  for (const auto& check : task.verification) {
    if (!check.command.empty()) continue;
    if (check.check != "exists" && check.check != "matches" && check.check != "parses")
      problems.push_back(task.id +
                         ": verification needs a command, or check exists | matches | parses");
    else if (!normalise_path(check.path).ok())
      problems.push_back(task.id + ": verification path '" + check.path +
                         "': " + normalise_path(check.path).error().message);
    else if (check.check == "matches" && check.pattern.empty())
      problems.push_back(task.id + ": check matches needs a pattern");
  }
}

void check_task(const TaskSpec& task, const PlanLimits& limits,
                std::vector<std::string>& problems) {
  if (!is_todo_id(task.id) || task.id.find('.') == std::string::npos) {
    problems.push_back("'" + task.id + "': a task's id looks like M1.T2 or M1.T2.S1");
    return;
  }
  if (task.title.empty()) problems.push_back(task.id + ": has no title");
  if (task.files.size() > limits.max_files_per_task)
    problems.push_back(task.id + ": names " + std::to_string(task.files.size()) +
                       " files, at most " + std::to_string(limits.max_files_per_task) +
                       "; split the task");
  for (const auto& file : task.files)
    if (auto path = normalise_path(file); !path)
      problems.push_back(task.id + ": file '" + file + "': " + path.error().message);
  check_verification(task, problems);
}

/// The leaves that one depends_on entry stands for.
std::vector<std::string> leaves_of(const std::string& id, const std::vector<TaskSpec>& tasks) {
  std::vector<std::string> out;
  for (const auto& task : tasks)
    if (task.id == id || id_within(task.id, id)) out.push_back(task.id);
  return out;
}

}  // namespace

bool is_todo_id(const std::string& id) {
  static constexpr char letters[] = {'M', 'T', 'S'};
  std::size_t at = 0;
  for (int level = 0; level < 3; ++level) {
    if (at >= id.size() || id[at] != letters[level]) return false;
    std::size_t digits = ++at;
    while (at < id.size() && id[at] >= '0' && id[at] <= '9') ++at;
    if (at == digits || at - digits > 6) return false;
    if (at == id.size()) return true;
    if (id[at++] != '.') return false;
  }
  return false;
}

bool id_within(const std::string& inner, const std::string& outer) {
  return inner.size() > outer.size() + 1 && inner.compare(0, outer.size(), outer) == 0 &&
         inner[outer.size()] == '.';
}

Result<std::string> normalise_path(const std::string& path) {
  auto bad = [&](const char* why) { return Error{ErrorCode::invalid_argument, why, path}; };
  if (path.empty()) return bad("is empty");
  if (path.front() == '/' || path.front() == '~') return bad("must be relative to the workspace");
  if (path.find('\0') != std::string::npos) return bad("has a NUL byte");
  std::vector<std::string> parts;
  std::string part;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') {
      part += path[i];
      continue;
    }
    if (part == "..") return bad("leaves the workspace with '..'");
    if (part == ".git") return bad("lies in .git");
    if (!part.empty() && part != ".") parts.push_back(part);
    part.clear();
  }
  if (parts.empty()) return bad("names no file");
  return joined(parts, "/");
}

Result<std::vector<TaskSpec>> parse_plan(const json& arguments) {
  std::vector<std::string> problems;
  auto tasks = arguments.find("tasks");
  if (!arguments.is_object() || tasks == arguments.end() || !tasks->is_array())
    return Error{ErrorCode::invalid_argument, "tasks: must be an array", "submit_plan"};
  std::vector<TaskSpec> out;
  for (std::size_t i = 0; i < tasks->size(); ++i) {
    auto where = "tasks[" + std::to_string(i) + "]";
    if ((*tasks)[i].is_object())
      out.push_back(task_from((*tasks)[i], where, problems));
    else
      problems.push_back(where + ": must be an object");
  }
  if (!problems.empty())
    return Error{ErrorCode::invalid_argument, joined(problems, "; "), "submit_plan"};
  for (auto& task : out)
    for (auto& file : task.files)
      if (auto path = normalise_path(file)) file = *path;
  return out;
}

std::vector<std::string> topological_order(const std::vector<TaskSpec>& tasks) {
  std::map<std::string, std::set<std::string>> waits_for;
  std::map<std::string, std::vector<std::string>> unblocks;
  for (const auto& task : tasks) {
    auto& wanted = waits_for[task.id];
    for (const auto& id : task.depends_on)
      for (const auto& leaf : leaves_of(id, tasks))
        if (wanted.insert(leaf).second) unblocks[leaf].push_back(task.id);
  }
  std::vector<std::string> order;
  for (const auto& task : tasks)
    if (waits_for[task.id].empty()) order.push_back(task.id);
  for (std::size_t next = 0; next < order.size(); ++next)
    for (const auto& id : unblocks[order[next]]) {
      waits_for[id].erase(order[next]);
      if (waits_for[id].empty()) order.push_back(id);
    }
  if (order.size() != waits_for.size()) order.clear();
  return order;
}

std::vector<std::string> validate_plan(const std::vector<TaskSpec>& tasks, const PlanLimits& limits,
                                       const std::vector<std::string>& known) {
  std::vector<std::string> problems;
  if (tasks.empty()) problems.emplace_back("the plan has no task");
  if (tasks.size() > limits.max_tasks)
    problems.push_back("the plan has " + std::to_string(tasks.size()) + " tasks, at most " +
                       std::to_string(limits.max_tasks));
  std::set<std::string> ids(known.begin(), known.end());
  for (const auto& task : tasks) {
    check_task(task, limits, problems);
    if (!ids.insert(task.id).second) problems.push_back(task.id + ": this id is taken");
  }
  for (const auto& task : tasks) {
    for (const auto& other : ids)
      if (id_within(other, task.id))
        problems.push_back(task.id + ": is a group (it contains " + other +
                           "), so it cannot be a task");
    for (const auto& id : task.depends_on) {
      bool found = std::any_of(ids.begin(), ids.end(), [&](const std::string& other) {
        return other == id || id_within(other, id);
      });
      if (!found)
        problems.push_back(task.id + ": depends on '" + id + "', which is not in the plan");
      if (id == task.id || id_within(task.id, id))
        problems.push_back(task.id + ": depends on itself");
    }
  }
  if (problems.empty() && topological_order(tasks).empty())
    problems.emplace_back("the dependencies form a cycle");
  return problems;
}

}  // namespace muster
