#include "tests/e2e/script.hpp"

#include <utility>

namespace muster::test {

using nlohmann::json;

json call(const std::string& tool, json arguments) {
  return {{"name", tool}, {"arguments", std::move(arguments)}};
}

json rule(json when, std::vector<json> calls) {
  return rule(std::move(when), std::move(calls), json::object());
}

json rule(json when, std::vector<json> calls, const json& then) {
  json out{{"when", std::move(when)}, {"then", then}};
  // A nested list of calls counts as its members.
  for (auto& one : calls)
    for (auto& each : one.is_array() ? one : json::array({one}))
      out["then"]["tool_calls"].push_back(each);
  return out;
}

json silence() {
  return {
      {"when", json::object()},
      {"then",
       {{"fault",
         {{"kind", "status"}, {"status", 400}, {"body", "the scenario has no words for this"}}}}}};
}

json scenario(std::vector<json> rules) {
  rules.push_back(silence());
  return {{"name", "test"}, {"rules", std::move(rules)}};
}

json submit(std::vector<std::string> changed_files) {
  return call("submit_result",
              {{"summary", "done, with a test"}, {"changed_files", std::move(changed_files)}});
}

json approve() {
  return call("submit_verdict",
              {{"verdict", "approve"}, {"summary", "good"}, {"findings", json::array()}});
}

json reject(const std::string& file, const std::string& message) {
  json finding{{"file", file}, {"line", 1}, {"message", message}, {"severity", "error"}};
  return call("submit_verdict",
              {{"verdict", "reject"}, {"summary", message}, {"findings", json::array({finding})}});
}

json task(const std::string& id, std::vector<std::string> files, const std::string& verification) {
  return {{"id", id},
          {"title", "Change " + files.front()},
          {"description", "Change " + files.front()},
          {"files", std::move(files)},
          {"depends_on", json::array()},
          {"acceptance", {"its test passes"}},
          {"verification", json::array({{{"command", verification}}})}};
}

json one_task_mission(json task, std::vector<json> work) {
  task["test_exempt_reason"] = "the same behaviour";
  work.insert(work.begin(),
              rule({{"agent", "commander"}},
                   {call("submit_triage",
                         {{"kind", "small"}, {"reason", "one task"}, {"task", std::move(task)}})}));
  work.push_back(rule({{"agent", {"reviewer", "master_reviewer"}}}, {approve()}));
  return scenario(std::move(work));
}

namespace plain {
namespace {

/// A test script that prints a finding in the compilers' form when `command` does not say `wanted`.
std::string check_script(const std::string& name, const std::string& command,
                         const std::string& wanted) {
  return "said=\"$(" + command + ")\"\n[ \"$said\" = \"" + wanted + "\" ] || { echo \"" + name +
         ":1: error: it said $said\"; exit 1; }\n";
}

json edits(const std::string& script, const std::string& test, const std::string& before,
           const std::string& after) {
  return json::array({call("edit", {{"path", test}, {"old_text", before}, {"new_text", after}}),
                      call("edit", {{"path", script}, {"old_text", before}, {"new_text", after}})});
}

}  // namespace

Files files() {
  return {{"greet.sh", "echo \"hello, $1\"\n"},
          {"part.sh", "echo \"bye, $1\"\n"},
          {"tests/greet_test.sh", check_script("greet.sh", "sh greet.sh Ada", "hello, Ada")},
          {"tests/part_test.sh", check_script("part.sh", "sh part.sh Ada", "bye, Ada")},
          {"README.md", "Greets and parts.\n"},
          {"Makefile",
           "test: test-greet test-part\n\ntest-greet test-part: test-%:\n\t@sh "
           "tests/$*_test.sh\n\n.PHONY: test test-greet test-part\n"}};
}

json greet_task() { return task("M1.T1", {"greet.sh", "tests/greet_test.sh"}, "make test-greet"); }
json part_task() { return task("M1.T2", {"part.sh", "tests/part_test.sh"}, "make test-part"); }
json edit_greet() { return edits("greet.sh", "tests/greet_test.sh", "hello", "good day"); }
json edit_part() { return edits("part.sh", "tests/part_test.sh", "bye", "farewell"); }

std::vector<json> small_mission() {
  return {rule({{"agent", "commander"}},
               {call("submit_triage",
                     {{"kind", "small"}, {"reason", "one line"}, {"task", greet_task()}})}),
          rule({{"agent", "worker"}, {"turn", 1}}, {edit_greet()}),
          rule({{"agent", "worker"}, {"turn", 2}}, {submit({"greet.sh", "tests/greet_test.sh"})}),
          rule({{"agent", {"reviewer", "master_reviewer"}}}, {approve()})};
}

std::vector<json> large_mission() {
  auto plan = call("submit_plan",
                   {{"summary", "a task for each script"}, {"tasks", {greet_task(), part_task()}}});
  return {rule({{"agent", "commander"}, {"text_matches", "Call request_seal"}},
               {call("request_seal", {{"summary", "both are polite now"}})}),
          rule({{"agent", "commander"}},
               {call("submit_triage", {{"kind", "large"}, {"reason", "two scripts"}})}),
          rule({{"agent", "planner"}}, {plan}),
          rule({{"agent", "worker"}, {"task", "M1.T1"}, {"turn", 1}}, {edit_greet()}),
          rule({{"agent", "worker"}, {"task", "M1.T1"}, {"turn", 2}},
               {submit({"greet.sh", "tests/greet_test.sh"})}),
          rule({{"agent", "worker"}, {"task", "M1.T2"}, {"turn", 1}}, {edit_part()}),
          rule({{"agent", "worker"}, {"task", "M1.T2"}, {"turn", 2}},
               {submit({"part.sh", "tests/part_test.sh"})}),
          rule({{"agent", {"reviewer", "master_reviewer"}}}, {approve()})};
}

}  // namespace plain
}  // namespace muster::test
