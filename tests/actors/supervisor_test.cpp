// Erlang/OTP's documented supervisor cases ("Supervisor Behaviour", OTP Design Principles;
// supervisor(3)), under virtual time.
#include "actors/supervisor.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::VirtualTime;
using Log = std::shared_ptr<std::vector<std::string>>;

/// How a child answers when it is asked to stop.
enum class Manners { polite, slow, deaf };

/// A child whose life is written to a log. Any notice's type says what it should do.
class Puppet {
 public:
  Puppet(compat::Self<notice_consumer> self, std::string id, Log log, Manners manners)
      : self_(self), id_(std::move(id)), log_(std::move(log)), manners_(manners) {
    log_->push_back("+" + id_);
  }
  ~Puppet() { log_->push_back("-" + id_); }
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;

  compat::Behavior<notice_consumer> make_behavior() {
    compat::on_stop(self_, [this](const compat::End&) {
      log_->push_back("?" + id_);
      if (manners_ == Manners::polite) compat::quit_shutdown(self_);
      if (manners_ == Manners::slow)
        leaving_ = compat::run_delayed(self_, 200ms, [this] { compat::quit_shutdown(self_); });
    });
    return {[this](notice_atom, const NoticePtr& notice) {
      if (notice->type == "crash") compat::quit(self_, Error{ErrorCode::internal, "as told"});
      if (notice->type == "throw") throw std::runtime_error("as told");
      if (notice->type == "normal") compat::quit(self_);
      if (notice->type == "shutdown") compat::quit_shutdown(self_);
    }};
  }
  static constexpr const char* name = "puppet";

 private:
  compat::Self<notice_consumer> self_;
  std::string id_;
  Log log_;
  Manners manners_;
  compat::Timer leaving_;
};

struct Stage {
  VirtualTime time;
  Log log = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  std::shared_ptr<std::vector<SupervisorEvent>> events =
      std::make_shared<std::vector<SupervisorEvent>>();
  std::shared_ptr<std::map<std::string, int>> refusals =
      std::make_shared<std::map<std::string, int>>();

  ChildSpec child(const std::string& id, Restart restart = Restart::permanent,
                  Manners manners = Manners::polite, Shutdown shutdown = 1000ms) {
    ChildSpec spec{id, {}, restart, shutdown};
    spec.start = [this, id, manners, log = log, refusals = refusals]() -> Result<caf::actor> {
      if (auto& left = (*refusals)[id]; left != 0) {
        if (left > 0) --left;
        log->push_back("!" + id);
        return Error{ErrorCode::unavailable, "will not start", id};
      }
      return compat::untyped(time.spawn<Puppet, notice_consumer>(id, log, manners));
    };
    return spec;
  }
  SupervisorSpec spec(Strategy strategy, std::vector<ChildSpec> children) {
    SupervisorSpec spec;
    spec.name = "top";
    spec.strategy = strategy;
    spec.children = std::move(children);
    spec.registry = registry;
    spec.on_event = [events = events](const SupervisorEvent& event) { events->push_back(event); };
    return spec;
  }
  supervisor_actor start(SupervisorSpec spec) {
    auto started = start_supervisor(time.system(), std::move(spec));
    REQUIRE(started.ok());
    auto supervisor = time.track(*started);
    time.run();
    return supervisor;
  }
  supervisor_actor start(Strategy strategy, std::vector<ChildSpec> children) {
    return start(spec(strategy, std::move(children)));
  }
  /// Tells the child something without waiting for what follows.
  void poke(const std::string& id, const std::string& what) {
    auto handle = registry->whereis<notice_consumer>(id);
    REQUIRE(handle);
    compat::post(handle, notice_atom_v, std::make_shared<const Notice>(Notice{"", what, ""}));
  }
  void tell(const std::string& id, const std::string& what) {
    poke(id, what);
    time.advance(0ms);
  }
  /// What happened since the last call, e.g. "-a +a".
  std::string happened() {
    std::string text;
    for (const auto& entry : *log) text += (text.empty() ? "" : " ") + entry;
    log->clear();
    return text;
  }
  std::size_t count(SupervisorEvent::Kind kind) const {
    return static_cast<std::size_t>(std::count_if(
        events->begin(), events->end(), [kind](const auto& event) { return event.kind == kind; }));
  }
  ChildList children(const supervisor_actor& supervisor) {
    return *time.ask<ChildList>(supervisor, which_children_atom_v);
  }
};

}  // namespace

TEST_CASE("OTP children start in order and stop in reverse order") {
  Stage stage;
  auto top =
      stage.start(Strategy::one_for_one, {stage.child("a"), stage.child("b"), stage.child("c")});
  CHECK(stage.happened() == "+a +b +c");
  compat::stop(top);
  stage.time.run();
  CHECK(stage.happened() == "?c -c ?b -b ?a -a");
  CHECK(stage.time.dead(top));
}

TEST_CASE("OTP one_for_one restarts only the child that failed") {
  Stage stage;
  auto top =
      stage.start(Strategy::one_for_one, {stage.child("a"), stage.child("b"), stage.child("c")});
  auto before = stage.registry->find("b");
  stage.happened();
  stage.tell("b", "crash");
  CHECK(stage.happened() == "-b +b");
  auto after = stage.registry->find("b");
  CHECK(after != before);
  CHECK(stage.time.ask<caf::actor>(top, whereis_atom_v, std::string("b")).value() == after);
}

TEST_CASE("OTP an exception ends a child like any failure and nothing else") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one, {stage.child("a"), stage.child("b")});
  stage.happened();
  stage.tell("a", "throw");
  CHECK(stage.happened() == "-a +a");
  REQUIRE(stage.time.crashes.size() == 1);
  CHECK(stage.time.crashes[0].what == "as told");
  CHECK_FALSE(stage.time.dead(top));
}

TEST_CASE("OTP one_for_all ends the rest in reverse order, then restarts all in start order") {
  Stage stage;
  stage.start(Strategy::one_for_all, {stage.child("a"), stage.child("b"), stage.child("c")});
  stage.happened();
  stage.tell("b", "crash");
  CHECK(stage.happened() == "-b ?c -c ?a -a +a +b +c");
}

TEST_CASE("OTP rest_for_one ends and restarts only the later ones") {
  Stage stage;
  stage.start(Strategy::rest_for_one,
              {stage.child("a"), stage.child("b"), stage.child("c"), stage.child("d")});
  stage.happened();
  stage.tell("b", "crash");
  CHECK(stage.happened() == "-b ?d -d ?c -c +b +c +d");
}

TEST_CASE("OTP permanent children are always restarted") {
  for (const auto* way : {"crash", "normal", "shutdown"}) {
    Stage stage;
    stage.start(Strategy::one_for_one, {stage.child("a")});
    stage.happened();
    stage.tell("a", way);
    CHECK(stage.happened() == "-a +a");
  }
}

TEST_CASE("OTP transient children are restarted after a failure, not after normal or shutdown") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one, {stage.child("a", Restart::transient),
                                                 stage.child("b", Restart::transient),
                                                 stage.child("c", Restart::transient)});
  stage.happened();
  stage.tell("a", "normal");
  stage.tell("b", "shutdown");
  stage.tell("c", "crash");
  CHECK(stage.happened() == "-a -b -c +c");
  // Their specs stay, and they can be restarted by hand.
  CHECK(stage.children(top).children.size() == 3);
  CHECK(stage.time.ask<caf::actor>(top, restart_child_atom_v, std::string("a")).ok());
  CHECK(stage.happened() == "+a");
}

TEST_CASE("OTP temporary children are never restarted, and forgotten") {
  Stage stage;
  auto top =
      stage.start(Strategy::one_for_one, {stage.child("a", Restart::temporary), stage.child("b")});
  stage.happened();
  stage.tell("a", "crash");
  CHECK(stage.happened() == "-a");
  CHECK(stage.children(top).children.size() == 1);
}

TEST_CASE("OTP a temporary child is ended with its group and does not come back") {
  Stage stage;
  stage.start(Strategy::one_for_all,
              {stage.child("a"), stage.child("b", Restart::temporary), stage.child("c")});
  stage.happened();
  stage.tell("a", "crash");
  CHECK(stage.happened() == "-a ?c -c ?b -b +a +c");
}

TEST_CASE("OTP when the Nth child does not start, those before it are stopped in reverse") {
  Stage stage;
  (*stage.refusals)["c"] = 1;
  auto spec = stage.spec(Strategy::one_for_one,
                         {stage.child("a"), stage.child("b"), stage.child("c"), stage.child("d")});
  auto started = start_supervisor(stage.time.system(), spec);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().message == "will not start");
  stage.time.run();
  CHECK(stage.happened() == "+a +b !c ?b -b ?a -a");
  CHECK_FALSE(stage.registry->find("a"));
}

TEST_CASE("OTP more than max_restarts within the period ends all children and the supervisor") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one, {stage.child("a"), stage.child("b")});
  for (int i = 0; i < 3; ++i) stage.tell("b", "crash");  // the default bears 3 in 5 s
  CHECK_FALSE(stage.time.dead(top));
  stage.happened();
  stage.tell("b", "crash");
  CHECK(stage.happened() == "-b ?a -a");
  CHECK(stage.time.dead(top));
  CHECK(stage.count(SupervisorEvent::Kind::gave_up) == 1);
}

TEST_CASE("OTP restarts that are spread over more than the period are borne for ever") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one, {stage.child("a")});
  for (int i = 0; i < 50; ++i) {
    stage.tell("a", "crash");
    stage.time.advance(2s);  // three in five seconds, never four
  }
  CHECK_FALSE(stage.time.dead(top));
  CHECK(stage.time.ask<ChildCounts>(top, count_children_atom_v)->restarts == 50);
}

TEST_CASE("OTP intensity 0 bears no restart at all") {
  Stage stage;
  auto spec = stage.spec(Strategy::one_for_one, {stage.child("a")});
  spec.max_restarts = 0;
  auto top = stage.start(spec);
  stage.happened();
  stage.tell("a", "crash");
  CHECK(stage.happened() == "-a");
  CHECK(stage.time.dead(top));
}

TEST_CASE("OTP a child that does not start again is retried until the intensity is exceeded") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one, {stage.child("a"), stage.child("b")});
  stage.happened();
  SECTION("it starts in time") {
    (*stage.refusals)["b"] = 2;
    stage.tell("b", "crash");
    CHECK(stage.happened() == "-b !b !b +b");
    CHECK_FALSE(stage.time.dead(top));
  }
  SECTION("it never does") {
    (*stage.refusals)["b"] = -1;
    stage.tell("b", "crash");
    CHECK(stage.happened() == "-b !b !b !b ?a -a");
    CHECK(stage.time.dead(top));
  }
}

TEST_CASE("OTP a group member that does not start again is retried with the group") {
  Stage stage;
  stage.start(Strategy::rest_for_one, {stage.child("a"), stage.child("b"), stage.child("c")});
  stage.happened();
  (*stage.refusals)["c"] = 1;
  stage.tell("b", "crash");
  // rest_for_one goes on from the one that failed; b runs already and stays.
  CHECK(stage.happened() == "-b ?c -c +b !c +c");
}

TEST_CASE("OTP intensities multiply down a tree") {
  Stage stage;
  auto inner = stage.spec(Strategy::one_for_one, {stage.child("leaf")});
  inner.name = "inner";
  inner.max_restarts = 2;
  auto outer = stage.spec(Strategy::one_for_one, {supervisor_child(stage.time.system(), inner)});
  outer.max_restarts = 2;
  auto top = stage.start(outer);
  // (2 + 1) crashes end the inner one; it may do so (2 + 1) times before the outer one gives up.
  int crashes = 0;
  while (!stage.time.dead(top)) {
    REQUIRE(crashes < 100);
    stage.tell("leaf", "crash");
    ++crashes;
  }
  CHECK(crashes == 9);
}

TEST_CASE("OTP a child that exceeds its shutdown budget is killed; one within it is not") {
  Stage stage;
  auto top =
      stage.start(Strategy::one_for_one,
                  {stage.child("a"), stage.child("slow", Restart::permanent, Manners::slow, 300ms),
                   stage.child("late", Restart::permanent, Manners::slow, 100ms),
                   stage.child("deaf", Restart::permanent, Manners::deaf, 1000ms)});
  stage.happened();
  compat::stop(top);
  stage.time.run();
  CHECK(stage.happened() == "?deaf");
  stage.time.advance(999ms);
  CHECK(stage.happened().empty());
  stage.time.advance(1ms);
  CHECK(stage.happened() == "-deaf ?late");
  stage.time.advance(100ms);
  CHECK(stage.happened() == "-late ?slow");
  stage.time.advance(200ms);
  CHECK(stage.happened() == "-slow ?a -a");
  CHECK(stage.count(SupervisorEvent::Kind::overrun) == 2);
  CHECK(stage.time.dead(top));
}

TEST_CASE("OTP brutal_kill does not ask") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one,
                         {stage.child("a", Restart::permanent, Manners::deaf, BrutalKill{})});
  stage.happened();
  compat::stop(top);
  stage.time.run();
  CHECK(stage.happened() == "-a");
  CHECK(stage.time.dead(top));
}

TEST_CASE("OTP a supervisor child has all the time that its own children need") {
  Stage stage;
  auto inner = stage.spec(Strategy::one_for_one,
                          {stage.child("deaf", Restart::permanent, Manners::deaf, 1h)});
  inner.name = "inner";
  auto top = stage.start(
      stage.spec(Strategy::one_for_one, {supervisor_child(stage.time.system(), inner)}));
  compat::stop(top);
  stage.time.advance(59min);
  CHECK_FALSE(stage.time.dead(top));
  stage.time.advance(2min);
  CHECK(stage.time.dead(top));
  CHECK(stage.happened() == "+deaf ?deaf -deaf");
}

TEST_CASE(
    "OTP terminate_child stops within the budget, keeps the spec, and restart_child starts it") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one,
                         {stage.child("a"), stage.child("b", Restart::permanent, Manners::slow)});
  stage.happened();
  auto pending = stage.time.begin<Unit>(top, terminate_child_atom_v, std::string("b"));
  stage.time.run();
  CHECK_FALSE(pending.done());
  stage.time.advance(200ms);
  CHECK(pending.ok());
  CHECK(stage.happened() == "?b -b");
  stage.time.advance(1h);  // permanent, but its end was asked for
  CHECK(stage.happened().empty());

  auto whereis = stage.time.ask<caf::actor>(top, whereis_atom_v, std::string("b"));
  CHECK(whereis.error().code == ErrorCode::unavailable);
  auto twice = std::make_shared<const ChildSpec>(stage.child("b"));
  auto again = stage.time.ask<caf::actor>(top, start_child_atom_v, ChildSpecPtr(twice));
  CHECK(again.error().code == ErrorCode::already_exists);
  CHECK(stage.time.ask<caf::actor>(top, restart_child_atom_v, std::string("b")).ok());
  CHECK(stage.happened() == "+b");
  auto running = stage.time.ask<caf::actor>(top, restart_child_atom_v, std::string("b"));
  CHECK(running.error().code == ErrorCode::conflict);
}

TEST_CASE("OTP delete_child forgets a stopped child and refuses a running one") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_one, {stage.child("a")});
  auto remove = [&] { return stage.time.ask<Unit>(top, delete_child_atom_v, std::string("a")); };
  CHECK(remove().error().code == ErrorCode::conflict);
  CHECK(stage.time.ask<Unit>(top, terminate_child_atom_v, std::string("a")).ok());
  CHECK(remove().ok());
  CHECK(remove().error().code == ErrorCode::not_found);
  CHECK(stage.children(top).children.empty());
}

TEST_CASE("OTP dynamic children come and go, restart by their own policy and stop all at once") {
  Stage stage;
  auto top = stage.start(Strategy::dynamic, {});
  auto add = [&](ChildSpec spec) {
    auto shared = std::make_shared<const ChildSpec>(std::move(spec));
    return stage.time.ask<caf::actor>(top, start_child_atom_v, ChildSpecPtr(shared));
  };
  REQUIRE(add(stage.child("m1", Restart::transient, Manners::slow)).ok());
  REQUIRE(add(stage.child("m2", Restart::transient, Manners::slow)).ok());
  REQUIRE(add(stage.child("m3", Restart::temporary)).ok());
  CHECK(add(stage.child("m1")).error().code == ErrorCode::already_exists);
  stage.happened();
  stage.tell("m3", "crash");
  stage.tell("m1", "crash");
  CHECK(stage.happened() == "-m3 -m1 +m1");
  auto counts = stage.time.ask<ChildCounts>(top, count_children_atom_v);
  CHECK((counts->specs == 2 && counts->active == 2));

  // A dynamic child that was terminated or ended well is forgotten: its name is free again.
  stage.tell("m2", "normal");
  CHECK(stage.children(top).children.size() == 1);
  REQUIRE(add(stage.child("m2", Restart::transient, Manners::slow)).ok());
  stage.happened();
  compat::stop(top);
  stage.time.advance(200ms);  // both were slow at the same time
  CHECK(stage.happened() == "?m1 ?m2 -m1 -m2");
  CHECK(stage.time.dead(top));
}

TEST_CASE("OTP dynamic children are lost when their supervisor restarts") {
  Stage stage;
  auto inner = stage.spec(Strategy::dynamic, {});
  inner.name = "missions";
  auto top = stage.start(
      stage.spec(Strategy::one_for_one, {supervisor_child(stage.time.system(), inner)}));
  auto missions = [&] { return stage.registry->whereis<supervisor_actor>("missions"); };
  auto shared = std::make_shared<const ChildSpec>(stage.child("m1"));
  REQUIRE(stage.time.ask<caf::actor>(missions(), start_child_atom_v, ChildSpecPtr(shared)).ok());
  auto before = missions();
  stage.happened();
  compat::kill(before);
  stage.time.advance(0ms);
  CHECK(stage.happened() == "-m1");  // no orphan
  REQUIRE(missions());
  CHECK(missions() != before);
  CHECK(stage.children(missions()).children.empty());
  CHECK_FALSE(stage.time.dead(top));
}

TEST_CASE("OTP a child that fails to start dynamically is not kept") {
  Stage stage;
  auto top = stage.start(Strategy::dynamic, {});
  (*stage.refusals)["m"] = 1;
  auto shared = std::make_shared<const ChildSpec>(stage.child("m"));
  auto first = stage.time.ask<caf::actor>(top, start_child_atom_v, ChildSpecPtr(shared));
  CHECK(first.error() == Error{ErrorCode::unavailable, "will not start", "m"});
  CHECK(stage.time.ask<caf::actor>(top, start_child_atom_v, ChildSpecPtr(shared)).ok());
}

TEST_CASE("a restart waits for its backoff, and the delay grows and is reset by quiet time") {
  Stage stage;
  auto spec = stage.spec(Strategy::one_for_one, {stage.child("a")});
  spec.max_restarts = 1000;
  spec.backoff = BackoffPolicy{
      .base_ms = 1000, .min_ms = 100, .max_ms = 10'000, .factor = 2.0, .quiet_ms = 60'000};
  auto top = stage.start(spec);
  std::chrono::milliseconds longest{0};
  for (int i = 0; i < 20; ++i) {
    stage.tell("a", "crash");
    CHECK_FALSE(stage.registry->find("a"));
    auto delay = stage.events->back().delay;
    CHECK((delay >= 100ms && delay <= 10'000ms));
    longest = std::max(longest, delay);
    stage.time.advance(delay);
    REQUIRE(stage.registry->find("a"));
  }
  CHECK(longest > 1000ms);
  stage.time.advance(61s);
  stage.tell("a", "crash");
  CHECK(stage.events->back().delay <= 1000ms);
  compat::stop(top);  // while it waits
  stage.time.run();
  CHECK(stage.time.dead(top));
}

TEST_CASE("requests that arrive during a group restart wait for its end") {
  Stage stage;
  auto top =
      stage.start(Strategy::one_for_all,
                  {stage.child("a"), stage.child("slow", Restart::permanent, Manners::slow)});
  stage.happened();
  stage.tell("a", "crash");
  auto shared = std::make_shared<const ChildSpec>(stage.child("new"));
  auto pending = stage.time.begin<caf::actor>(top, start_child_atom_v, ChildSpecPtr(shared));
  stage.time.run();
  CHECK_FALSE(pending.done());
  stage.time.advance(200ms);
  CHECK(pending.ok());
  CHECK(stage.happened() == "-a ?slow -slow +a +slow +new");
}

TEST_CASE("a stop during a group restart wins") {
  Stage stage;
  auto top =
      stage.start(Strategy::one_for_all,
                  {stage.child("a"), stage.child("slow", Restart::permanent, Manners::slow)});
  stage.happened();
  stage.tell("a", "crash");
  compat::stop(top);
  stage.time.advance(1h);
  CHECK(stage.happened() == "-a ?slow -slow");
  CHECK(stage.time.dead(top));
}

TEST_CASE("two children of a group that fail at once cost one group restart") {
  Stage stage;
  auto top = stage.start(Strategy::one_for_all, {stage.child("a"), stage.child("b")});
  stage.happened();
  stage.poke("a", "crash");
  stage.poke("b", "crash");
  stage.time.advance(0ms);
  CHECK(stage.happened() == "-a -b +a +b");
  CHECK_FALSE(stage.time.dead(top));
}

TEST_CASE("an earlier sibling that fails during a rest_for_one restart is restarted after it") {
  Stage stage;
  stage.start(Strategy::rest_for_one, {stage.child("a"), stage.child("b"),
                                       stage.child("slow", Restart::permanent, Manners::slow)});
  stage.happened();
  stage.tell("b", "crash");
  stage.tell("a", "crash");
  stage.time.advance(1s);
  CHECK(stage.happened() == "-b ?slow -a -slow +b +slow ?slow -slow ?b -b +a +b +slow");
}

namespace {

class Watcher {
 public:
  Watcher(compat::Self<handle_watcher>, std::shared_ptr<std::vector<caf::actor>> seen)
      : seen_(std::move(seen)) {}
  compat::Behavior<handle_watcher> make_behavior() {
    return {[this](handle_changed_atom, const std::string&, const caf::actor& handle) {
      seen_->push_back(handle);
    }};
  }

 private:
  std::shared_ptr<std::vector<caf::actor>> seen_;
};

}  // namespace

TEST_CASE("who watches a name is told of every new handle, and of its absence") {
  Stage stage;
  auto seen = std::make_shared<std::vector<caf::actor>>();
  stage.start(Strategy::one_for_one, {stage.child("a"), stage.child("b")});
  auto first = stage.registry->find("a");
  auto watcher = stage.time.spawn<Watcher, handle_watcher>(seen);
  stage.registry->watch("a", watcher);
  stage.time.run();
  REQUIRE(seen->size() == 1);
  CHECK(seen->at(0) == first);
  stage.tell("b", "crash");
  stage.tell("a", "crash");
  REQUIRE(seen->size() == 3);
  CHECK_FALSE(seen->at(1));
  CHECK(seen->at(2) == stage.registry->find("a"));
  stage.registry->unwatch(watcher);
  stage.tell("a", "crash");
  CHECK(seen->size() == 3);
}

}  // namespace muster
