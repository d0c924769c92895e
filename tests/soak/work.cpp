#include "tests/soak/work.hpp"

#include <string>
#include <vector>

#include "tests/e2e/script.hpp"

namespace muster::soak {
namespace {

using nlohmann::json;
using test::call;
using test::rule;

/// What the engine says to a session that takes over from one that ran commands.
constexpr const char* taking_over = "Commands that were run before you took over";

/// What models say beside their calls; it has a provider's usual length.
constexpr const char* words =
    "The change is small and stays inside the file that the task names. First I look at what is "
    "there, then I write the part anew, and at last the check is run. Nothing else is touched: the "
    "other parts belong to other tasks, which are at work on them at the same time.";

std::string part(int number) { return "parts/" + std::to_string(number) + ".txt"; }

json task(int number) {
  auto out = test::task("M1.T" + std::to_string(number), {part(number)},
                        "sh check.sh " + std::to_string(number));
  out["test_exempt_reason"] = "a text";
  return out;
}

json plan(int tasks) {
  json all = json::array();
  for (int i = 1; i <= tasks; ++i) all.push_back(task(i));
  return call("submit_plan", {{"summary", "a task for each part"}, {"tasks", all}});
}

/// Everything once more; each time in other words, for the same ones again and again are no
/// progress.
json again(int tasks) {
  json findings = json::array();
  for (int i = 1; i <= tasks; ++i)
    findings.push_back({{"file", part(i)},
                        {"line", 1},
                        {"message", "write " + part(i) + " anew, for {{session}}"},
                        {"severity", "error"}});
  return call("submit_verdict",
              {{"verdict", "reject"}, {"summary", "once more"}, {"findings", findings}});
}

/// Its command, unless it was run already; then the part.
void add_worker(std::vector<json>& rules, int number) {
  json worker{{"agent", {"worker", "fixer"}},
              {"task_matches", "M[0-9]+\\.T" + std::to_string(number)}};
  auto with = [&worker](const json& more) {
    auto when = worker;
    when.update(more);
    return when;
  };
  const json text{{"text", words}};
  auto write =
      call("write", {{"path", part(number)}, {"content", "part {{task}}\n" + std::string(words)}});
  auto note = call("shell", {{"command", "sh note.sh {{task}}"}});
  rules.push_back(rule(with({{"turn", 1}, {"text_matches", taking_over}}), {write}, text));
  rules.push_back(rule(with({{"turn", 1}}), {note}, text));
  rules.push_back(rule(with({{"last_tool", "shell"}}), {write}, text));
  rules.push_back(rule(worker, {test::submit({part(number)})}, text));
}

}  // namespace

test::Files project(const Work& work) {
  test::Files files{
      {"note.sh", "echo \"$1\" >> \"$EFFECTS\"\n"},
      {"check.sh", "grep -q '^part' \"parts/$1.txt\"\n"},
      {"README.md", "Parts of a whole.\n"},
      {"Makefile", "test:\n\t@! grep -L '^part' parts/*.txt | grep .\n\n.PHONY: test\n"}};
  for (int i = 1; i <= work.tasks; ++i) files[part(i)] = "part -\n";
  return files;
}

json scenario(const Work& work) {
  std::vector<json> rules{
      rule({{"agent", "commander"}, {"text_matches", "Call request_seal"}},
           {call("request_seal", {{"summary", "all parts are written"}})}),
      rule({{"agent", "commander"}},
           {call("submit_triage", {{"kind", "large"}, {"reason", "many parts"}})}),
      rule({{"agent", "planner"}}, {plan(work.tasks)}),
  };
  for (int i = 1; i <= work.tasks; ++i) add_worker(rules, i);
  if (work.iterations > 1) {
    rules.push_back(rule({{"agent", "master_reviewer"}}, {again(work.tasks)}));
    rules.back()["times"] = work.iterations - 1;
  }
  rules.push_back(rule({{"agent", {"reviewer", "master_reviewer"}}}, {test::approve()}));
  auto out = test::scenario(std::move(rules));
  out["defaults"] = {{"latency_ms", work.latency.count()}};
  return out;
}

}  // namespace muster::soak
