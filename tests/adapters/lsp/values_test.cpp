#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "adapters/lsp/diagnostic.hpp"
#include "adapters/lsp/diagnostics_wait.hpp"
#include "adapters/lsp/file_uri.hpp"
#include "adapters/lsp/server_features.hpp"
#include "adapters/lsp/wire_message.hpp"

using namespace muster;
using namespace muster::lsp;
using nlohmann::json;

TEST_CASE("paths and file URIs lead to each other") {
  CHECK(file_uri("/a b/c#d?e%f.ts") == "file:///a%20b/c%23d%3Fe%25f.ts");
  CHECK(path_of_uri("file:///a%20b/c%23d%3Fe%25f.ts") == "/a b/c#d?e%f.ts");
  CHECK(path_of_uri("file://localhost/a/./b/../c") == "/a/c");
  CHECK(path_of_uri("file:///a#L3") == "/a");
  std::string odd;
  for (int c = 1; c < 256; ++c)
    if (c != '/') odd += static_cast<char>(c);
  CHECK(path_of_uri(file_uri("/x/" + odd)) == "/x/" + odd);
}

TEST_CASE("what names no file here is no path") {
  for (const char* uri : {"", "file://", "file://host/a", "http://a/b", "untitled:x", "/a",
                          "file:///a%", "file:///a%2", "file:///a%zz", "file:///a%00b"})
    CHECK_FALSE(path_of_uri(uri));
}

TEST_CASE("messages of a server are requests, notifications and answers") {
  const auto request = parse_server_message(R"({"id":"x","method":"m","params":[1]})");
  REQUIRE(request);
  CHECK(std::get<ServerRequest>(*request).id == "x");
  const auto notice = parse_server_message(R"({"method":"m"})");
  REQUIRE(notice);
  CHECK(std::get<ServerNotification>(*notice).params.is_null());
  const auto answer = parse_server_message(R"({"id":3,"result":null})");
  REQUIRE(answer);
  CHECK(std::get<ServerAnswer>(*answer).id == 3);
  const auto refused =
      parse_server_message(R"({"id":3,"error":{"code":-32801,"message":"changed"}})");
  REQUIRE(refused);
  CHECK(std::get<ServerAnswer>(*refused).result.error().code == ErrorCode::conflict);
}

TEST_CASE("a body that is no message is malformed") {
  const std::string deep(10'000, '[');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("7"), std::string("{}"),
        std::string(R"({"id":1})"), std::string(R"({"method":7})"),
        std::string(R"({"id":{},"method":"m"})"), std::string(R"({"id":1.5,"method":"m"})"),
        deep}) {
    const auto read = parse_server_message(body);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::malformed);
    CHECK(read.error().message.size() < 200);
  }
}

TEST_CASE("diagnostics are read whatever stands in them") {
  const auto found = read_diagnostics(json::parse(R"([
    {"range":{"start":{"line":1,"character":2},"end":{"line":1,"character":3}},
     "severity":2,"code":"c","source":"s","message":"m"},
    {"message":"no range", "code": 7},
    {"range":{"start":{"line":-5,"character":99999999999999999999}},
     "severity":99,"code":{"x":1},"message":5},
    null, 7, []])"));
  REQUIRE(found.size() == 3);
  CHECK(found[0] == Diagnostic{{{1, 2}, {1, 3}}, Severity::warning, "c", "s", "m"});
  CHECK(found[1] == Diagnostic{{}, Severity::error, "7", "", "no range"});
  CHECK(found[2].range.start.line == 0);
  CHECK(found[2].message.empty());
  CHECK(read_diagnostics(json()).empty());
  CHECK(read_diagnostics(json::object()).empty());
}

TEST_CASE("edits that do more than change text are refused") {
  CHECK(read_workspace_edit(json())->empty());
  const auto edit = read_workspace_edit(json::parse(
      R"({"documentChanges":[{"textDocument":{"uri":"file:///a","version":1},
          "edits":[{"range":{},"newText":"x"}]}]})"));
  REQUIRE(edit);
  CHECK(*edit == std::vector<FileEdits>{{"/a", {{{}, "x"}}}});
  CHECK_FALSE(read_workspace_edit(
      json::parse(R"({"documentChanges":[{"kind":"delete","uri":"file:///a"}]})")));
  CHECK_FALSE(read_workspace_edit(json::parse(R"({"changes":{"untitled:1":[]}})")));
}

TEST_CASE("what a server offers may be registered later and withdrawn") {
  ServerFeatures features(
      json::parse(R"({"capabilities":{"hoverProvider":{},"renameProvider":false}})"));
  CHECK(features.offers("textDocument/hover"));
  CHECK_FALSE(features.offers("textDocument/rename"));
  CHECK_FALSE(features.offers("textDocument/diagnostic"));
  features.add(json::parse(
      R"([{"id":"1","method":"textDocument/diagnostic",
          "registerOptions":{"identifier":"i"}}, 7])"));
  CHECK(features.offers("textDocument/diagnostic"));
  CHECK(features.pull_identifier() == "i");
  features.remove(json::parse(R"([{"id":"1"}])"));
  CHECK_FALSE(features.offers("textDocument/diagnostic"));
  CHECK(ServerFeatures(json()).encoding() == Encoding::utf16);
  CHECK(ServerFeatures(json::parse(R"({"capabilities":[]})")).name().empty());
}

using State = DiagnosticsWait::State;

TEST_CASE("diagnostics count when they have come, nothing is at work and it is quiet") {
  DiagnosticsWait wait(0, false, 100, 1000);
  CHECK(wait.state(500) == State::waiting);
  CHECK(wait.next_change(500) == 500);
  wait.answered(500);
  CHECK(wait.state(599) == State::waiting);
  CHECK(wait.next_change(550) == 50);
  CHECK(wait.state(600) == State::settled);
  wait.set_busy(true, 590);
  CHECK(wait.state(900) == State::waiting);
  CHECK(wait.state(1000) == State::expired);
  wait.set_busy(false, 950);
  CHECK(wait.state(1049) == State::expired);
  CHECK(wait.state(1050) == State::settled);
}

TEST_CASE("an expired wait says what was missing") {
  DiagnosticsWait wait(0, true, 0, 10);
  CHECK(wait.missing() == "it was still at work");
  wait.set_busy(false, 1);
  CHECK(wait.missing() == "no diagnostics came");
  CHECK(wait.state(10) == State::expired);
  CHECK(wait.next_change(20) == 0);
}

TEST_CASE("whatever a server does and when, a wait never counts what it must not") {
  std::mt19937 random{5};
  for (int round = 0; round < 5000; ++round) {
    const std::int64_t settle = random() % 50;
    const std::int64_t timeout = 1 + random() % 500;
    bool busy = random() % 2 == 0;
    bool answered = false;
    std::int64_t quiet_since = 0;
    DiagnosticsWait wait(0, busy, settle, timeout);
    for (std::int64_t now = 0; now < 600; now += random() % 40) {
      switch (random() % 3) {
        case 0:
          wait.answered(now);
          answered = true;
          quiet_since = now;
          break;
        case 1:
          busy = !busy;
          wait.set_busy(busy, now);
          quiet_since = now;
          break;
        default:
          break;
      }
      const bool counts = answered && !busy && now - quiet_since >= settle;
      REQUIRE((wait.state(now) == State::settled) == counts);
      // Nothing is missed between two looks.
      if (wait.state(now) == State::waiting) {
        const auto next = wait.next_change(now);
        REQUIRE(next > 0);
        REQUIRE(wait.state(now + next) != State::waiting);
        REQUIRE(wait.state(now + next - 1) == State::waiting);
      }
    }
  }
}
