// What agents get to see of code by its structure, and how they change it.
#include "actors/code_tools.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "tests/actors/session_stage.hpp"
#include "tests/support/fake_code.hpp"

namespace muster {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using namespace test;

struct Tools {
  std::shared_ptr<FileMap> map =
      std::make_shared<FileMap>(FileMap{{"a.ts", "old(1)"}, {"b.ts", "x; old(2)"}, {"c.ts", "no"}});
  FakeCode code{map};
  std::string run(const std::string& name, const json& arguments) {
    auto text = run_code_tool(code, name, arguments.dump());
    return text ? *text : "error: " + text.error().text();
  }
};

/// A session with a role that may search and rewrite.
struct CodeStage : SessionStage {
  CodeStage() {
    profile->tool_names.insert({"ast_search", "ast_rewrite", "outline"});
    (*files)["c.txt"] = "alphabet";
  }
  std::vector<std::string> written() {
    std::vector<std::string> out;
    for (const auto& record : records("effect")) out.push_back(json::parse(record.row)["path"]);
    return out;
  }
  std::vector<json> leases_asked() {
    std::vector<json> out;
    for (const auto& call : ledger->tools)
      if (call.tool == "lease") out.push_back(json::parse(call.arguments)["files"]);
    return out;
  }
};

}  // namespace

TEST_CASE("code tools answer with places, bounded, and say when there is nothing") {
  Tools tools;
  CHECK(tools.run("ast_search", {{"pattern", "old"}}) == "a.ts:1:1: old(1)\nb.ts:1:1: x; old(2)\n");
  CHECK(tools.run("ast_search", {{"pattern", "gone"}}) == "no match in 3 files\n");
  CHECK(tools.run("outline", {{"path", "a.ts"}}) == "1-4 function run: int run()\n");
  CHECK(tools.run("symbols", {{"name", "go"}}) == "src/a.cpp:3-5 method A::go: void go()\n");
  CHECK(tools.run("symbols", {{"name", "none"}}) == "nothing of the name 'none' is defined here\n");
  CHECK_THAT(tools.run("refs", {{"name", "go"}}),
             ContainsSubstring("src/b.cpp:7:2: go(); [in B::run]\n[there are more"));
  CHECK(tools.run("repo_map", {{"about", "login"}, {"tokens", 1}}) == "map of 200 about login\n");
  for (int i = 0; i < 300; ++i) (*tools.map)["many/" + std::to_string(i)] = "old";
  CHECK_THAT(tools.run("ast_search", {{"pattern", "old"}}),
             ContainsSubstring("[102 more; narrow the search]"));
}

TEST_CASE("code tools answer arguments that are wrong with what is wrong") {
  Tools tools;
  CHECK_THAT(tools.run("ast_search", json::object()), ContainsSubstring("'pattern' is missing"));
  CHECK_THAT(tools.run("ast_search", {{"pattern", "a"}, {"where", "B=.*"}}),
             ContainsSubstring("'where' must be an object"));
  CHECK_THAT(tools.run("refs", {{"name", 7}}), ContainsSubstring("'name' must be a string"));
  CHECK_THAT(tools.run("nothing", json::object()), ContainsSubstring("no tool 'nothing'"));
  auto part = plan_code_change(
      tools.code, "edit",
      json{{"path", "a.ts"}, {"symbol", "old"}, {"new_text", "x"}, {"part", "head"}}.dump());
  CHECK_THAT(part.error().text(), ContainsSubstring("'body' or 'whole'"));
  auto none = plan_code_change(tools.code, "ast_rewrite",
                               json{{"pattern", "gone"}, {"rewrite", "x"}}.dump());
  CHECK(none.error().code == ErrorCode::not_found);
  CHECK_FALSE(is_code_change("edit", R"({"path":"a","old_text":"x","new_text":"y"})"));
  CHECK_FALSE(is_code_change("edit", "{"));
  CHECK_FALSE(is_code_change("edit", R"({"path":"a","symbol":"","old_text":"x","new_text":"y"})"));
  CHECK_FALSE(
      is_code_change("edit", R"({"path":"a","symbol":null,"old_text":"x","new_text":"y"})"));
  CHECK(is_code_change("edit", R"({"path":"a","symbol":"x","new_text":"y"})"));
}

TEST_CASE("a rewrite leases every file that it changes, then writes and records them all") {
  CodeStage stage;
  stage.script({calls("ast_rewrite", {{"pattern", "alpha"}, {"rewrite", "omega"}}), submits()});
  auto session = stage.start();
  CHECK(stage.answer() == "changed a.txt, c.txt");
  CHECK(stage.files->at("a.txt") == "omega");
  CHECK(stage.files->at("c.txt") == "omegabet");
  CHECK(stage.files->at("b.txt") == "beta");
  CHECK(stage.written() == std::vector<std::string>{"a.txt", "c.txt"});
  CHECK(stage.leases_asked() == std::vector<json>{{"c.txt"}});  // a.txt was its own already
  stage.check_ended(session);
}

TEST_CASE("a rewrite of a file that is another task's changes nothing") {
  CodeStage stage;
  stage.ledger->answer = [](const MissionToolCall& call) -> std::optional<Result<std::string>> {
    if (call.tool != "lease") return std::string("ok");
    return Error{ErrorCode::conflict, "is being changed by M1.T2"};
  };
  stage.script({calls("ast_rewrite", {{"pattern", "alpha"}, {"rewrite", "omega"}}), submits()});
  auto session = stage.start();
  CHECK_THAT(stage.answer(), ContainsSubstring("is being changed by M1.T2"));
  CHECK(stage.files->at("a.txt") == "alpha");
  CHECK(stage.written().empty());
  stage.check_ended(session);
}

TEST_CASE("an edit of a symbol goes the same way, and no role without rights makes one") {
  CodeStage stage;
  const json args{{"path", "a.txt"}, {"symbol", "alpha"}, {"new_text", "omega"}};
  stage.script({calls("edit", args), submits()});
  SECTION("with rights") {
    auto session = stage.start();
    CHECK(stage.answer() == "changed a.txt");
    CHECK(stage.files->at("a.txt") == "omega");
    stage.check_ended(session);
  }
  SECTION("without") {
    stage.profile->writes = false;
    auto session = stage.start();
    CHECK_THAT(stage.answer(), ContainsSubstring("may not write"));
    CHECK(stage.files->at("a.txt") == "alpha");
    stage.check_ended(session);
  }
}

}  // namespace muster
