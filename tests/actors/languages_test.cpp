// The desk of the language servers under virtual time: one server for each language and folder, so
// many at once, gone with their trees.
#include "actors/languages.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/support/fake_language.hpp"
#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::FakeLanguagePort;
using test::FakeLanguageServer;
using test::Pending;
using test::VirtualTime;

struct Stage {
  VirtualTime time;
  std::shared_ptr<FakeLanguagePort> port = std::make_shared<FakeLanguagePort>();
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  supervisor_actor supervisor;
  languages_actor desk;

  explicit Stage(LanguagesConfig config = {}) {
    auto started = start_supervisor(time.system(), language_servers_spec(registry));
    REQUIRE(started);
    supervisor = *started;
    registry->put("language_servers", compat::untyped(supervisor));
    desk = time.spawn<Languages, languages_actor>(registry, port, config);
    time.run();
  }
  ~Stage() {
    compat::stop(supervisor);
    time.run();
    registry->erase("language_servers", compat::untyped(supervisor));
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Pending<LanguageAnswerPtr> ask(const std::string& folder, const std::string& file = "a.cpp") {
    LanguageQuestion question;
    question.documents.push_back({folder + "/" + file, "cpp", "text"});
    auto out = time.begin<LanguageAnswerPtr>(
        desk, ask_atom_v, LanguageKey{"cpp", folder},
        LanguageQuestionPtr(std::make_shared<const LanguageQuestion>(std::move(question))));
    time.run();
    return out;
  }
  std::shared_ptr<FakeLanguageServer> server(std::size_t which) {
    return port->servers.at(which).lock();
  }
  void answer(std::size_t which, std::size_t question = 0) {
    const auto one = server(which);
    REQUIRE(one);
    one->asked.at(question).done(test::read_badness(*one->asked.at(question).question));
    time.run();
  }
  LanguagesStatus status() { return *time.ask<LanguagesStatus>(desk, status_atom_v); }
  void release(const std::string& folder) {
    compat::post(desk, release_atom_v, folder);
    time.run();
  }
};

}  // namespace

TEST_CASE("a folder's server is started by the first question and used by the next") {
  Stage stage;
  CHECK(stage.status().places.empty());
  auto first = stage.ask("/t1");
  auto second = stage.ask("/t1", "b.cpp");
  REQUIRE(stage.port->servers.size() == 1);
  CHECK(stage.server(0)->key.root == "/t1");
  CHECK(stage.status().places.at(0).open == 2);
  stage.answer(0, 1);
  stage.answer(0, 0);
  CHECK((first.ok() && second.ok()));
  CHECK(stage.status().places.at(0).open == 0);
}

TEST_CASE("so many servers at once: the one unused for longest makes room") {
  LanguagesConfig config;
  config.max_servers = 2;
  Stage stage(config);
  stage.ask("/t1");
  stage.ask("/t2");
  auto third = stage.ask("/t3");
  CHECK(stage.port->servers.size() == 2);  // both are at work
  CHECK(stage.status().waiting == 1);
  stage.answer(1);
  CHECK(stage.port->running() == 2);
  REQUIRE(stage.port->servers.size() == 3);
  CHECK_FALSE(stage.server(1));
  stage.answer(2);
  CHECK(third.ok());
  stage.time.advance(1s);
  stage.answer(0);
  auto again = stage.ask("/t2");
  REQUIRE(stage.port->servers.size() == 4);
  CHECK(stage.server(0));        // it was used later than
  CHECK_FALSE(stage.server(2));  // this one
  stage.answer(3);
  CHECK(again.ok());
}

TEST_CASE("questions that wait for a place have a bound") {
  LanguagesConfig config;
  config.max_servers = 1;
  config.max_waiting = 1;
  Stage stage(config);
  stage.ask("/t1");
  auto waits = stage.ask("/t2");
  CHECK(stage.ask("/t3").get().error().code == ErrorCode::limit_reached);
  CHECK_FALSE(waits.done());
}

TEST_CASE("with a tree its servers end, and who waits for them is told") {
  Stage stage;
  auto open = stage.ask("/trees/T1");
  auto below = stage.ask("/trees/T1/web");
  auto other = stage.ask("/trees/T10");
  CHECK(stage.port->running() == 3);
  stage.release("/trees/T1");
  CHECK(stage.port->running() == 1);
  CHECK((open.done() && !open.ok()));
  CHECK((below.done() && !below.ok()));
  CHECK_FALSE(other.done());
  auto again = stage.ask("/trees/T1");
  CHECK(stage.port->running() == 2);
  stage.release("");
  CHECK(stage.port->running() == 0);
  CHECK((again.done() && !again.ok()));
  CHECK(stage.status().places.empty());
}

TEST_CASE("a server that dies is the reason of its question, and a later one starts it again") {
  Stage stage;
  auto asked = stage.ask("/t1");
  stage.server(0)->events.on_end({ErrorCode::unavailable, "ended by signal 9", "fake"});
  stage.time.run();
  REQUIRE(asked.done());
  CHECK(asked.get().error().message == "ended by signal 9");
  auto next = stage.ask("/t1");
  CHECK(stage.port->servers.size() == 1);
  stage.time.advance(2s);
  REQUIRE(stage.port->servers.size() == 2);
  stage.answer(1);
  CHECK(next.ok());
}

TEST_CASE("a server's actor that crashes is started again by its supervisor, after a pause") {
  Stage stage;
  stage.ask("/t1");
  const auto id = language_id({"cpp", "/t1"});
  const auto before = stage.registry->find(id);
  REQUIRE(before);
  for (int i = 0; i < 20; ++i) {
    compat::kill(stage.registry->find(id));
    stage.time.run();
    CHECK(stage.ask("/t1").get().error().code == ErrorCode::unavailable);
    stage.time.advance(2min);
    REQUIRE(stage.registry->find(id));
  }
  CHECK(stage.registry->find(id) != before);
  CHECK_FALSE(stage.time.dead(stage.supervisor));
  auto next = stage.ask("/t1");
  stage.answer(stage.port->servers.size() - 1);
  CHECK(next.ok());
}

}  // namespace muster
