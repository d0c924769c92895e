// The actor that keeps a host's server at hand, under virtual time, with a port that the test
// plays.
#include "actors/host_server.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <vector>

#include "actors/supervisor.hpp"
#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::VirtualTime;
using State = HostServerStatus::State;

struct FakeServer final : HostServer {
  explicit FakeServer(int& alive) : alive(alive) { ++alive; }
  ~FakeServer() override { --alive; }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  int& alive;
};

struct FakePort final : HostServerPort {
  std::vector<HostServerEvents> started;
  int alive = 0;
  std::shared_ptr<HostServer> start(HostServerEvents events) override {
    started.push_back(std::move(events));
    return std::make_shared<FakeServer>(alive);
  }
};

struct Stage {
  VirtualTime time;
  std::shared_ptr<FakePort> port = std::make_shared<FakePort>();
  std::vector<Error> told;
  host_server_actor server;

  Stage() {
    HostServerConfig config;
    config.backoff = {1000, 1000, 8000, 2.0, 60'000};
    config.on_ended = [this](const Error& why) { told.push_back(why); };
    server = time.spawn<KeptHostServer, host_server_actor>(port, config);
    time.run();
  }
  HostServerStatus status() { return *time.ask<HostServerStatus>(server, status_atom_v); }
  void end(const char* why) {
    port->started.back().on_ended({ErrorCode::unavailable, why});
    time.run();
  }
  void ready() {
    port->started.back().on_ready();
    time.run();
  }
};

}  // namespace

TEST_CASE("a host's server is started at once, and again after it has ended") {
  Stage stage;
  REQUIRE(stage.port->started.size() == 1);
  CHECK(stage.status().state == State::starting);
  stage.ready();
  CHECK(stage.status().state == State::ready);
  stage.end("killed");
  CHECK(stage.port->alive == 0);
  CHECK(stage.status().state == State::down);
  CHECK(stage.status().last_failure->message == "killed");
  REQUIRE(stage.told.size() == 1);
  CHECK(stage.port->started.size() == 1);  // not before the backoff is over
  stage.time.advance(1s);
  CHECK(stage.port->started.size() == 2);
  stage.ready();
  CHECK(stage.status().state == State::ready);
  CHECK(!stage.status().last_failure);
  CHECK(stage.status().starts == 2);
}

TEST_CASE("a host's server that cannot begin is tried less and less often") {
  Stage stage;
  for (int i = 0; i < 20; ++i) {
    stage.end("no such program");
    stage.time.advance(8s);
  }
  CHECK(stage.port->started.size() == 21);
  stage.end("no such program");
  stage.time.advance(500ms);
  CHECK(stage.port->started.size() == 21);
  CHECK(stage.told.size() == 21);
}

TEST_CASE("what a former server of a host says counts no more") {
  Stage stage;
  auto former = stage.port->started.front();
  stage.end("killed");
  former.on_ended({ErrorCode::unavailable, "killed twice"});
  stage.time.run();
  CHECK(stage.told.size() == 1);
  stage.time.advance(1s);
  former.on_ready();
  former.on_ended({ErrorCode::unavailable, "late"});
  stage.time.run();
  CHECK(stage.status().state == State::starting);
  CHECK(stage.told.size() == 1);
}

TEST_CASE("a host's server ends with its actor, and its supervisor starts both again") {
  VirtualTime time;
  auto port = std::make_shared<FakePort>();
  auto registry = std::make_shared<Registry>();
  SupervisorSpec spec;
  spec.name = "hosts";
  spec.registry = registry;
  spec.children = {host_server_child(time.system(), port)};
  auto hosts = start_supervisor(time.system(), std::move(spec));
  REQUIRE(hosts.ok());
  time.track(*hosts);
  time.run();
  CHECK(port->alive == 1);
  compat::kill(registry->find("host_server"));
  time.run();
  time.advance(1min);
  CHECK(port->started.size() == 2);
  CHECK(port->alive == 1);
  time.kill_all();
  CHECK(port->alive == 0);
}

}  // namespace muster
