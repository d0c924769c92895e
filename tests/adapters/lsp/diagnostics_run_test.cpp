#include "adapters/lsp/diagnostics_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "adapters/lsp/diagnostics_report.hpp"
#include "tests/adapters/lsp/support.hpp"

using namespace muster;
using namespace muster::lsp;
using namespace muster::lsp::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A language "fake" for *.txt files, by a server in PATH that has these modes.
class Stage {
 public:
  explicit Stage(const std::string& modes) {
    add("fake", ".txt", modes);
    place_.workspace = workspace_.str();
    place_.path_variable = bin_.str();
  }
  void add(const std::string& name, const std::string& end, const std::string& modes) {
    const std::string command = name + "-server";
    bin_.put_program(command, "#!/bin/sh\nexec node '" MUSTER_SOURCE_DIR
                              "/tests/adapters/lsp/fixtures/fake_server.mjs' " +
                                  modes + "\n");
    config::LanguageServer server;
    server.name = name;
    server.command = command;
    server.files = {{end, "text"}};
    server.settle_ms = 0;
    server.install = "get it";
    table_.servers.push_back(server);
  }
  [[nodiscard]] const TempFolder& workspace() const { return workspace_; }
  config::LanguageServers& table() { return table_; }
  DiagnosticsReport run(DiagnosticsRequest request) {
    IoLoop loop;
    return run_diagnostics(loop, table_, place_, request);
  }
  DiagnosticsReport run(const std::vector<std::string>& files) {
    DiagnosticsRequest request;
    request.files = files;
    return run(request);
  }

 private:
  TempFolder bin_;
  TempFolder workspace_;
  config::LanguageServers table_;
  ServerPlace place_;
};

}  // namespace

TEST_CASE("files are checked by the servers that know them") {
  Stage stage("");
  stage.add("second", ".two.txt", "");
  stage.workspace().put("a.txt", "fine\nBAD\n");
  stage.workspace().put("sub/b.two.txt", "ODD BAD\n");
  const auto report = stage.run({"a.txt", "sub/../a.txt", stage.workspace().path("sub/b.two.txt")});
  CHECK(report.all_checked());
  CHECK(report.count(Severity::error) == 3);
  CHECK(diagnostics_text(report) ==
        "a.txt:2:1: error: BAD is here [E1] (fake-server)\n"
        "sub/b.two.txt:1:1: warning: ODD is here [17] (fake-server)\n"
        "sub/b.two.txt:1:5: error: BAD is here [E1] (fake-server)\n"
        "sub/b.two.txt:1:1: warning: ODD is here [17] (second-server)\n"
        "sub/b.two.txt:1:5: error: BAD is here [E1] (second-server)\n");
  CHECK(summary_text(report) == "3 errors, 2 warnings in 3 checked files\n");
}

TEST_CASE("every file that could not be checked has its reason") {
  Stage stage("");
  stage.add("lost", ".lost", "");
  stage.table().servers.back().command = "lost-and-gone";
  stage.workspace().put("a.txt", "");
  stage.workspace().put("b.lost", "");
  stage.workspace().put("c.md", "");
  stage.workspace().put("large.txt", std::string(5U << 20U, 'x'));
  std::filesystem::create_symlink("/etc/passwd", stage.workspace().path("link.txt"));
  std::filesystem::create_directories(stage.workspace().path("folder.txt"));
  const auto report = stage.run({"a.txt", "b.lost", "c.md", "large.txt", "link.txt", "folder.txt",
                                 "missing.txt", "/etc/hosts.txt", "../out.txt"});
  std::map<std::string, std::string> reasons;
  for (const auto& check : report.checks)
    if (!check.checked) reasons[check.path] = check.reason;
  CHECK(reasons.size() == 8);
  CHECK(reasons["b.lost"] == "lost-and-gone is not installed (get it)");
  CHECK(reasons["c.md"] == "no language server is configured for such a file");
  CHECK_THAT(reasons["large.txt"], ContainsSubstring("larger than"));
  CHECK(reasons["link.txt"] == "lies outside the workspace");
  CHECK(reasons["folder.txt"] == "is no file");
  CHECK_THAT(reasons["missing.txt"], ContainsSubstring("cannot be read"));
  CHECK_FALSE(report.all_checked());
  CHECK_THAT(summary_text(report),
             ContainsSubstring("0 errors, 0 warnings in 1 checked file, 8 not checked"));
  CHECK_THAT(
      summary_text(report),
      ContainsSubstring("not checked: lost: lost-and-gone is not installed (get it): b.lost\n"));
}

TEST_CASE("files that nobody asked for by name may be unknown") {
  Stage stage("");
  stage.workspace().put("a.txt", "");
  DiagnosticsRequest request;
  request.files = {"a.txt", "README.md"};
  request.skip_unknown = true;
  const auto report = stage.run(request);
  CHECK(report.all_checked());
  CHECK(report.skipped == std::vector<std::string>{"README.md"});
  CHECK_THAT(summary_text(report), ContainsSubstring("no language server for: README.md\n"));
}

TEST_CASE("a server that ends keeps none of its files from being told") {
  for (const char* modes : {"crash", "garbage", "half"}) {
    Stage stage(modes);
    std::vector<std::string> files;
    for (int i = 0; i < 30; ++i) {
      files.push_back(std::to_string(i) + ".txt");
      stage.workspace().put(files.back(), "BAD");
    }
    const auto report = stage.run(files);
    REQUIRE(report.checks.size() == 30);
    for (const auto& check : report.checks) {
      REQUIRE_FALSE(check.checked);
      REQUIRE_FALSE(check.reason.empty());
    }
  }
}

TEST_CASE("a server that answers nothing is given up after a few files") {
  Stage stage("silent");
  stage.table().file_ms = 100;
  std::vector<std::string> files;
  for (int i = 0; i < 50; ++i) {
    files.push_back(std::to_string(i) + ".txt");
    stage.workspace().put(files.back(), "BAD");
  }
  const auto report = stage.run(files);
  std::size_t given_up = 0;
  for (const auto& check : report.checks) {
    REQUIRE_FALSE(check.checked);
    if (check.reason == "fake-server: does not answer any more") ++given_up;
  }
  CHECK(given_up > 30);
}

TEST_CASE("five thousand files are checked, a few at a time") {
  Stage stage("");
  std::vector<std::string> files;
  for (int i = 0; i < 5000; ++i) {
    files.push_back("d" + std::to_string(i % 50) + "/" + std::to_string(i) + ".txt");
    stage.workspace().put(files.back(), i % 100 == 0 ? "BAD" : "fine");
  }
  const auto report = stage.run(files);
  CHECK(report.all_checked());
  CHECK(report.checks.size() == 5000);
  CHECK(report.count(Severity::error) == 50);
}

TEST_CASE("words of a server cannot drive a terminal or begin a line") {
  Stage stage("escapes");
  stage.workspace().put("a\n\x1b[2J.txt", "BAD");
  const auto report = stage.run({"a\n\x1b[2J.txt"});
  CHECK(diagnostics_text(report) == "a .txt:1:1: error: red and more [E1] (fake-server)\n");
  CHECK_THAT(diagnostics_json(report).dump(), ContainsSubstring("\\u001b[31mred"));
}

TEST_CASE("JSON has every diagnostic and every file that was not checked") {
  Stage stage("");
  stage.workspace().put("a.txt", "BAD");
  const auto out = diagnostics_json(stage.run({"a.txt", "b.md"}));
  CHECK(out["schema_version"] == 1);
  CHECK(out["errors"] == 1);
  CHECK(out["checked"] == 1);
  CHECK(out["unchecked"][0]["path"] == "b.md");
  CHECK(out["diagnostics"][0] ==
        nlohmann::json::parse(R"({"path":"a.txt","language":"fake","server":"fake-server",
          "severity":"error","start":{"line":1,"column":1},"end":{"line":1,"column":4},
          "code":"E1","source":"fake","message":"BAD is here"})"));
}

TEST_CASE("SARIF has a run for each server, which says what it did not do") {
  Stage stage("");
  stage.workspace().put("sub folder/a.txt", "x BAD");
  const auto log = diagnostics_sarif(stage.run({"sub folder/a.txt", "b.md"}), "/w s");
  CHECK(log["version"] == "2.1.0");
  REQUIRE(log["runs"].size() == 2);
  const auto& run = log["runs"][0];
  CHECK(run["tool"]["driver"]["name"] == "fake-server");
  CHECK(run["tool"]["driver"]["rules"][0]["id"] == "E1");
  CHECK(run["columnKind"] == "utf16CodeUnits");
  CHECK(run["originalUriBaseIds"]["SRCROOT"]["uri"] == "file:///w%20s/");
  CHECK(run["invocations"][0]["executionSuccessful"] == true);
  const auto& result = run["results"][0];
  CHECK(result["ruleId"] == "E1");
  CHECK(result["level"] == "error");
  const auto& place = result["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == "sub%20folder/a.txt");
  CHECK(place["region"] ==
        nlohmann::json::parse(R"({"startLine":1,"startColumn":3,"endLine":1,"endColumn":6})"));
  const auto& failed = log["runs"][1]["invocations"][0];
  CHECK(failed["executionSuccessful"] == false);
  CHECK_THAT(failed["toolExecutionNotifications"][0]["message"]["text"].get<std::string>(),
             ContainsSubstring("b.md was not checked"));
  CHECK(diagnostics_sarif({}, "/w")["runs"].size() == 1);
}
