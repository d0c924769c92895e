// The client and its checks against a server that does what it is told.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdio>

#include "adapters/process/descendants.hpp"
#include "tests/adapters/lsp/support.hpp"

using namespace muster;
using namespace muster::lsp;
using namespace muster::lsp::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

/// Error lines of what was found: "line:character".
std::vector<std::string> places(const Server::Found& found) {
  REQUIRE(found);
  std::vector<std::string> out;
  for (const auto& one : *found)
    out.push_back(std::to_string(one.range.start.line) + ":" +
                  std::to_string(one.range.start.character));
  return out;
}

using Places = std::vector<std::string>;

std::string what_failed(const Server::Found& found) {
  REQUIRE_FALSE(found);
  return found.error().text();
}

/// The messages with this method that the fake server got.
std::vector<json> received(Server& server, const std::string& method) {
  const auto all = server.request("fake/received");
  REQUIRE(all);
  std::vector<json> out;
  for (const auto& message : *all)
    if (message.value("method", "") == method) out.push_back(message);
  return out;
}

json asked(Server& server, const std::string& method, const json& params) {
  const auto reply = server.request("fake/ask", {{"method", method}, {"params", params}});
  REQUIRE(reply);
  return *reply;
}

}  // namespace

TEST_CASE("a broken text, mended, is clean") {
  const TempFolder folder;
  Server server(fake_options({}, folder.str()));
  REQUIRE(server.ready());
  const auto path = folder.path("a.txt");
  CHECK(places(server.check(path, "text", "fine\n  BAD\n")) == Places{"1:2"});
  CHECK(places(server.check(path, "text", "fine\n")).empty());
  CHECK(places(server.check(path, "text", "BAD ODD")) == Places{"0:0", "0:4"});
  CHECK(server.stop().code == ErrorCode::cancelled);
}

TEST_CASE("messages in any pieces and with any head are understood") {
  const TempFolder folder;
  for (const char* mode : {"bytewise", "wide-head", "text-ids"}) {
    Server server(fake_options({mode}, folder.str()));
    REQUIRE(server.ready());
    CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
    server.stop();
  }
}

TEST_CASE("columns are UTF-16, whatever the server counts in") {
  const TempFolder folder;
  const std::string text =
      "\xC3\xA9\xF0\x9F\x98\x80 BAD\r\n\xE2\x82\xAC"
      "BAD";
  for (const char* mode : {"utf-16", "utf-8"}) {
    Server server(fake_options({mode}, folder.str()));
    REQUIRE(server.ready());
    CHECK(places(server.check(folder.path("a"), "text", text)) == Places{"0:4", "1:1"});
    server.stop();
  }
}

TEST_CASE("diagnostics that come in steps count when the work has ended") {
  const TempFolder folder;
  Server server(fake_options({"steps"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  server.stop();
}

TEST_CASE("work in the background holds nothing up") {
  const TempFolder folder;
  auto options = fake_options({"background"}, folder.str());
  options.background_progress = {"background"};
  Server server(options);
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  server.stop();
}

TEST_CASE("diagnostics of another version are not this text's") {
  const TempFolder folder;
  Server server(fake_options({"stale"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  server.stop();
}

TEST_CASE("what is published at a close is no answer to the next opening") {
  const TempFolder folder;
  Server server(fake_options({"unversioned", "clears"}, folder.str()));
  REQUIRE(server.ready());
  for (int i = 0; i < 20; ++i)
    REQUIRE(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  server.stop();
}

TEST_CASE("diagnostics are asked for where that is offered") {
  const TempFolder folder;
  Server server(fake_options({"pull", "pull-again"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  const auto pulls = received(server, "textDocument/diagnostic");
  REQUIRE(pulls.size() == 2);  // the first was answered with "later"
  CHECK(pulls[0]["params"]["identifier"] == "fake-id");
  server.stop();
}

TEST_CASE("an answer from before the project was loaded is asked for again") {
  const TempFolder folder;
  Server server(fake_options({"pull", "pull-loading"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  server.stop();
}

TEST_CASE("a server that reports work at every question is not asked for ever") {
  const TempFolder folder;
  Server server(fake_options({"pull", "pull-busy"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  CHECK(received(server, "textDocument/diagnostic").size() == 2);
  server.stop();
}

TEST_CASE("an offer that is made after the check has begun is taken") {
  const TempFolder folder;
  Server server(fake_options({"pull", "dynamic"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  server.stop();
}

TEST_CASE("tsserver is asked itself, so that no step of it is taken for all") {
  const TempFolder folder;
  Server server(fake_options({"tsserver", "steps", "unversioned"}, folder.str()));
  REQUIRE(server.ready());
  const auto found = server.check(folder.path("a.ts"), "typescript", "ODD\n BAD");
  CHECK(places(found) == Places{"0:0", "1:1"});
  CHECK((*found)[1].message == "a.ts: BAD is here");
  CHECK((*found)[1].code == "2322");
  server.stop();
}

TEST_CASE("no diagnostics in time is an error, never clean") {
  const TempFolder folder;
  Server server(fake_options({"silent"}, folder.str()), {0ms, 200ms});
  REQUIRE(server.ready());
  const auto found = server.check(folder.path("a"), "text", "BAD");
  CHECK(what_failed(found) == "fake: no diagnostics came within 200 ms");
  CHECK(found.error().code == ErrorCode::timeout);
  // The server itself is of use still.
  CHECK(server.request("fake/received"));
  server.stop();
}

TEST_CASE("noise on the wire ends the client with what it was") {
  const TempFolder folder;
  Server server(fake_options({"garbage"}, folder.str()));
  REQUIRE(server.ready());
  const auto found = server.check(folder.path("a"), "text", "BAD");
  CHECK(what_failed(found) ==
        "fake: wrote something that is no message: 'Warning: something is odd'");
  CHECK(server.end() == found.error());
  CHECK_FALSE(server.check(folder.path("a"), "text", ""));
}

TEST_CASE("broken JSON, huge frames and half frames are errors") {
  const TempFolder folder;
  const auto failure = [&](const std::string& mode) {
    Server server(fake_options({mode}, folder.str()));
    REQUIRE(server.ready());
    return what_failed(server.check(folder.path("a"), "text", "BAD"));
  };
  CHECK_THAT(failure("broken-json"), ContainsSubstring("no JSON"));
  CHECK_THAT(failure("huge"), ContainsSubstring("more than 67108864 bytes"));
  CHECK_THAT(failure("half"), ContainsSubstring("ended with exit code 0"));
}

TEST_CASE("a server that is killed while it works is an error that says so") {
  const TempFolder folder;
  Server server(fake_options({"silent"}, folder.str()));
  REQUIRE(server.ready());
  auto first = server.begin_check(folder.path("a"), "text", "BAD");
  auto second = server.begin_check(folder.path("b"), "text", "BAD");
  server.kill();
  CHECK(what_failed(wait_for(std::move(first))) == "fake: ended by signal 9 (Killed)");
  CHECK_FALSE(wait_for(std::move(second)));
  CHECK(server.end().code == ErrorCode::unavailable);
}

TEST_CASE("the last words of a server that ends are told") {
  const TempFolder folder;
  Server server(fake_options({"crash"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(what_failed(server.check(folder.path("a"), "text", "")) ==
        "fake: ended with exit code 7: fake: cannot go on");
}

TEST_CASE("a server that is not there or does not begin is an error") {
  const TempFolder folder;
  auto options = fake_options({}, folder.str());
  options.argv = {"no-such-language-server"};
  Server missing(options);
  const auto status = missing.ready();
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::not_found);
  CHECK(missing.end() == status.error());

  options = fake_options({"hang"}, folder.str());
  options.start_timeout = 300ms;
  Server hanging(options);
  REQUIRE_FALSE(hanging.ready());
  CHECK(hanging.end().text() == "fake: did not answer initialize in time");

  Server refusing(fake_options({"refuse"}, folder.str()));
  REQUIRE_FALSE(refusing.ready());
  CHECK(refusing.end().text() == "fake: initialize: no such project");
}

TEST_CASE("a request that takes too long is cancelled at the server") {
  const TempFolder folder;
  Server server(fake_options({}, folder.str()));
  REQUIRE(server.ready());
  const auto slow = server.request("fake/sleep", nullptr, 100ms);
  REQUIRE_FALSE(slow);
  CHECK(slow.error().code == ErrorCode::timeout);
  const auto cancels = received(server, "$/cancelRequest");
  REQUIRE(cancels.size() == 1);
  CHECK(cancels[0]["params"]["id"].is_number());
  const auto unknown = server.request("fake/unknown");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ErrorCode::invalid_argument);
  server.stop();
}

TEST_CASE("requests of the server are answered") {
  const TempFolder folder;
  auto options = fake_options({}, folder.str());
  options.settings = {{"a", {{"b", 1}}}};
  Server server(options);
  REQUIRE(server.ready());
  const auto settings = asked(
      server, "workspace/configuration",
      {{"items",
        json::array(
            {{{"section", "a.b"}}, {{"section", "a"}}, {{"section", "x.y"}}, json::object()})}});
  CHECK(settings["result"] == json::array({1, {{"b", 1}}, nullptr, {{"a", {{"b", 1}}}}}));
  CHECK(asked(server, "window/workDoneProgress/create", {{"token", 1}})["result"].is_null());
  CHECK(asked(server, "workspace/applyEdit", json::object())["result"]["applied"] == false);
  CHECK(asked(server, "workspace/workspaceFolders", nullptr)["result"].size() == 1);
  CHECK(
      asked(server, "client/unregisterCapability", {{"unregisterations", 7}})["result"].is_null());
  CHECK(asked(server, "workspace/configuration", 7)["result"] == json::array());
  CHECK(asked(server, "fake/nonsense", nullptr)["error"]["code"] == -32601);
  server.stop();
}

TEST_CASE("definition, references, hover and rename come back as values") {
  const TempFolder folder;
  Server server(fake_options({}, folder.str()));
  REQUIRE(server.ready());
  const auto path = folder.path("a");
  server.on_client([&](LspClient& client) { client.open(path, "text", "one\n\xC3\xA9 two"); });
  const auto definition = server.ask<std::vector<Location>>(
      [&](LspClient& client, auto answer) { client.definition(path, 7, patience, answer); });
  REQUIRE(definition);
  CHECK(*definition == std::vector<Location>{{path, {{1, 2}, {1, 9}}}});
  const auto references = server.ask<std::vector<Location>>(
      [&](LspClient& client, auto answer) { client.references(path, 0, true, patience, answer); });
  REQUIRE(references);
  CHECK(*references == std::vector<Location>{{path, {{3, 1}, {3, 2}}}});
  const auto hover = server.ask<std::string>(
      [&](LspClient& client, auto answer) { client.hover(path, 0, patience, answer); });
  REQUIRE(hover);
  CHECK(*hover == "one\n\ntwo");
  const auto rename = server.ask<std::vector<FileEdits>>(
      [&](LspClient& client, auto answer) { client.rename(path, 0, "new", patience, answer); });
  REQUIRE(rename);
  CHECK(*rename == std::vector<FileEdits>{{path, {{{{0, 0}, {0, 3}}, "new"}}}});
  const auto moves = server.ask<std::vector<FileEdits>>(
      [&](LspClient& client, auto answer) { client.rename(path, 0, "file", patience, answer); });
  REQUIRE_FALSE(moves);
  CHECK(moves.error().code == ErrorCode::invalid_argument);
  const auto closed = server.ask<std::string>(
      [&](LspClient& client, auto answer) { client.hover(folder.path("b"), 0, patience, answer); });
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code == ErrorCode::not_found);
  server.stop();
}

TEST_CASE("what is not offered is not asked for") {
  const TempFolder folder;
  Server server(fake_options({"no-rename"}, folder.str()));
  REQUIRE(server.ready());
  server.on_client([&](LspClient& client) { client.open(folder.path("a"), "text", "one"); });
  const auto rename = server.ask<std::vector<FileEdits>>([&](LspClient& client, auto answer) {
    client.rename(folder.path("a"), 0, "new", patience, answer);
  });
  REQUIRE_FALSE(rename);
  CHECK(rename.error().text() == "fake: does not offer textDocument/rename");
  server.stop();
}

TEST_CASE("a document that is changed has a higher version") {
  const TempFolder folder;
  Server server(fake_options({}, folder.str()));
  REQUIRE(server.ready());
  std::int64_t first = 0;
  std::int64_t second = 0;
  server.on_client([&](LspClient& client) {
    first = client.open(folder.path("a"), "text", "one");
    second = *client.change(folder.path("a"), "two");
    CHECK_FALSE(client.change(folder.path("b"), "two"));
    client.close(folder.path("a"));
    client.close(folder.path("a"));
  });
  CHECK(second > first);
  const auto changes = received(server, "textDocument/didChange");
  REQUIRE(changes.size() == 1);
  CHECK(changes[0]["params"]["contentChanges"] == json::array({{{"text", "two"}}}));
  CHECK(received(server, "textDocument/didClose").size() == 1);
  server.stop();
}

TEST_CASE("a server that takes too much memory is ended, and that is said") {
  const TempFolder folder;
  auto options = fake_options({"memory", "silent"}, folder.str());
  options.max_memory_bytes = 150U << 20U;
  options.memory_look = 20ms;
  Server server(options);
  REQUIRE(server.ready());
  const auto found = server.check(folder.path("a"), "text", "");
  CHECK_THAT(what_failed(found),
             ContainsSubstring("MiB of memory, more than its 150 MiB, and was ended"));
  CHECK(found.error().code == ErrorCode::limit_reached);
}

TEST_CASE("a server that does not want to end is ended by force") {
  const TempFolder folder;
  auto options = fake_options({"stubborn"}, folder.str());
  options.stop_timeout = 100ms;
  Server server(options);
  REQUIRE(server.ready());
  CHECK(server.stop().code == ErrorCode::cancelled);
}

TEST_CASE("a client that is dropped answers what was asked and leaves no process") {
  const TempFolder folder;
  std::future<Server::Found> found;
  {
    Server server(fake_options({"silent"}, folder.str()));
    REQUIRE(server.ready());
    found = server.begin_check(folder.path("a"), "text", "");
  }
  CHECK(wait_for(std::move(found)).error().code == ErrorCode::cancelled);
}

TEST_CASE("a path is checked once at a time") {
  const TempFolder folder;
  Server server(fake_options({"silent"}, folder.str()));
  REQUIRE(server.ready());
  auto first = server.begin_check(folder.path("a"), "text", "");
  CHECK(server.check(folder.path("a"), "text", "").error().code == ErrorCode::conflict);
  server.stop();
  CHECK_FALSE(wait_for(std::move(first)));
}

TEST_CASE("stderr is kept to its bound, and standard output is not mixed with it") {
  const TempFolder folder;
  Server server(fake_options({"talkative"}, folder.str()));
  REQUIRE(server.ready());
  CHECK(places(server.check(folder.path("a"), "text", "BAD")) == Places{"0:0"});
  server.kill();
  CHECK(server.end().message.size() < 400);
}

TEST_CASE("a question has all its documents open, and closes them") {
  TempFolder folder;
  Server server(fake_options({}, folder.str()));
  REQUIRE(server.ready());
  LanguageQuestion question;
  question.documents = {{folder.path("a.txt"), "text", "BAD"},
                        {folder.path("b.txt"), "text", "fine ODD"}};
  const auto answer = server.ask(question);
  REQUIRE(answer);
  REQUIRE(answer->documents.size() == 2);
  CHECK(answer->documents[0].found->size() == 1);
  CHECK(answer->documents[1].found->front().severity == Severity::warning);
  const auto all = *server.request("fake/received");
  std::vector<std::string> methods;
  for (const auto& message : all)
    if (message.value("method", "").starts_with("textDocument/"))
      methods.push_back(message["method"]);
  CHECK(methods == std::vector<std::string>{"textDocument/didOpen", "textDocument/didOpen",
                                            "textDocument/didClose", "textDocument/didClose"});
  question.kind = LanguageQuestion::Kind::hover;
  CHECK(server.ask(question)->text.find("two") != std::string::npos);
  question.kind = LanguageQuestion::Kind::rename;
  question.new_name = "GOOD";
  CHECK(server.ask(question)->edits.size() == 1);
  question.new_name = "file";  // it would move a file
  CHECK(server.ask(question).error().code == ErrorCode::invalid_argument);
  CHECK(server.check(folder.path("a.txt"), "text", "BAD").ok());
}

TEST_CASE("a question ends with its server, and two about one file are not mixed") {
  TempFolder folder;
  Server server(fake_options({"silent"}, folder.str()));
  REQUIRE(server.ready());
  LanguageQuestion question;
  CHECK(server.ask(question).error().code == ErrorCode::invalid_argument);
  question.documents = {{folder.path("a.txt"), "text", "BAD"},
                        {folder.path("b.txt"), "text", "BAD"}};
  question.kind = LanguageQuestion::Kind::rename;
  auto first = server.begin_ask(question);
  CHECK(server.ask(question).error().code == ErrorCode::conflict);
  CHECK(server.check(folder.path("b.txt"), "text", "").error().code == ErrorCode::conflict);
  server.kill();
  const auto ended = wait_for(std::move(first));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == ErrorCode::unavailable);
  CHECK_FALSE(server.ask(question));
}
