#include "tests/crash/script.hpp"

#include "tests/e2e/script.hpp"

namespace muster::crash {
namespace {

using nlohmann::json;
using test::call;
using test::rule;

/// What the engine says to a session that takes over from one that ran commands.
constexpr const char* taking_over = "Commands that were run before you took over";

json note(const std::string& what) { return call("shell", {{"command", "sh note.sh " + what}}); }

std::string part_test(const std::string& word) {
  return "said=\"$(sh part.sh Ada)\"\n[ \"$said\" = \"" + word +
         ", Ada\" ] || { echo \"part.sh:1: error: it said $said\"; exit 1; }\n";
}

/// Whole files: the same again changes nothing.
json write_part(const std::string& word) {
  return json::array(
      {call("write", {{"path", "part.sh"}, {"content", "echo \"" + word + ", $1\"\n"}}),
       call("write", {{"path", "tests/part_test.sh"}, {"content", part_test(word)}})});
}

}  // namespace

test::Files project() {
  auto files = test::plain::files();
  files["note.sh"] = "echo \"$1\" >> \"$EFFECTS\"\n";
  return files;
}

json scenario() {
  auto plan =
      call("submit_plan", {{"summary", "a task for each script"},
                           {"tasks", {test::plain::greet_task(), test::plain::part_task()}}});
  json worker{{"agent", "worker"}, {"task", "M1.T1"}};
  json other{{"agent", "worker"}, {"task", "M1.T2"}};
  json fixer{{"agent", "fixer"}};
  auto with = [](json when, const json& more) {
    when.update(more);
    return when;
  };
  return test::scenario({
      rule({{"agent", "commander"}, {"text_matches", "Call request_seal"}},
           {call("request_seal", {{"summary", "both are polite now"}})}),
      rule({{"agent", "commander"}},
           {call("submit_triage", {{"kind", "large"}, {"reason", "two scripts"}})}),
      rule({{"agent", "planner"}}, {plan}),
      // Its command, unless it was run already; then the change.
      rule(with(worker, {{"turn", 1}, {"text_matches", taking_over}}), {test::plain::edit_greet()}),
      rule(with(worker, {{"turn", 1}}), {note("work")}),
      rule(with(worker, {{"last_tool", "shell"}}), {test::plain::edit_greet()}),
      rule(worker, {test::submit({"greet.sh", "tests/greet_test.sh"})}),
      // A mistake that its checks do not see, and the reviewer does.
      rule(with(other, {{"turn", 1}}), {write_part("farewel")}),
      rule(other, {test::submit({"part.sh", "tests/part_test.sh"})}),
      rule({{"agent", "reviewer"}, {"text_matches", "\\+echo \"farewel,"}},
           {test::reject("part.sh", "a letter is missing")}),
      rule(with(fixer, {{"turn", 1}, {"text_matches", taking_over}}), {write_part("farewell")}),
      rule(with(fixer, {{"turn", 1}}), {note("fix")}),
      rule(with(fixer, {{"last_tool", "shell"}}), {write_part("farewell")}),
      rule(fixer, {test::submit({"part.sh", "tests/part_test.sh"})}),
      rule({{"agent", {"reviewer", "master_reviewer"}}}, {test::approve()}),
  });
}

}  // namespace muster::crash
