#include "adapters/opencode/agent_table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "adapters/opencode/hosted_tools.hpp"
#include "config/tools.hpp"

using namespace muster;
using nlohmann::json;

namespace {

json table() {
  return opencode::agent_table({*config::load_team("squad"), *config::load_team("classic")});
}

}  // namespace

TEST_CASE("every agent of both teams is there, hidden, with its own tools and no other") {
  const auto all = table();
  for (const char* name : {"commander", "orchestrator", "planner", "searcher", "worker", "coder",
                           "reviewer", "fixer", "master_reviewer"}) {
    INFO(name);
    const auto& agent = all["agents"]["muster-" + std::string(name)];
    CHECK(agent["hidden"] == true);
    CHECK(agent["mode"] == "primary");
    CHECK(agent["permission"]["*"] == "deny");
    CHECK_FALSE(agent["prompt"].get<std::string>().empty());
    for (const auto& [tool, right] : agent["permission"].items())
      if (tool != "*") CHECK(all["tools"].contains(tool));
  }
  CHECK_FALSE(all["agents"]["muster-reviewer"]["permission"].contains("muster_write"));
  CHECK(all["agents"]["muster-worker"]["permission"]["muster_shell"] == "allow");
}

TEST_CASE("arguments that may be left out take null") {
  const auto args = table()["tools"]["muster_read"]["args"];
  CHECK(args["path"]["type"] == "string");
  CHECK(args["first_line"]["type"] == json::array({"integer", "null"}));
  const auto scope = table()["tools"]["muster_background"]["args"]["scope"];
  CHECK(scope["enum"] == json::array({"task", "mission", nullptr}));
}

TEST_CASE("the names of the tools are those that are promised") {
  const auto tools = table()["tools"];
  for (const char* name :
       {"shell", "background", "add_task", "tasks", "result", "cancel", "todo", "submit_triage",
        "submit_plan", "submit_result", "submit_verdict", "metrics"}) {
    INFO(name);
    CHECK(tools.contains("muster_" + std::string(name)));
  }
  const auto& background = tools["muster_background"]["args"];
  CHECK(background["action"]["enum"] == json::array({"run", "check", "list", "kill"}));
  CHECK(background["job"]["type"] == json::array({"string", "null"}));
  CHECK(background["command"]["type"] == json::array({"string", "null"}));
  for (const auto& [name, tool] : tools.items())
    CHECK((name == "muster_background" || name.find("background") == std::string::npos));
}

TEST_CASE("every tool of an agent is offered there, without a word more than its file's") {
  const auto all = table();
  for (const auto& team : {*config::load_team("squad"), *config::load_team("classic")})
    for (const auto& [role, agent] : team.roles)
      for (const auto& tool : agent.all_tools()) {
        INFO(agent.name << " " << tool);
        const auto name = opencode::hosted_name(tool);
        CHECK(all["tools"].contains(name));
        CHECK(all["agents"]["muster-" + agent.name]["permission"][name] == "allow");
      }
  const auto prompt = all["agents"]["muster-worker"]["prompt"].get<std::string>();
  CHECK(prompt.find("run_background is muster_background with the action run") !=
        std::string::npos);
  CHECK(all["agents"]["muster-planner"]["prompt"].get<std::string>().find("background") ==
        std::string::npos);
}

TEST_CASE("a call is passed on under muster's own name") {
  const auto call = [](std::string_view name, json arguments) {
    auto made = opencode::direct_call("c1", name, std::move(arguments));
    return made ? made->name + " " + made->arguments : made.error().text();
  };
  CHECK(call("edit", {{"path", "a"}}) == R"(edit {"path":"a"})");
  CHECK(call("todo", json::object()) == "todo_read {}");
  CHECK(call("background", {{"action", "run"}, {"command", "make watch"}}) ==
        R"(run_background {"command":"make watch"})");
  CHECK(call("background", {{"action", "kill"}, {"job", "S1.J1"}}) ==
        R"(kill_background {"job":"S1.J1"})");
  CHECK(call("background", {{"action", "list"}}) == "list_background {}");
  CHECK(call("background", {{"job", "S1.J1"}}).find("run, check, list, kill") != std::string::npos);
  CHECK(call("background", {{"action", 7}}).find("run, check, list, kill") != std::string::npos);
}

TEST_CASE("README.md says what the tools cost") {
  std::ifstream file(std::string(MUSTER_SOURCE_DIR) + "/README.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::size_t least = std::string::npos, most = 0;
  std::string cheap, dear;
  std::vector<std::string> names;
  for (const auto& tool : config::tool_specs()) names.emplace_back(tool.name);
  for (const auto& team : {*config::load_team("squad"), *config::load_team("classic")})
    for (const auto& [role, agent] : team.roles) {
      const auto tokens = opencode::tool_tokens(agent.all_tools());
      if (tokens < least) least = tokens, cheap = agent.name;
      if (tokens > most) most = tokens, dear = agent.name;
    }
  // To the hundred: a word more or less in a tool's description is no news to a reader.
  const auto about = [](std::size_t tokens) { return std::to_string((tokens + 50) / 100 * 100); };
  const auto said = "OpenCode's model about " + about(least) + " (" + cheap + ") to " +
                    about(most) + " tokens (" + dear + ") a call, all " +
                    std::to_string(opencode::hosted_tools().size()) + " together " +
                    about(opencode::tool_tokens(names));
  INFO("it should say: " << said);
  CHECK(text.find(said) != std::string::npos);
}
