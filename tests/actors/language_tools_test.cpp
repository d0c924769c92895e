// The tools that language servers answer, under virtual time, with a server that the test plays.
#include "actors/language_tools.hpp"

#include "tests/actors/session_stage.hpp"
#include "tests/support/fake_language.hpp"

namespace muster {
namespace {

using namespace test;
using Answer = std::optional<Result<LanguageAnswer>>;

constexpr const char* root = "/trees/M1.T1";

struct Stage {
  SessionStage base;
  std::shared_ptr<FakeLanguagePort> port = std::make_shared<FakeLanguagePort>();
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  supervisor_actor supervisor;
  languages_actor desk;

  Stage() {
    *base.files = {{"a.cpp", "int old;\nint x = old;\n"}, {"b.cpp", "int y = old;\n"}};
    base.leases = {"a.cpp"};
    for (const auto& tool : language_tools()) base.profile->tool_names.insert(tool);
    supervisor = *start_supervisor(base.time.system(), language_servers_spec(registry));
    registry->put("language_servers", compat::untyped(supervisor));
    desk = base.time.spawn<Languages, languages_actor>(registry, port, LanguagesConfig{});
    base.languages = {port, [this] { return desk; }};
  }
  ~Stage() {
    compat::stop(supervisor);
    base.time.run();
    registry->erase("language_servers", compat::untyped(supervisor));
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// What the model reads after one call.
  std::string say(const std::string& tool, const json& arguments) {
    base.script({calls(tool, arguments), submits()});
    base.start();
    REQUIRE(base.model.requests.size() == 2);
    return base.answer();
  }
  void answer(std::function<LanguageAnswer(const LanguageQuestion&)> how) {
    port->answer = [how](const LanguageKey&, const LanguageQuestion& question) {
      return Answer(how(question));
    };
  }
};

json place(const std::string& path, int line, const std::string& name) {
  return {{"path", path}, {"line", line}, {"name", name}};
}

json renaming(const std::string& to) {
  auto out = place("a.cpp", 2, "old");
  out["new_name"] = to;
  return out;
}

LanguageAnswer renamed(const LanguageQuestion& question) {
  LanguageAnswer out;
  const auto edit = [&](std::int64_t line, std::int64_t from) {
    return TextEdit{{{line, from}, {line, from + 3}}, question.new_name};
  };
  out.edits = {{std::string(root) + "/a.cpp", {edit(0, 4), edit(1, 8)}},
               {std::string(root) + "/b.cpp", {edit(0, 8)}}};
  return out;
}

}  // namespace

TEST_CASE("diagnostics: complaints with their places, clean files, and what was not checked") {
  Stage stage;
  stage.answer(read_badness);
  (*stage.base.files)["b.cpp"] = "fine\nBAD\n";
  (*stage.base.files)["c.txt"] = "BAD";
  CHECK(stage.say("diagnostics", {{"paths", {"a.cpp", "b.cpp", "c.txt"}}}) ==
        "b.cpp:2:1: error: BAD is here [E1] (fake)\n"
        "a.cpp: no errors, no warnings\n"
        "c.txt: not checked: no language server is configured for such a file\n");
}

TEST_CASE("diagnostics: a server that is missing or silent is no clean file") {
  Stage stage;
  SECTION("missing") {
    stage.port->missing = Error{ErrorCode::not_found, "fake is not installed (get it)"};
    CHECK(stage.say("diagnostics", {{"paths", {"a.cpp"}}}) ==
          "a.cpp: not checked: fake is not installed (get it)\n");
  }
  SECTION("silent") {
    stage.base.script({calls("diagnostics", {{"paths", {"a.cpp"}}}), submits()});
    stage.base.start();
    stage.base.time.advance(121s);
    REQUIRE(stage.base.model.requests.size() == 2);
    CHECK(stage.base.answer().starts_with("a.cpp: not checked: "));
  }
}

TEST_CASE("definition, references and hover are short text with the lines that are meant") {
  Stage stage;
  stage.answer([](const LanguageQuestion& question) {
    LanguageAnswer out;
    CHECK(question.offset == 17);
    out.text = "int old\n";
    out.places = {{std::string(root) + "/a.cpp", {{0, 4}, {0, 7}}},
                  {"/usr/include/x.h", {{6, 0}, {6, 1}}}};
    return out;
  });
  SECTION("definition") {
    CHECK(stage.say("definition", place("a.cpp", 2, "old")) ==
          "a.cpp:1:5: int old;\noutside of the tree: /usr/include/x.h:7\n");
  }
  SECTION("references open all files that hold the name") {
    stage.say("references", place("a.cpp", 2, "old"));
    const auto asked = stage.port->servers.at(0).lock()->asked.at(0).question;
    REQUIRE(asked->documents.size() == 2);
    CHECK(asked->documents[1].path == std::string(root) + "/b.cpp");
  }
  SECTION("hover") { CHECK(stage.say("hover", place("a.cpp", 2, "old")) == "int old"); }
}

TEST_CASE("a name that does not stand on the line is answered with where it stands") {
  Stage stage;
  CHECK(stage.say("hover", place("b.cpp", 2, "old")).find("it is on: 1") != std::string::npos);
  CHECK(stage.port->servers.empty());
}

TEST_CASE("rename changes all files as one, with a lease and a receipt for each") {
  Stage stage;
  stage.answer(renamed);
  CHECK(stage.say("rename", renaming("fresh")) == "changed a.cpp, b.cpp");
  CHECK(stage.base.files->at("a.cpp") == "int fresh;\nint x = fresh;\n");
  CHECK(stage.base.files->at("b.cpp") == "int y = fresh;\n");
  REQUIRE(stage.base.ledger->tools.size() == 2);  // and the final tool
  CHECK(stage.base.ledger->tools[0].tool == "lease");
  CHECK(json::parse(stage.base.ledger->tools[0].arguments)["files"] == json{"b.cpp"});
  const auto effects = stage.base.records("effect");
  CHECK(effects.size() == 2);
}

TEST_CASE("a rename that cannot be made whole is not begun") {
  Stage stage;
  stage.answer(renamed);
  const auto before = *stage.base.files;
  std::string word;
  SECTION("a file is another task's") {
    stage.base.ledger->answer = [](const MissionToolCall& call) {
      if (call.tool != "lease") return std::optional(Result<std::string>(std::string("ok")));
      return std::optional(
          Result<std::string>(Error{ErrorCode::conflict, "is being changed by M1.T2", "b.cpp"}));
    };
    word = "M1.T2";
  }
  SECTION("a file is not what the server saw") {
    stage.answer([](const LanguageQuestion& question) {
      auto out = renamed(question);
      out.edits[1].edits[0].range = {{0, 0}, {0, 3}};
      return out;
    });
    word = "b.cpp: the file has changed meanwhile";
  }
  SECTION("a file lies outside of the tree") {
    stage.answer([](const LanguageQuestion& question) {
      auto out = renamed(question);
      out.edits[1].path = "/usr/include/x.h";
      return out;
    });
    word = "outside of the tree";
  }
  SECTION("the new name is none") {
    CHECK(stage.say("rename", renaming("a b")).find("must be a name") != std::string::npos);
    CHECK(*stage.base.files == before);
    return;
  }
  SECTION("the role may not write") {
    stage.base.profile->writes = false;
    word = "may not write";
  }
  const auto said = stage.say("rename", renaming("fresh"));
  CHECK(said.find("error (") == 0);
  CAPTURE(said);
  CHECK(said.find(word) != std::string::npos);
  CHECK(*stage.base.files == before);
  CHECK(stage.base.records("effect").empty());
}

}  // namespace muster
