// Diagnostics of a candidate against its base, under virtual time, with servers that the test
// plays.
#include "actors/verifier.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/actors/verify_stage.hpp"
#include "tests/support/fake_language.hpp"
#include "tests/support/fake_tree.hpp"

namespace muster {
namespace {

using namespace test;

struct Stage {
  SessionStage base;
  std::shared_ptr<FakeTree> tree = std::make_shared<FakeTree>(
      FileMap{{"a.cpp", "fine\n"}, {"old.cpp", "BAD of old\n"}, {"notes.md", "hello"}});
  std::shared_ptr<FakeLanguagePort> port = std::make_shared<FakeLanguagePort>();
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  supervisor_actor supervisor;
  languages_actor desk;
  VerifySpec spec;

  Stage() {
    REQUIRE(tree->checkout("T", "").ok());
    port->answer = [](const LanguageKey&, const LanguageQuestion& question) {
      return std::optional<Result<LanguageAnswer>>(read_badness(question));
    };
    supervisor = *start_supervisor(base.time.system(), language_servers_spec(registry));
    registry->put("language_servers", compat::untyped(supervisor));
    desk = base.time.spawn<Languages, languages_actor>(registry, port, LanguagesConfig{});
    spec.id = "V5";
    spec.mission = "M";
    spec.intent = 5;
    spec.task = "T";
    spec.key = "T";
    spec.base = "commit1";
    spec.checks = {{"T#1", "make test", {}, {}}};
    spec.diagnostics = 120s;
    base.processes->on_start = [this](const std::string& name) {
      base.processes->inner.exit(name, 0);
    };
  }
  ~Stage() {
    compat::stop(supervisor);
    base.time.run();
    registry->erase("language_servers", compat::untyped(supervisor));
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  verifier_actor start() {
    auto deps = verify_deps(base, tree);
    deps.languages = {port, [this] { return desk; }};
    auto verifier = base.time.spawn<Verifier, verifier_actor>(spec, std::move(deps), base.mission);
    base.time.run();
    return verifier;
  }
  [[nodiscard]] const VerifyResult& result() const {
    REQUIRE(base.ledger->verified.size() == 1);
    return *base.ledger->verified[0];
  }
  FileMap& files() { return tree->files("T"); }
  [[nodiscard]] std::size_t commands() const { return base.processes->specs.size(); }
  [[nodiscard]] std::string first_finding() const {
    return result().findings.empty() ? std::string() : result().findings[0].message;
  }
};

}  // namespace

TEST_CASE("a new error rejects before any command, with file and line, and a receipt of it") {
  Stage stage;
  stage.files()["a.cpp"] = "fine\nBAD now\n";
  stage.start();
  const auto& result = stage.result();
  CHECK_FALSE(result.failure);
  CHECK(stage.commands() == 0);
  REQUIRE(result.findings.size() == 1);
  CHECK(result.findings[0].severity == "error");
  CHECK(result.findings[0].file == "a.cpp");
  CHECK(result.findings[0].line == 2);
  CHECK(result.findings[0].message == "diagnostics: a.cpp:2:1: error: BAD is here [E1] (fake)");
  REQUIRE(result.receipts.size() == 1);
  const auto& facts = result.receipts[0].facts();
  CHECK(facts.check == diagnostics_check);
  CHECK(facts.command == "builtin diagnostics (fake)");
  CHECK_FALSE(result.receipts[0].passed());
  CHECK(result.receipts[0].fresh_for(result.tree));
  CHECK(facts.fingerprints.size() == 1);
  CHECK_FALSE(stage.tree->trees.contains("T-base"));
}

TEST_CASE("no error, an error that the base has too, one that moved: the commands run") {
  Stage stage;
  SECTION("clean, and the base is not even looked at") {
    stage.files()["a.cpp"] = "finer\n";
    stage.start();
    CHECK(stage.port->servers.size() == 1);
  }
  SECTION("the same error in the base") {
    stage.files()["old.cpp"] = "\n\nBAD of old\nand more\n";
    stage.start();
    CHECK(stage.port->servers.size() == 2);  // a tree of its own
    CHECK(stage.port->running() == 1);       // which is gone with its server
    CHECK_FALSE(stage.tree->trees.contains("T-base"));
  }
  CHECK(stage.result().findings.empty());
  CHECK(stage.commands() == 1);
  REQUIRE(stage.result().receipts.size() == 2);
  CHECK(stage.result().receipts[0].passed());
  CHECK(stage.result().receipts[0].facts().output_tail.starts_with("checked: "));
}

TEST_CASE("one more of an error that the base has is new") {
  Stage stage;
  stage.files()["old.cpp"] = "BAD of old\nBAD once more\n";
  stage.start();
  REQUIRE(stage.result().findings.size() == 1);
  CHECK(stage.result().findings[0].line == 2);
  CHECK(stage.result().findings[0].severity == "error");
}

TEST_CASE("new warnings are for the reviewer") {
  Stage stage;
  stage.files()["a.cpp"] = "ODD\n";
  stage.start();
  REQUIRE(stage.result().findings.size() == 1);
  CHECK(stage.result().findings[0].severity == "warning");
  CHECK(stage.commands() == 1);
}

TEST_CASE("what keeps a server from answering is said, and rejects nothing") {
  Stage stage;
  stage.files()["a.cpp"] = "BAD\n";
  std::string reason;
  SECTION("it is not installed") {
    stage.port->missing = Error{ErrorCode::not_found, "fake is not installed (get it)", "cpp"};
    reason = "fake is not installed (get it)";
    stage.start();
  }
  SECTION("it would run code of a workspace that is not trusted") {
    stage.port->missing = Error{ErrorCode::permission_denied, "this workspace is not trusted"};
    reason = "this workspace is not trusted";
    stage.start();
  }
  SECTION("it dies") {
    stage.port->answer = nullptr;
    stage.start();
    stage.port->servers[0].lock()->events.on_end({ErrorCode::unavailable, "ended by signal 9"});
    stage.base.time.run();
    reason = "ended by signal 9";
  }
  SECTION("it takes too long") {
    stage.port->answer = nullptr;
    stage.start();
    stage.base.time.advance(119s);
    CHECK(stage.base.ledger->verified.empty());
    stage.base.time.advance(1s);
    reason = "there was no answer within 120000 ms (timeouts.diagnostics_ms)";
  }
  SECTION("it never comes up") {
    stage.port->holds = true;
    stage.start();
    stage.base.time.advance(120s);
    reason = "there was no answer within 120000 ms (timeouts.diagnostics_ms)";
  }
  SECTION("it cannot say it of this file") {
    stage.port->answer = [](const LanguageKey&, const LanguageQuestion& question) {
      LanguageAnswer out;
      out.documents.push_back(
          {question.documents[0].path, Error{ErrorCode::timeout, "no diagnostics came"}});
      return std::optional<Result<LanguageAnswer>>(out);
    };
    reason = "no diagnostics came";
    stage.start();
  }
  SECTION("the desk is down") {
    compat::kill(stage.desk);
    stage.desk = languages_actor{};
    reason = "the language servers are being restarted";
    stage.start();
  }
  REQUIRE(stage.result().findings.size() == 1);
  CHECK(stage.first_finding() == "diagnostics: not checked: " + reason + ": a.cpp");
  CHECK(stage.result().findings[0].severity == "info");
  CHECK(stage.result().receipts.size() == 1);  // of the command: nothing was checked
  CHECK(stage.commands() == 1);
}

TEST_CASE("an error is no reason to reject where it may lie at something else") {
  Stage stage;
  stage.files()["a.cpp"] = "BAD\n";
  std::string word;
  SECTION("the project does not say how it is built") {
    stage.port->configured = false;
    word = "does not say how it is built";
  }
  SECTION("a header is not there") {
    stage.port->answer = [](const LanguageKey&, const LanguageQuestion& question) {
      auto out = read_badness(question);
      for (auto& document : out.documents)
        if (!document.found->empty())
          document.found->push_back({{}, Severity::error, "pp_file_not_found", "c", "'x.h'"});
      return std::optional<Result<LanguageAnswer>>(out);
    };
    word = "not installed here";
  }
  SECTION("the base's server fails") {
    stage.port->answer = [](const LanguageKey& key, const LanguageQuestion& question) {
      if (!key.root.ends_with("-base"))
        return std::optional<Result<LanguageAnswer>>(read_badness(question));
      return std::optional<Result<LanguageAnswer>>(Error{ErrorCode::unavailable, "died"});
    };
    word = "the base was not checked";
  }
  stage.start();
  REQUIRE_FALSE(stage.result().findings.empty());
  CHECK(stage.result().findings[0].severity == "warning");
  CHECK(stage.first_finding().find(word) != std::string::npos);
  CHECK(stage.commands() == 1);
}

TEST_CASE("files are asked about together, those of no server are passed over") {
  Stage stage;
  stage.files()["a.cpp"] = "one\n";
  stage.files()["b.cpp"] = "two\n";
  stage.files()["notes.md"] = "changed";
  stage.files().erase("old.cpp");
  stage.start();
  REQUIRE(stage.port->servers.size() == 1);
  const auto& asked = stage.port->servers[0].lock()->asked;
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].question->documents.size() == 2);
  CHECK(stage.result().findings.empty());
}

TEST_CASE("switched off, or of the whole tree: nobody is asked") {
  Stage stage;
  stage.files()["a.cpp"] = "BAD\n";
  SECTION("off") { stage.spec.diagnostics.reset(); }
  SECTION("whole") { stage.spec.task.clear(); }
  stage.start();
  CHECK(stage.port->servers.empty());
  CHECK(stage.commands() == 1);
}

TEST_CASE("a verification that is stopped while a server thinks ends, and gives its trees back") {
  Stage stage;
  stage.files()["old.cpp"] = "BAD\n";
  bool at_base = false;
  SECTION("at the candidate") {}
  SECTION("at the base") { at_base = true; }
  stage.port->answer = [at_base](const LanguageKey& key, const LanguageQuestion& question) {
    const bool base = key.root.ends_with("-base");
    return base == at_base ? std::optional<Result<LanguageAnswer>>()
                           : std::optional<Result<LanguageAnswer>>(read_badness(question));
  };
  auto verifier = stage.start();
  compat::post(verifier, stop_atom_v);
  stage.base.time.run();
  CHECK(stage.base.time.dead(verifier));
  REQUIRE(stage.result().failure);
  CHECK_FALSE(stage.tree->trees.contains("T-base"));
}

}  // namespace muster
