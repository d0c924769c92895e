// New syntax errors: refused once, passed when insisted on, warned of where the grammar errs.
#include "adapters/files/syntax_gate.hpp"

#include <catch2/catch_test_macros.hpp>

#include "adapters/files/replace_files.hpp"
#include "tests/adapters/files/files_fixture.hpp"

namespace muster::files::test {
namespace {

/// A grammar that finds a problem in every text with "bad" in it that was not there before.
struct FakeSyntax final : SyntaxPort {
  Result<SyntaxReport> check(const std::string& path, const std::string& content) override {
    return compare(path, std::nullopt, content);
  }
  Result<SyntaxReport> compare(const std::string& path, const std::optional<std::string>& before,
                               const std::string& after) override {
    if (after.find("endless") != std::string::npos)
      return Error{ErrorCode::limit_reached, "too slow"};
    SyntaxReport out;
    out.language = language_of(path);
    const bool was = before && before->find("bad") != std::string::npos;
    if (!was && after.find("bad") != std::string::npos)
      out.problems.push_back({3, 7, "a bad b", "';'", "unexpected 'bad'"});
    return out;
  }
};

struct Gated {
  Tree tree;
  FakeSyntax syntax;
  std::shared_ptr<SyntaxGate> gate = std::make_shared<SyntaxGate>(syntax);
  std::unique_ptr<LocalWorkspaceFiles> files;
  Gated() {
    auto options = tree.options();
    options.syntax = gate;
    files = must(LocalWorkspaceFiles::open(options));
  }
};

}  // namespace

TEST_CASE("a write that breaks the syntax is refused, with the place, and nothing is written") {
  Gated stage;
  stage.tree.put("a.py", "good");
  auto refused = stage.files->write("a.py", "bad");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::malformed);
  CHECK(refused.error().message.find("a.py:3:7: unexpected 'bad' in 'a bad b'; expected ';'") !=
        std::string::npos);
  CHECK(stage.tree.get("a.py") == "good");
  refused = stage.files->edit("a.py", "good", "bad", false);
  // The edit leads to the same content: that is the second time.
  REQUIRE(refused.ok());
  CHECK(refused->note.find("as you insist") != std::string::npos);
  CHECK(stage.tree.get("a.py") == "bad");
}

TEST_CASE("a rewrite of several files is made in all of them or in none") {
  Gated stage;
  stage.tree.put("a.py", "one");
  stage.tree.put("b.py", "two");
  stage.tree.put(".env", "SECRET=1");
  auto receipts = stage.files->rewrite({{"a.py", "one", "1"}, {"b.py", "two", "2"}});
  REQUIRE(receipts.ok());
  REQUIRE(receipts->size() == 2);
  CHECK((*receipts)[1].path == "b.py");
  CHECK((*receipts)[1].digest_before != (*receipts)[1].digest_after);
  const auto stale = stage.files->rewrite({{"a.py", "1", "x"}, {"b.py", "two", "y"}});
  CHECK(stale.error().code == ErrorCode::conflict);
  CHECK(stale.error().context == "b.py");
  CHECK(stage.files->rewrite({{"a.py", "1", "x"}, {"b.py", "2", "bad"}}).error().code ==
        ErrorCode::malformed);
  CHECK(stage.files->rewrite({{"a.py", "1", "x"}, {".env", "SECRET=1", ""}}).error().code ==
        ErrorCode::permission_denied);
  CHECK_FALSE(stage.files->rewrite({{"a.py", "1", "x"}, {"gone.py", "", "y"}}).ok());
  CHECK(stage.tree.get("a.py") == "1");
  CHECK(stage.tree.get("b.py") == "2");
}

TEST_CASE("the files of a tree are listed as agents may see them") {
  Gated stage;
  stage.tree.put("src/a.py", "one");
  stage.tree.put("src/deep/b.py", "two");
  stage.tree.put("src/.env", "SECRET=1");
  stage.tree.put(".ignore", "*.log\n");
  stage.tree.put("src/x.log", "");
  using Paths = std::vector<std::string>;
  CHECK(must(stage.files->files("src")) == Paths{"src/a.py", "src/deep/b.py"});
  CHECK(must(stage.files->files("src/a.py")) == Paths{"src/a.py"});
  CHECK(must(stage.files->files(".")) == Paths{".ignore", "src/a.py", "src/deep/b.py"});
  CHECK(stage.files->files("gone").error().code == ErrorCode::not_found);
  CHECK(stage.files->files("src/.env").error().code == ErrorCode::permission_denied);
  CHECK_FALSE(stage.files->files("../").ok());
}

TEST_CASE("another content, another file, another tree are not the second time") {
  Gated stage;
  CHECK_FALSE(stage.files->write("a.py", "bad").ok());
  CHECK_FALSE(stage.files->write("a.py", "bad too").ok());
  CHECK_FALSE(stage.files->write("b.py", "bad").ok());
  CHECK(stage.files->write("a.py", "bad").ok());
  CHECK_FALSE(stage.gate->judge("/other", "a.py", std::nullopt, "bad").ok());
}

TEST_CASE("an error that was there stays no obstacle") {
  Gated stage;
  stage.tree.put("a.py", "bad");
  auto written = stage.files->write("a.py", "bad, but longer");
  REQUIRE(written.ok());
  CHECK(written->note.empty());
}

TEST_CASE("where a grammar errs on valid code, the agent is warned") {
  Gated stage;
  auto written = stage.files->write("a.cpp", "bad");
  REQUIRE(written.ok());
  CHECK(written->note.find("may be a syntax error") != std::string::npos);
  CHECK(stage.tree.get("a.cpp") == "bad");
}

TEST_CASE("what could not be checked is said, not called clean") {
  Gated stage;
  auto written = stage.files->write("a.py", "endless");
  REQUIRE(written.ok());
  CHECK(written->note.find("not checked: too slow") != std::string::npos);
  const auto findings = stage.gate->findings("a.py", std::nullopt, "endless");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == "warning");
}

TEST_CASE("a candidate's new errors reject it, unless they were insisted on") {
  Gated stage;
  auto findings = stage.gate->findings("a.py", "good", "bad");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == "error");
  CHECK(findings[0].file == "a.py");
  CHECK(findings[0].line == 3);
  CHECK(stage.gate->findings("a.cpp", "good", "bad")[0].severity == "warning");
  CHECK(stage.gate->findings("a.py", "bad", "bad").empty());
  CHECK_FALSE(stage.files->write("a.py", "bad").ok());
  CHECK(stage.files->write("a.py", "bad").ok());
  CHECK(stage.gate->findings("a.py", "good", "bad")[0].severity == "warning");
}

TEST_CASE("several files are replaced together or not at all") {
  Tree tree;
  tree.put("a", "1");
  tree.put("b/c", "2");
  REQUIRE(replace_files(tree.root(), {{"a", "1", "one"}, {"b/c", "2", "two"}}).ok());
  CHECK(tree.get("a") == "one");
  CHECK(tree.get("b/c") == "two");
  auto changed = replace_files(tree.root(), {{"a", "one", "x"}, {"b/c", "not this", "y"}});
  REQUIRE_FALSE(changed.ok());
  CHECK(changed.error().code == ErrorCode::conflict);
  CHECK(changed.error().context == "b/c");
  CHECK(tree.get("a") == "one");
  CHECK_FALSE(replace_files(tree.root(), {{"../outside", "", "x"}}).ok());
}

}  // namespace muster::files::test
