#include "config/agents.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "config/embedded.hpp"
#include "config/front_matter.hpp"
#include "config/schema.hpp"
#include "config/tools.hpp"

using namespace muster;
using namespace muster::config;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::json;

namespace {

std::string agent_text(const std::string& tools, const std::string& rights) {
  return "---\nname: x\ndescription: d\nrole: worker\ntools: " + tools +
         "\nfinal_tools: [submit_result]\nrights: " + rights + "\n---\nDo it.\n";
}

std::string agent_error(const std::string& text) {
  const auto agent = parse_agent(text, "x.md");
  REQUIRE_FALSE(agent.ok());
  return agent.error().text();
}

}  // namespace

TEST_CASE("both teams load, with the rights of the design") {
  for (const char* name : {"squad", "classic"}) {
    auto team = load_team(name);
    if (!team.ok()) FAIL(team.error().text());
    CHECK(team->name == name);
    CHECK(team->agent("worker")->rights == Rights{true, true, Runs::all});
    CHECK(team->agent("fixer")->rights == Rights{true, true, Runs::all});
    CHECK(team->agent("reviewer")->rights == Rights{true, false, Runs::verification});
    CHECK(team->agent("master_reviewer")->rights == Rights{true, false, Runs::verification});
    CHECK(team->agent("commander")->rights == Rights{true, false, Runs::none});
    CHECK(team->agent("planner")->rights == Rights{true, false, Runs::none});
  }
  CHECK(load_team("classic")->agent("worker")->name == "coder");
  CHECK_FALSE(load_team("nobody").ok());
}

TEST_CASE("every built-in agent parses and its prompt stays under 350 tokens") {
  const auto files = embedded_files("config/agents/");
  CHECK(files.size() == 9);
  for (const auto file : files) {
    auto agent = parse_agent(embedded(file), std::string(file));
    if (!agent.ok()) FAIL(agent.error().text());
    INFO(agent->name);
    CHECK(estimate_tokens(agent->prompt) <= 350);
    CHECK(agent->prompt.find("---") == std::string::npos);
  }
}

TEST_CASE("agent_costs counts prompt and tools") {
  const auto costs = agent_costs(*load_team("squad"));
  REQUIRE(costs.size() == 6);
  CHECK(costs[0].name == "commander");
  for (const auto& cost : costs) {
    CHECK(cost.prompt_tokens > 100);
    CHECK(cost.tool_tokens > 100);
    CHECK(cost.tool_tokens < 2000);
  }
}

TEST_CASE("errors in an agent's file name file and line") {
  CHECK_THAT(agent_error("no head"), ContainsSubstring("x.md:1: must begin with a line of ---"));
  CHECK_THAT(agent_error("---\nname: x\n"), ContainsSubstring("no closing ---"));
  CHECK_THAT(agent_error("---\nnaem: x\n---\nhi"),
             ContainsSubstring("x.md:2: unknown key 'naem' (did you mean 'name'?)"));
  CHECK_THAT(agent_error(agent_text("[raed]", "{reads: true}")),
             ContainsSubstring("x.md:5: unknown tool 'raed' (did you mean 'read'?)"));
  CHECK_THAT(agent_error(agent_text("[submit_plan]", "{reads: true}")),
             ContainsSubstring("'submit_plan' belongs in final_tools"));
  CHECK_THAT(agent_error(agent_text("read", "{reads: true}")),
             ContainsSubstring("tools must be a list"));
  CHECK_THAT(agent_error(agent_text("[read]", "{raeds: true}")),
             ContainsSubstring("x.md:7: unknown right 'raeds'"));
  CHECK_THAT(agent_error(agent_text("[read]", "{runs: some}")),
             ContainsSubstring("runs must be none, verification or all"));
  CHECK_THAT(agent_error(agent_text("[read, write]", "{reads: true}")),
             ContainsSubstring("'write' needs the right 'writes'"));
  CHECK_THAT(agent_error(agent_text("[run_background]", "{runs: verification}")),
             ContainsSubstring("needs the right 'runs: all'"));
  CHECK_THAT(agent_error("---\nname: x\nname: y\n---\n"),
             ContainsSubstring("x.md:3: the key 'name' appears twice"));
}

TEST_CASE("front matter: quotes, comments, lists and maps") {
  const auto parsed = parse_front_matter(
      "\xEF\xBB\xBF---\r\n# note\r\na: \"x: y\"\r\nb: [ 'p, q' , r ]\r\nc: {d: 1, e: 'f'}\r\n"
      "f: []\r\n---\r\n\r\nBody\r\n",
      "f.md");
  REQUIRE(parsed.ok());
  CHECK(std::get<std::string>(parsed->head.at("a").value) == "x: y");
  CHECK(std::get<std::vector<std::string>>(parsed->head.at("b").value) ==
        std::vector<std::string>{"p, q", "r"});
  CHECK(std::get<std::map<std::string, std::string>>(parsed->head.at("c").value).at("e") == "f");
  CHECK(std::get<std::vector<std::string>>(parsed->head.at("f").value).empty());
  CHECK(parsed->head.at("b").line == 4);
  CHECK(parsed->body == "Body");
  CHECK_FALSE(parse_front_matter("---\na: [b\n---\n", "f").ok());
  CHECK_FALSE(parse_front_matter("---\njust text\n---\n", "f").ok());
}

TEST_CASE("a team narrows and never widens") {
  const std::string rest =
      R"("planner":{"agent":"planner"},"worker":{"agent":"worker"},"fixer":{"agent":"fixer"},)"
      R"("master_reviewer":{"agent":"master_reviewer"},"reviewer":{"agent":"reviewer"}}})";
  const auto with = [&](const std::string& commander) {
    return R"({"name":"t","roles":{"commander":)" + commander + "," + rest;
  };
  auto narrowed =
      parse_team(with(R"({"agent":"worker","rights":{"writes":false,"runs":"none"}})"), "t.json");
  REQUIRE(narrowed.ok());
  const AgentSpec& agent = *narrowed->agent("commander");
  CHECK(agent.rights == Rights{true, false, Runs::none});
  for (const auto& tool : agent.all_tools()) {
    CHECK(tool != "write");
    CHECK(tool != "edit");
    CHECK(tool != "rename");
    CHECK(tool != "shell");
    CHECK(tool != "run_background");
  }
  CHECK_THAT(
      parse_team(with(R"({"agent":"planner","rights":{"writes":true}})"), "t").error().text(),
      ContainsSubstring("would widen the rights of 'planner'"));
  CHECK_THAT(parse_team(with(R"({"agent":"planner","tools":["shell"]})"), "t").error().text(),
             ContainsSubstring("the tool 'shell'"));
  CHECK_THAT(parse_team(R"({"name":"t","roles":{}})", "t").error().text(),
             ContainsSubstring("the role 'commander' has no agent"));
  CHECK_THAT(parse_team(with(R"({"agent":"nobody"})"), "t").error().text(),
             ContainsSubstring("roles.commander.agent: there is no agent 'nobody'"));
}

TEST_CASE("only who leads may cancel") {
  for (const char* name : {"squad", "classic"}) {
    const auto team = load_team(name);
    REQUIRE(team.ok());
    for (const auto& [role, agent] : team->roles) {
      const auto tools = agent.all_tools();
      CHECK((std::find(tools.begin(), tools.end(), "cancel") != tools.end()) ==
            (role == "commander"));
    }
  }
}

TEST_CASE("tool schemas are valid and short, and arguments are checked with the path") {
  for (const ToolSpec& tool : tool_specs()) {
    INFO(tool.name);
    const json schema = json::parse(tool.schema);
    CHECK(schema["type"] == "object");
    for (const auto& problem : validate(schema, json::object()))
      CHECK(problem.message.find("unknown keyword") == std::string::npos);
    CHECK(tool.description.size() < 100);
  }
  CHECK(tool_specs().size() == 37);
  CHECK(validate_tool_arguments("read", {{"path", "a"}, {"first_line", 3}}).ok());
  const auto bad = validate_tool_arguments("read", {{"path", 7}, {"first_line", 0}});
  REQUIRE_FALSE(bad.ok());
  CHECK_THAT(bad.error().message, ContainsSubstring("path must be string, not an integer"));
  CHECK_THAT(bad.error().message, ContainsSubstring("first_line must be at least 1"));
  CHECK_THAT(validate_tool_arguments("raed", json::object()).error().message,
             ContainsSubstring("did you mean 'read'?"));
  const json task = {{"title", "t"}, {"description", "d"}, {"files", {"a"}}};
  const auto plan = validate_tool_arguments("submit_plan", {{"summary", "s"}, {"tasks", {task}}});
  CHECK_THAT(plan.error().message, ContainsSubstring("tasks[0] needs the key 'verification'"));
  CHECK_FALSE(validate_tool_arguments("read", json::array()).ok());
}

TEST_CASE("tool_definitions keeps the table's order, so that prompts stay byte-stable") {
  const json a = tool_definitions({"shell", "read", "nonsense"});
  const json b = tool_definitions({"read", "shell"});
  CHECK(a == b);
  CHECK(a[0]["function"]["name"] == "read");
}

TEST_CASE("a schema with a keyword that the validator does not know is reported") {
  const auto problems = validate({{"type", "string"}, {"pattern", "x"}}, "text");
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0].message, ContainsSubstring("unknown keyword 'pattern'"));
  CHECK_FALSE(validate({{"$ref", "#/$defs/none"}}, "text").empty());
}
