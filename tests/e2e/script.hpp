#pragma once
// What the scripted model says, put together by tests; docs/scenarios.md describes the format.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/sandbox.hpp"

namespace muster::test {

/// A tool call of a reply.
[[nodiscard]] nlohmann::json call(const std::string& tool, nlohmann::json arguments);
/// A rule: when all of `when` holds, these calls are the reply.
[[nodiscard]] nlohmann::json rule(nlohmann::json when, std::vector<nlohmann::json> calls);
/// The same with more in `then`: text, latency_ms, fault ...
[[nodiscard]] nlohmann::json rule(nlohmann::json when, std::vector<nlohmann::json> calls,
                                  const nlohmann::json& then);
/// For what no rule before it matches: an error that no retry can mend, so that a mission that
/// leaves its script ends soon.
[[nodiscard]] nlohmann::json silence();
/// The rules, and silence().
[[nodiscard]] nlohmann::json scenario(std::vector<nlohmann::json> rules);

// Ends of sessions.
[[nodiscard]] nlohmann::json submit(std::vector<std::string> changed_files);
[[nodiscard]] nlohmann::json approve();
[[nodiscard]] nlohmann::json reject(const std::string& file, const std::string& message);
[[nodiscard]] nlohmann::json task(const std::string& id, std::vector<std::string> files,
                                  const std::string& verification);

/// A scenario in which the commander makes one task of the objective, `work` is what its worker and
/// fixer do, and every reviewer approves. The task changes no behaviour, so it needs no new test.
[[nodiscard]] nlohmann::json one_task_mission(nlohmann::json task,
                                              std::vector<nlohmann::json> work);

/// A project of two shell scripts with a test each, `make test`, and a change to each of them.
namespace plain {
[[nodiscard]] Files files();
/// greet.sh says "good day" instead of "hello"; part.sh says "farewell" instead of "bye".
[[nodiscard]] nlohmann::json greet_task();
[[nodiscard]] nlohmann::json part_task();
[[nodiscard]] nlohmann::json edit_greet();  ///< greet.sh and its test: two calls
[[nodiscard]] nlohmann::json edit_part();
/// The rules of a mission that is one task: greet.
[[nodiscard]] std::vector<nlohmann::json> small_mission();
/// The rules of a mission that plans both tasks, at work at the same time.
[[nodiscard]] std::vector<nlohmann::json> large_mission();
}  // namespace plain

}  // namespace muster::test
