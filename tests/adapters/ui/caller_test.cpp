#include "adapters/ui/caller.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace muster::ui;
using nlohmann::json;

namespace {

struct Called {
  int rung = 0;
  std::vector<std::vector<std::string>> ran;
  Caller caller{{[this] { ++rung; },
                 {"notify-send", "--", "{title}", "it says: {text}"},
                 [this](std::vector<std::string> argv) { ran.push_back(std::move(argv)); }}};

  void ask(const std::string& text, std::int64_t at_ms) {
    caller.on_notice("needs_user", {{"questions", {{{"id", "Q1"}, {"text", text}}}}}, at_ms);
  }
};

}  // namespace

TEST_CASE("a person is called when they are needed, at most every two seconds, with the newest") {
  Called it;
  it.caller.on_notice("landed", json::object(), 0);
  CHECK(it.rung == 0);
  it.ask("which colour?", 1000);
  CHECK(it.rung == 1);
  REQUIRE(it.ran.size() == 1);
  CHECK(it.ran[0] == std::vector<std::string>{"notify-send", "--", "muster needs you",
                                              "it says: Q1: which colour?"});
  it.ask("first", 1500);
  it.ask("second", 2000);
  it.caller.tick(2900);
  CHECK(it.rung == 1);
  it.caller.tick(3000);
  it.caller.tick(9000);
  REQUIRE(it.ran.size() == 2);
  CHECK(it.ran[1][3] == "it says: Q1: second");
}

TEST_CASE("the end is always told, and takes the place of what waited") {
  Called it;
  it.ask("which colour?", 1000);
  it.ask("which size?", 1100);
  it.caller.on_notice("mission_ended", {{"outcome", "sealed"}, {"summary", "all done"}}, 1200);
  REQUIRE(it.ran.size() == 2);
  CHECK(it.ran[1][2] == "muster: SEALED");
  CHECK(it.ran[1][3] == "it says: all done");
  it.caller.tick(9000);
  CHECK(it.rung == 2);
}

TEST_CASE("what a mission says is one word to the program, without escapes, and fills nothing") {
  Called it;
  it.ask("{title}; $(rm -rf x)\n\x1b]0;owned\x07", 0);
  REQUIRE(it.ran.size() == 1);
  REQUIRE(it.ran[0].size() == 4);
  CHECK(it.ran[0][3].find("{title}; $(rm -rf x)") != std::string::npos);
  CHECK(it.ran[0][3].find('\x1b') == std::string::npos);
  CHECK(it.ran[0][3].find('\n') == std::string::npos);
}

TEST_CASE("a pause that the user asked for calls nobody") {
  Called it;
  it.caller.on_notice("mission_paused", {{"reason", ""}}, 0);
  CHECK(it.rung == 0);
  it.caller.on_notice("mission_paused", {{"reason", "the disk is full"}}, 0);
  CHECK(it.rung == 1);
}
