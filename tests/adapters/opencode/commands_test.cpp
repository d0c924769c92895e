#include "adapters/opencode/commands.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster::opencode {
namespace {

template <class T>
T parsed(std::string_view name, std::string_view arguments) {
  auto command = parse_command(name, arguments);
  INFO(name << " " << arguments << (command.ok() ? "" : command.error().text()));
  REQUIRE(command.ok());
  REQUIRE(std::holds_alternative<T>(*command));
  return std::get<T>(*command);
}

ErrorCode refused(std::string_view name, std::string_view arguments) {
  auto command = parse_command(name, arguments);
  REQUIRE_FALSE(command.ok());
  return command.error().code;
}

}  // namespace

TEST_CASE("commands that start a mission") {
  auto task = parsed<Start>("task", "  Build a \"REST\" API\nwith tests ");
  CHECK(task.kind == MissionKind::run);
  CHECK(task.objective == "Build a \"REST\" API\nwith tests");
  CHECK_FALSE(task.without_approval);
  CHECK(parsed<Start>("auto", "x").without_approval);
  CHECK(parsed<Start>("plan", "x").kind == MissionKind::plan);
  CHECK(parsed<Start>("fix", "x").kind == MissionKind::fix);
  CHECK(parsed<Start>("search", "x").kind == MissionKind::search);
  CHECK(parsed<Start>("review", "").kind == MissionKind::review);
  parsed<GoOn>("task", " \n");
  CHECK(refused("plan", "") == ErrorCode::invalid_argument);
  CHECK(refused("auto", "  ") == ErrorCode::invalid_argument);
  CHECK(refused("tasks", "x") == ErrorCode::not_found);
}

TEST_CASE("commands for a mission that is at work") {
  parsed<Stop>("stop", "");
  parsed<Stop>("cancel", "");
  CHECK(parsed<Drop>("cancel", "M1.T2").task == "M1.T2");
  CHECK(refused("cancel", "M1.T2 M1.T3") == ErrorCode::invalid_argument);
  parsed<ShowStatus>("status", "");
  parsed<ShowAgents>("agents", "");
}

TEST_CASE("an answer may name its question") {
  auto named = parsed<Answer>("answer", "q12 a formal one");
  CHECK(named.id == "Q12");
  CHECK(named.text == "a formal one");
  auto plain = parsed<Answer>("answer", "Quite formal");
  CHECK(plain.id.empty());
  CHECK(plain.text == "Quite formal");
  CHECK(parsed<Answer>("answer", "Q").text == "Q");
  CHECK(refused("answer", "Q1") == ErrorCode::invalid_argument);
  CHECK(refused("answer", "") == ErrorCode::invalid_argument);
}

}  // namespace muster::opencode
