// A language server's actor under virtual time, with a port that the test plays.
#include "actors/language.hpp"

#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::Pending;
using test::VirtualTime;

/// What the actor started, and what it asked for.
struct FakeServer final : LanguageService {
  struct Asked {
    std::shared_ptr<const LanguageQuestion> question;
    Answered done;
  };
  LanguageEvents events;
  std::vector<Asked> asked;
  bool stopped = false;

  void ask(std::shared_ptr<const LanguageQuestion> question, Answered done) override {
    asked.push_back({std::move(question), std::move(done)});
  }
  void stop() override { stopped = true; }
};

struct FakePort final : LanguagePort {
  std::vector<std::shared_ptr<FakeServer>> servers;
  std::shared_ptr<LanguageService> start(const LanguageKey&, LanguageEvents events) override {
    servers.push_back(std::make_shared<FakeServer>());
    servers.back()->events = std::move(events);
    return servers.back();
  }
  std::vector<LanguageMatch> servers_of(const std::string&, const std::string&) override {
    return {};
  }
  Status available(const LanguageKey&) override { return ok_status(); }
};

LanguageAnswer found(std::vector<Diagnostic> diagnostics) {
  LanguageAnswer out;
  out.documents.push_back({"/w/a", std::move(diagnostics)});
  return out;
}

struct Stage {
  VirtualTime time;
  std::shared_ptr<FakePort> port = std::make_shared<FakePort>();
  language_actor language;

  explicit Stage(LanguageConfig config = {}) {
    language = time.spawn<ServedLanguage, language_actor>(LanguageKey{"x", "/w"}, port, config);
  }
  Pending<LanguageAnswerPtr> check(const std::string& path) {
    LanguageQuestion question;
    question.documents.push_back({path, "x", "text"});
    auto out = time.begin<LanguageAnswerPtr>(
        language, ask_atom_v,
        LanguageQuestionPtr(std::make_shared<const LanguageQuestion>(std::move(question))));
    time.run();
    return out;
  }
  LanguageStatus status() { return *time.ask<LanguageStatus>(language, status_atom_v); }
  FakeServer& server() { return *port->servers.back(); }
  void ready() {
    server().events.on_ready();
    time.run();
  }
  void end(const Error& why) {
    server().events.on_end(why);
    time.run();
  }
  void answer(std::size_t which, Result<LanguageAnswer> result) {
    server().asked.at(which).done(std::move(result));
    time.run();
  }
};

const Error crash{ErrorCode::unavailable, "ended by signal 9", "xd"};

}  // namespace

TEST_CASE("a language server is started by the first check, and once") {
  Stage stage;
  CHECK(stage.status().state == LanguageStatus::State::down);
  CHECK(stage.port->servers.empty());
  auto first = stage.check("/w/a");
  auto second = stage.check("/w/b");
  REQUIRE(stage.port->servers.size() == 1);
  CHECK(stage.server().asked.empty());
  stage.ready();
  REQUIRE(stage.server().asked.size() == 2);
  stage.answer(1, found({}));
  stage.answer(0, found({{{}, Severity::error, "E", "x", "bad"}}));
  CHECK((*first.get())->documents[0].found->size() == 1);
  CHECK((*second.get())->documents[0].found->empty());
}

TEST_CASE("a server that ends is the reason of its checks, and is started again after a pause") {
  Stage stage;
  auto asked = stage.check("/w/a");
  stage.ready();
  stage.end(crash);
  REQUIRE(asked.done());
  CHECK(asked.get().error() == crash);
  auto next = stage.check("/w/a");
  CHECK(stage.port->servers.size() == 1);
  CHECK(stage.status().retry_in_ms > 0);
  stage.time.advance(500ms);
  REQUIRE(stage.port->servers.size() == 2);
  stage.ready();
  stage.answer(0, found({}));
  CHECK(next.ok());
  CHECK_FALSE(stage.status().last_failure);
}

TEST_CASE("pauses grow while a server keeps ending") {
  Stage stage;
  std::int64_t longest = 0;
  for (int i = 0; i < 12; ++i) {
    stage.check("/w/a");
    stage.time.advance(60s);
    REQUIRE(stage.port->servers.size() == static_cast<std::size_t>(i + 1));
    stage.end(crash);
    longest = std::max(longest, stage.status().retry_in_ms);
    CHECK(stage.status().retry_in_ms <= 60'000);
  }
  CHECK(longest > 10'000);
}

TEST_CASE("what is not installed is said at once, and looked for again later") {
  Stage stage;
  const Error missing{ErrorCode::not_found, "xd is not installed (get it)", "x"};
  auto first = stage.check("/w/a");
  stage.end(missing);
  CHECK(first.get().error() == missing);
  CHECK(stage.check("/w/a").get().error() == missing);
  CHECK(stage.port->servers.size() == 1);
  stage.time.advance(60s);
  stage.check("/w/a");
  CHECK(stage.port->servers.size() == 2);
}

TEST_CASE("an idle server is stopped, and a check that comes while it stops gets a new one") {
  LanguageConfig config;
  config.idle = 60s;
  Stage stage(config);
  auto asked = stage.check("/w/a");
  stage.ready();
  stage.time.advance(10min);
  CHECK_FALSE(stage.server().stopped);  // it is at work
  stage.answer(0, found({}));
  CHECK(asked.ok());
  stage.time.advance(50s);
  CHECK_FALSE(stage.server().stopped);
  stage.time.advance(30s);
  CHECK(stage.server().stopped);
  auto next = stage.check("/w/a");
  CHECK(stage.port->servers.size() == 1);
  stage.end({ErrorCode::cancelled, "was stopped", "xd"});
  REQUIRE(stage.port->servers.size() == 2);
  stage.ready();
  stage.answer(0, found({}));
  CHECK(next.ok());
  CHECK_FALSE(stage.status().last_failure);
}

TEST_CASE("questions about one file are asked one after the other, others beside them") {
  LanguageConfig config;
  config.max_open = 2;
  Stage stage(config);
  auto first = stage.check("/w/a");
  stage.ready();
  auto second = stage.check("/w/a");
  auto other = stage.check("/w/b");
  auto late = stage.check("/w/c");
  REQUIRE(stage.server().asked.size() == 2);
  CHECK(stage.server().asked[1].question->documents[0].path == "/w/b");
  stage.answer(0, found({}));
  CHECK(first.ok());
  REQUIRE(stage.server().asked.size() == 3);
  CHECK(stage.server().asked[2].question->documents[0].path == "/w/a");
  stage.answer(2, found({}));
  CHECK(second.ok());
  REQUIRE(stage.server().asked.size() == 4);
  stage.answer(3, found({}));
  stage.answer(1, found({}));
  CHECK((late.ok() && other.ok()));
}

TEST_CASE("what a former server says late changes nothing") {
  Stage stage;
  stage.check("/w/a");
  stage.ready();
  const auto former = stage.port->servers.back();
  stage.end(crash);
  stage.check("/w/b");
  stage.time.advance(60s);
  REQUIRE(stage.port->servers.size() == 2);
  stage.ready();
  former->asked[0].done(found({}));
  former->events.on_end(crash);
  stage.time.run();
  CHECK(stage.status().state == LanguageStatus::State::ready);
  CHECK(stage.status().open == 1);
}

TEST_CASE("checks have a bound, and an actor that ends answers those that wait") {
  LanguageConfig config;
  config.max_waiting = 2;
  Stage stage(config);
  auto first = stage.check("/w/a");
  stage.check("/w/b");
  CHECK(stage.check("/w/c").get().error().code == ErrorCode::limit_reached);
  const std::weak_ptr<FakeServer> server = stage.port->servers.back();
  stage.port->servers.clear();
  compat::stop(stage.language);
  stage.time.run();
  CHECK(first.get().error().code == ErrorCode::unavailable);
  CHECK(server.expired());
}

TEST_CASE("a language's actor can be supervised") {
  VirtualTime time;
  auto port = std::make_shared<FakePort>();
  const auto child = language_child(time.system(), {"x", "/w"}, port);
  CHECK(child.id == "language:x:/w");
  const auto started = child.start();
  REQUIRE(started);
  time.track(compat::typed<language_actor>(*started));
}

}  // namespace muster
