#include "adapters/lsp/lsp_port.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <future>

#include "tests/adapters/lsp/support.hpp"

using namespace muster;
using namespace muster::lsp;
using namespace muster::lsp::test;

namespace {

/// A service of the fake server, from the test's thread.
class Stage {
 public:
  explicit Stage(const std::string& mode, const std::string& language = "fake") {
    config::LanguageServers table;
    config::LanguageServer server;
    server.name = "fake";
    server.command = "node";
    server.args = {MUSTER_SOURCE_DIR "/tests/adapters/lsp/fixtures/fake_server.mjs", mode};
    server.files = {{".txt", "text"}};
    server.settle_ms = 0;
    table.servers.push_back(server);
    ServerPlace place;
    place.workspace = folder_.str();
    place.path_variable = std::getenv("PATH");
    port_ = std::make_unique<LspPort>(loop_, table, place);
    service_ = port_->start(
        {language, folder_.str()},
        {[this] { ready_.set_value(); }, [this](const Error& why) { ended_.set_value(why); }});
  }
  ~Stage() { drop(); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  void wait_ready() { wait_for(ready_.get_future()); }
  Error wait_end() { return wait_for(ended_.get_future()); }
  std::future<Result<std::vector<Diagnostic>>> check(const std::string& text) {
    auto done = std::make_shared<std::promise<Result<std::vector<Diagnostic>>>>();
    LanguageQuestion question;
    question.documents.push_back({folder_.path("a.txt"), "text", text});
    service_->ask(std::make_shared<const LanguageQuestion>(std::move(question)),
                  [done](Result<LanguageAnswer> result) {
                    if (result)
                      done->set_value(result->documents.at(0).found);
                    else
                      done->set_value(result.error());
                  });
    return done->get_future();
  }
  LspPort& port() { return *port_; }
  const TempFolder& folder() { return folder_; }
  LanguageService& service() { return *service_; }
  void drop() {
    service_.reset();
    loop_.call([] {});
  }

 private:
  TempFolder folder_;
  std::promise<void> ready_;
  std::promise<Error> ended_;
  IoLoop loop_;
  std::unique_ptr<LspPort> port_;
  std::shared_ptr<LanguageService> service_;
};

}  // namespace

TEST_CASE("the language port starts a server, asks it and ends it") {
  Stage stage("");
  stage.wait_ready();
  const auto found = wait_for(stage.check("BAD"));
  REQUIRE(found);
  CHECK(found->size() == 1);
  stage.service().stop();
  CHECK(stage.wait_end().code == ErrorCode::cancelled);
  CHECK_FALSE(wait_for(stage.check("BAD")));
}

TEST_CASE("a language that nothing knows is an error of its start") {
  Stage stage("", "klingon");
  CHECK(stage.wait_end().code == ErrorCode::not_found);
  CHECK(wait_for(stage.check("")).error().code == ErrorCode::unavailable);
}

TEST_CASE("a language service that is dropped answers what was asked") {
  Stage stage("silent");
  stage.wait_ready();
  auto found = stage.check("BAD");
  stage.drop();
  CHECK(wait_for(std::move(found)).error().code == ErrorCode::cancelled);
}

TEST_CASE("the port knows the servers of a file, and whether they are there") {
  Stage stage("");
  const auto matches = stage.port().servers_of(stage.folder().str(), "sub/a.txt");
  REQUIRE(matches.size() == 1);
  CHECK(matches[0].key.language == "fake");
  CHECK(matches[0].key.root == stage.folder().str());
  CHECK(matches[0].language_id == "text");
  CHECK(matches[0].server == "node");
  CHECK(matches[0].configured);  // it has no markers that could be missing
  CHECK(stage.port().servers_of(stage.folder().str(), "a.bin").empty());
  CHECK(stage.port().available(matches[0].key).ok());
  CHECK(stage.port().available({"klingon", "/"}).error().code == ErrorCode::not_found);
}
