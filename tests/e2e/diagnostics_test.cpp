// `muster diagnostics`: the command, its exit codes and its forms.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/sandbox.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

/// The user's configuration: *.txt is known by the fake server of the adapter's tests.
json fake_server(const std::string& mode = "") {
  const std::string script = MUSTER_SOURCE_DIR "/tests/adapters/lsp/fixtures/fake_server.mjs";
  const json fake{{"command", "node"},
                  {"args", {script, mode}},
                  {"files", {{".txt", "text"}}},
                  {"settle_ms", 0}};
  return {{"language_servers", {{"servers", {{"fake", fake}}}}}};
}

}  // namespace

TEST_CASE("diagnostics of what changed: 0 clean, 1 errors, 3 something was not checked") {
  Sandbox machine({{"a.txt", "fine\n"}, {"b.txt", "BAD and committed\n"}});
  machine.configure(fake_server());
  auto ended = machine.muster({"diagnostics"});
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err, ContainsSubstring("0 errors, 0 warnings in 0 checked files"));

  write_file(machine.folder("project/a.txt"), "now it is BAD\n");
  write_file(machine.folder("project/notes"), "BAD\n");
  ended = machine.muster({"diagnostics"});
  INFO(ended.err);
  CHECK(ended.exit_code == 1);
  CHECK(ended.out == "a.txt:1:11: error: BAD is here [E1] (node)\n");
  CHECK_THAT(ended.err, ContainsSubstring("no language server for: notes"));

  write_file(machine.folder("project/a.txt"), "mended\n");
  CHECK(machine.muster({"diagnostics"}).exit_code == 0);
  ended = machine.muster({"diagnostics", "a.txt", "notes"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, ContainsSubstring("not checked: no language server"));
}

TEST_CASE("a server that is missing or broken is said, and is not clean") {
  Sandbox machine(Files{{"a.txt", "fine\n"}});
  auto settings = fake_server();
  settings["language_servers"]["servers"]["fake"]["command"] = "no-such-server";
  settings["language_servers"]["servers"]["fake"]["install"] = "npm i -g it";
  machine.configure(settings);
  auto ended = machine.muster({"diagnostics", "a.txt"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err,
             ContainsSubstring("fake: no-such-server is not installed (npm i -g it): a.txt"));

  machine.configure(fake_server("garbage"));
  ended = machine.muster({"diagnostics", "a.txt"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, ContainsSubstring("no message: 'Warning: something is odd'"));

  machine.configure(fake_server("silent"));
  ended = machine.muster({"diagnostics", "a.txt", "--timeout", "200ms"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, ContainsSubstring("no diagnostics came within 200 ms"));
}

TEST_CASE("diagnostics as JSON and as SARIF") {
  Sandbox machine(Files{{"a.txt", "BAD\n"}});
  machine.configure(fake_server());
  auto ended = machine.muster({"diagnostics", "a.txt", "--json"});
  CHECK(ended.exit_code == 1);
  CHECK(json::parse(ended.out)["diagnostics"][0]["message"] == "BAD is here");
  ended = machine.muster({"diagnostics", "a.txt", "--sarif"});
  CHECK(ended.exit_code == 1);
  const auto log = json::parse(ended.out);
  CHECK(log["version"] == "2.1.0");
  CHECK(log["runs"][0]["results"][0]["ruleId"] == "E1");
}

}  // namespace muster::test
