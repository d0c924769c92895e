#include "adapters/opencode/agent_table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

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
  const auto scope = table()["tools"]["muster_run_background"]["args"]["scope"];
  CHECK(scope["enum"] == json::array({"task", "mission", nullptr}));
}
