// The demo's words must fit its files: checked here without an engine, edit by edit.

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "adapters/model/scenario.hpp"
#include "runtime/boot/demo.hpp"
#include "tests/e2e/sandbox.hpp"

namespace muster::test {
namespace {

using nlohmann::json;

Environment plain_environment() {
  return {{"PATH", std::getenv("PATH")}, {"HOME", "/nonexistent"}, {"GIT_CONFIG_NOSYSTEM", "1"}};
}

/// What the edit tool does, for text that must be there exactly once.
void carry_out(const std::string& root, const json& edit) {
  auto path = root + "/" + edit.at("path").get<std::string>();
  auto old_text = edit.at("old_text").get<std::string>();
  auto content = read_file(path);
  auto at = content.find(old_text);
  INFO(path << ": " << old_text);
  REQUIRE(at != std::string::npos);
  REQUIRE(content.find(old_text, at + 1) == std::string::npos);
  write_file(path, content.replace(at, old_text.size(), edit.at("new_text").get<std::string>()));
}

int make(const std::string& root, const std::string& target) {
  return run_program({"make", "-s", target}, root, plain_environment()).exit_code;
}

}  // namespace

TEST_CASE("the demo's repository is whole: one commit, a clean tree, green tests") {
  std::string folder;
  {
    auto demo = make_demo_workspace(false);
    REQUIRE(demo.ok());
    folder = demo->folder;
    auto log = run_program({"git", "log", "--format=%s"}, demo->repository, plain_environment());
    CHECK(log.out == "Add up expenses\n");
    CHECK(make(demo->repository, "all") == 0);
    CHECK(make(demo->repository, "test") == 0);
    CHECK(run_program({"git", "status", "--porcelain"}, demo->repository, plain_environment())
              .out.empty());
    CHECK(std::filesystem::is_directory(demo->state));
  }
  CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("the demo's repository stays where it is wanted") {
  std::string folder;
  {
    auto demo = make_demo_workspace(true);
    REQUIRE(demo.ok());
    folder = demo->folder;
  }
  CHECK(std::filesystem::exists(folder + "/ledger/Makefile"));
  std::filesystem::remove_all(folder);
}

TEST_CASE("the demo's scenario can be played, with pauses and without") {
  for (bool fast : {false, true}) {
    auto scenario = scripted::parse_scenario(demo_scenario(fast), "demo");
    INFO((scenario ? "" : scenario.error().text()));
    REQUIRE(scenario.ok());
    CHECK((scenario->defaults.latency_ms == 0) == fast);
  }
}

TEST_CASE("every edit of the demo fits, every new test fails before its code and passes after it") {
  auto demo = make_demo_workspace(false);
  REQUIRE(demo.ok());
  const auto& root = demo->repository;
  int edits = 0;
  std::map<std::string, std::vector<int>> runs;  // of each task, in order
  const auto scenario = json::parse(demo_scenario());
  for (const auto& rule : scenario.at("rules")) {
    const auto& then = rule.at("then");
    if (then.contains("fault") || !then.contains("tool_calls")) continue;
    for (const auto& call : then.at("tool_calls")) {
      const auto& arguments = call.at("arguments");
      if (call.at("name") == "edit") {
        carry_out(root, arguments);
        ++edits;
      } else if (call.at("name") == "shell" && rule.at("when").contains("task")) {
        auto command = arguments.at("command").get<std::string>();
        runs[rule.at("when").at("task")].push_back(
            make(root, command.substr(command.rfind(' ') + 1)));
      }
    }
  }
  CHECK(edits == 10);
  CHECK(runs["M1.T1"] == std::vector<int>{2, 0});        // red, green
  CHECK(runs["M1.T2"] == std::vector<int>{0, 2, 0, 0});  // green, reproduced, mended, reviewed
  CHECK(make(root, "all") == 0);
  CHECK(make(root, "test") == 0);
}

}  // namespace muster::test
