#pragma once
// The task graph as a planner submits it, and its validation.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// How one task can be checked: a command that the engine runs, or a built-in.
struct Verification {
  std::string command;  ///< shell text; empty for a built-in
  std::string check;    ///< built-in: "exists" | "matches" | "parses"; empty for a command
  std::string path;     ///< of the built-in
  std::string pattern;  ///< RE2, for "matches"
  bool operator==(const Verification&) const = default;
};

/// One leaf of the graph.
struct TaskSpec {
  std::string id;  ///< "M1.T2" or "M1.T2.S1"
  std::string title;
  std::string description;
  std::vector<std::string> files;       ///< relative paths that it may write: its leases
  std::vector<std::string> depends_on;  ///< ids of leaves or groups
  std::vector<std::string> acceptance;
  std::vector<Verification> verification;
  std::string test_exempt_reason;  ///< why no new test is needed; empty = one is
  bool operator==(const TaskSpec&) const = default;
};

struct PlanLimits {
  std::size_t max_tasks = 200;
  std::size_t max_files_per_task = 3;
};

/// Parses the arguments of submit_plan; the error names the JSON path.
Result<std::vector<TaskSpec>> parse_plan(const nlohmann::json& arguments);

/// Everything that is wrong with a plan, one sentence each; empty = valid. `known` are ids of
/// earlier tasks that depends_on may name.
std::vector<std::string> validate_plan(const std::vector<TaskSpec>& tasks, const PlanLimits& limits,
                                       const std::vector<std::string>& known);

/// Ids in an order in which every task comes after what it depends on; empty when there is a cycle.
std::vector<std::string> topological_order(const std::vector<TaskSpec>& tasks);

/// True for M1, M1.T2, M1.T2.S1 (any numbers).
bool is_todo_id(const std::string& id);

/// `inner` lies under the group `outer`: M1 contains M1.T2, M1.T1 does not contain M1.T10.
bool id_within(const std::string& inner, const std::string& outer);

/// A workspace-relative, '/'-separated, normalised path, or the reason why it is none.
Result<std::string> normalise_path(const std::string& path);

void to_json(nlohmann::json& out, const Verification& value);
void from_json(const nlohmann::json& in, Verification& value);
void to_json(nlohmann::json& out, const TaskSpec& value);
void from_json(const nlohmann::json& in, TaskSpec& value);

}  // namespace muster
