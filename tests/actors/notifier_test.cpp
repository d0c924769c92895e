#include "actors/notifier.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/supervisor.hpp"
#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::VirtualTime;

class Sink final : public NoticeSink {
 public:
  bool offer(const Notice& notice) override {
    if (throws) throw std::runtime_error("a bad sink");
    if (busy) return false;
    seen.push_back(notice);
    return true;
  }
  [[nodiscard]] std::string types() const {
    std::string out;
    for (const auto& notice : seen) out += (out.empty() ? "" : " ") + notice.type;
    return out;
  }
  std::vector<Notice> seen;
  bool busy = false;
  bool throws = false;
};

class Consumer {
 public:
  Consumer(compat::Self<notice_consumer> self, std::shared_ptr<std::vector<std::string>> seen)
      : self_(self), seen_(std::move(seen)) {}
  compat::Behavior<notice_consumer> make_behavior() {
    return {[this](notice_atom, const NoticePtr& notice) -> caf::result<void> {
      seen_->push_back(notice->type);
      auto promise = compat::promise<void>(self_);
      timers_.push_back(compat::run_delayed(self_, 1s, [promise]() mutable { promise.deliver(); }));
      return promise;
    }};
  }

 private:
  compat::Self<notice_consumer> self_;
  std::shared_ptr<std::vector<std::string>> seen_;
  std::vector<compat::Timer> timers_;
};

struct Stage {
  VirtualTime time;
  notifier_actor notifier = time.track(spawn_notifier(time.system(), nullptr));

  void publish(const std::string& type) {
    compat::post(notifier, publish_atom_v, std::make_shared<const Notice>(Notice{"M", type, "{}"}));
    time.run();
  }
  std::shared_ptr<Sink> sink(const std::string& id, std::size_t capacity = 10) {
    auto sink = std::make_shared<Sink>();
    REQUIRE(time.ask<Unit>(notifier, subscribe_atom_v, SinkSpec{id, sink, {}, capacity}).ok());
    return sink;
  }
  SinkView view(const std::string& id) {
    auto status = time.ask<NotifierStatus>(notifier, status_atom_v);
    for (const auto& view : status->sinks)
      if (view.id == id) return view;
    return {};
  }
};

}  // namespace

TEST_CASE("every sink gets every notice in order") {
  Stage stage;
  auto a = stage.sink("a");
  auto b = stage.sink("b");
  stage.publish("x");
  stage.publish("y");
  CHECK(a->types() == "x y");
  CHECK(b->types() == "x y");
  CHECK(stage.time.ask<Unit>(stage.notifier, unsubscribe_atom_v, std::string("a")).ok());
  stage.publish("z");
  CHECK(a->types() == "x y");
  CHECK(b->types() == "x y z");
  auto again = stage.time.ask<Unit>(stage.notifier, unsubscribe_atom_v, std::string("a"));
  CHECK(again.error().code == ErrorCode::not_found);
}

TEST_CASE("a busy sink holds up nobody, catches up later, and is told what it missed") {
  Stage stage;
  auto slow = stage.sink("slow", 3);
  auto quick = stage.sink("quick");
  slow->busy = true;
  for (const auto* type : {"a", "b", "c", "d", "e"}) stage.publish(type);
  CHECK(quick->types() == "a b c d e");
  CHECK(stage.view("slow").queued == 3);
  slow->busy = false;
  stage.time.advance(100ms);
  CHECK(slow->types() == "notifier.dropped c d e");
  auto gap = nlohmann::json::parse(slow->seen[0].json);
  CHECK(gap == nlohmann::json{{"sink", "slow"}, {"count", 2}});
  CHECK(stage.view("slow").dropped == 2);
}

TEST_CASE("a sink that throws is dropped and nothing else") {
  Stage stage;
  auto bad = stage.sink("bad");
  auto good = stage.sink("good");
  bad->throws = true;
  stage.publish("x");
  stage.publish("y");
  CHECK(good->types() == "x y");
  CHECK(stage.view("bad").id.empty());
  CHECK(stage.time.crashes.empty());
}

TEST_CASE(
    "a consumer actor gets the next notice when it has answered, and is forgotten when dead") {
  Stage stage;
  auto seen = std::make_shared<std::vector<std::string>>();
  auto consumer = stage.time.spawn<Consumer, notice_consumer>(seen);
  SinkSpec spec{"c", nullptr, consumer, 2};
  REQUIRE(stage.time.ask<Unit>(stage.notifier, subscribe_atom_v, spec).ok());
  for (const auto* type : {"a", "b", "c", "d"}) stage.publish(type);
  CHECK(*seen == std::vector<std::string>{"a"});
  stage.time.advance(10s);
  CHECK(*seen == std::vector<std::string>{"a", "notifier.dropped", "d"});
  compat::kill(consumer);
  stage.publish("e");
  stage.time.advance(1s);
  CHECK(stage.view("c").id.empty());
}

TEST_CASE("a bad subscription is refused") {
  Stage stage;
  auto subscribe = [&](const SinkSpec& spec) {
    return stage.time.ask<Unit>(stage.notifier, subscribe_atom_v, spec).error().code;
  };
  CHECK(subscribe({"a", nullptr, {}, 10}) == ErrorCode::invalid_argument);
  CHECK(subscribe({"a", std::make_shared<Sink>(), {}, 0}) == ErrorCode::invalid_argument);
}

TEST_CASE("a crash of the notifier costs ticks, not subscriptions") {
  VirtualTime time;
  auto sinks = std::make_shared<NoticeSinks>();
  auto registry = std::make_shared<Registry>();
  SupervisorSpec spec;
  spec.registry = registry;
  spec.children.push_back({"notifier", [&time, sinks]() -> Result<caf::actor> {
                             return compat::untyped(
                                 time.track(spawn_notifier(time.system(), sinks)));
                           }});
  auto top = time.track(*start_supervisor(time.system(), spec));
  auto sink = std::make_shared<Sink>();
  auto notifier = [&] { return registry->whereis<notifier_actor>("notifier"); };
  REQUIRE(time.ask<Unit>(notifier(), subscribe_atom_v, SinkSpec{"a", sink, {}, 10}).ok());
  auto publish = [&](const std::string& type) {
    compat::post(notifier(), publish_atom_v, std::make_shared<const Notice>(Notice{"", type, ""}));
    time.run();
  };
  publish("x");
  sink->busy = true;
  publish("kept");
  compat::kill(notifier());
  time.advance(0ms);
  sink->busy = false;
  publish("y");
  CHECK(sink->types() == "x kept y");
}

}  // namespace muster
