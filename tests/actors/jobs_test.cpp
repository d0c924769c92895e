// Jobs as their owners meet them, under virtual time and with a process port that the test plays.
#include "actors/jobs.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/fake_processes.hpp"
#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::FakeProcesses;
using test::Pending;
using test::VirtualTime;

/// What an owner was told, and how it answers.
struct Ledger {
  std::vector<JobReceiptPtr> told;
  int refusals = 0;     ///< so many answers are errors
  bool silent = false;  ///< never answers
};
using LedgerPtr = std::shared_ptr<Ledger>;

class Owner {
 public:
  Owner(compat::Self<job_owner> self, LedgerPtr ledger) : self_(self), ledger_(std::move(ledger)) {}
  compat::Behavior<job_owner> make_behavior() {
    return {[this](job_done_atom, const JobReceiptPtr& receipt) -> caf::result<void> {
      if (ledger_->silent) {
        ledger_->told.push_back(receipt);
        open_.push_back(compat::promise<void>(self_));
        return open_.back();
      }
      if (ledger_->refusals > 0) {
        --ledger_->refusals;
        return to_caf({ErrorCode::unavailable, "busy"});
      }
      ledger_->told.push_back(receipt);
      return caf::unit;
    }};
  }

 private:
  compat::Self<job_owner> self_;
  LedgerPtr ledger_;
  std::vector<compat::Promise<void>> open_;
};

struct Stage {
  VirtualTime time;
  std::shared_ptr<FakeProcesses> processes = std::make_shared<FakeProcesses>();
  std::shared_ptr<std::vector<Notice>> notices = std::make_shared<std::vector<Notice>>();
  LedgerPtr ledger = std::make_shared<Ledger>();
  job_owner owner;
  jobs_actor jobs;

  explicit Stage(JobsConfig config = {}) {
    config.notify = [seen = notices](const Notice& notice) { seen->push_back(notice); };
    owner = time.spawn<Owner, job_owner>(ledger);
    jobs = time.track(spawn_jobs(time.system(), processes, config));
  }
  StartJob job(const std::string& id, const std::string& task = "T1",
               JobScope scope = JobScope::task) {
    StartJob wanted;
    wanted.spec.id = id;
    wanted.spec.owner = {"M", "s1", task};
    wanted.spec.scope = scope;
    wanted.spec.command = "make " + id;
    wanted.spec.process.argv = {id};
    wanted.spec.process.env = {{"SECRET", "x"}};
    wanted.owner = owner;
    return wanted;
  }
  Result<JobStarted> start(const StartJob& wanted) {
    return time.ask<JobStarted>(jobs, start_atom_v, wanted);
  }
  Result<JobStarted> start(const std::string& id) { return start(job(id)); }
  JobInfo check(const std::string& id) { return *time.ask<JobInfo>(jobs, check_atom_v, id); }
  Pending<Unit> kill(const std::string& id) {
    auto pending = time.begin<Unit>(jobs, kill_atom_v, id);
    time.run();
    return pending;
  }
  Pending<std::uint64_t> kill_scope(const JobFilter& filter) {
    auto pending = time.begin<std::uint64_t>(jobs, kill_scope_atom_v, filter);
    time.run();
    return pending;
  }
  void exit(const std::string& id, int code = 0) {
    processes->exit(id, code);
    time.run();
  }
};

JobsConfig at_most(std::size_t running, std::size_t queued = 1000) {
  JobsConfig config;
  config.max_running = running;
  config.max_queued = queued;
  return config;
}

}  // namespace

TEST_CASE("J1 exit code decides, and the owner gets the receipt with the output") {
  Stage stage;
  REQUIRE(stage.start("a").ok());
  stage.processes->at("a").output = "building\nall well";
  CHECK(stage.check("a").state == JobState::running);
  auto tail = stage.time.ask<JobTail>(stage.jobs, tail_atom_v, std::string("a"), std::uint64_t{8});
  CHECK((tail->output == "all well" && tail->output_bytes == 17 && !tail->done));
  stage.exit("a", 3);
  REQUIRE(stage.ledger->told.size() == 1);
  const auto& receipt = *stage.ledger->told[0];
  CHECK(receipt.job_id == "a");
  CHECK(receipt.command == "make a");
  CHECK(receipt.exit.exit_code == 3);
  CHECK(receipt.exit.output == "building\nall well");
  CHECK_FALSE(receipt.failure);
  auto info = stage.check("a");
  CHECK((info.state == JobState::done && info.exit_code == 3 && info.output_bytes == 17));
  tail = stage.time.ask<JobTail>(stage.jobs, tail_atom_v, std::string("a"), std::uint64_t{8});
  CHECK((tail->output == "all well" && tail->done));
}

TEST_CASE("a receipt is minted from what the job saw, and one that never ran passes nothing") {
  JobReceipt job;
  job.command = "make test";
  job.exit.exit_code = 0;
  job.exit.output = "0123456789";
  auto receipt = ReceiptMinter::mint(facts_of(job, 4));
  CHECK(receipt.passed());
  CHECK(receipt.facts().output_tail == "6789");
  job.failure = Error{ErrorCode::cancelled, "ended before it started"};
  CHECK_FALSE(ReceiptMinter::mint(facts_of(job, 4)).passed());
}

TEST_CASE("J1 a process that does not start is told as such") {
  Stage stage;
  stage.processes->start_error = Error{ErrorCode::not_found, "no such program", "a"};
  REQUIRE(stage.start("a").ok());
  REQUIRE(stage.ledger->told.size() == 1);
  CHECK(stage.ledger->told[0]->failure->code == ErrorCode::not_found);
  stage.processes->start_error.reset();
  stage.processes->throws = true;
  REQUIRE(stage.start("b").ok());
  REQUIRE(stage.ledger->told.size() == 2);
  CHECK(stage.ledger->told[1]->failure->message == "no more processes");
  CHECK(stage.time.crashes.empty());
}

TEST_CASE("a job id is used once") {
  Stage stage;
  REQUIRE(stage.start("a").ok());
  CHECK(stage.start("a").error().code == ErrorCode::already_exists);
  stage.exit("a");
  CHECK(stage.start("a").error().code == ErrorCode::already_exists);
  CHECK(stage.start(StartJob{}).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("the next mission of an engine has the names of the last one, but for what still runs") {
  Stage stage;
  REQUIRE(stage.start("a").ok());
  auto other = stage.job("a");
  other.spec.owner.mission = "N";
  CHECK(stage.start(other).error().code == ErrorCode::already_exists);
  stage.exit("a");
  CHECK(stage.start(other).ok());
  stage.exit("a", 3);
  REQUIRE(stage.ledger->told.size() == 2);
  CHECK(stage.ledger->told[1]->owner.mission == "N");
  CHECK(stage.ledger->told[1]->exit.exit_code == 3);
}

TEST_CASE("J4 the limit on concurrent jobs holds, the rest wait in order, the queue is bounded") {
  Stage stage(at_most(2, 3));
  for (const auto* id : {"a", "b", "c", "d", "e"}) CHECK(stage.start(id).ok());
  CHECK(stage.start("f").error().code == ErrorCode::limit_reached);
  CHECK(stage.check("c").state == JobState::queued);
  CHECK(stage.processes->running == 2);
  stage.exit("b");
  CHECK(stage.check("c").state == JobState::running);
  CHECK(stage.check("d").state == JobState::queued);
  for (const auto* id : {"a", "c", "d", "e"}) stage.exit(id);
  CHECK(stage.processes->most == 2);
  CHECK(stage.ledger->told.size() == 5);
}

TEST_CASE("kill answers when the job is gone, and its owner is told") {
  Stage stage;
  stage.processes->obedient = false;
  REQUIRE(stage.start("a").ok());
  auto killed = stage.kill("a");
  CHECK_FALSE(killed.done());
  CHECK(stage.check("a").state == JobState::stopping);
  CHECK(stage.processes->at("a").kills == 1);
  stage.processes->at("a").finish_killed();
  stage.time.run();
  CHECK(killed.ok());
  REQUIRE(stage.ledger->told.size() == 1);
  CHECK(stage.ledger->told[0]->exit.killed);
  CHECK(stage.kill("a").ok());
  CHECK(stage.kill("nobody").get().error().code == ErrorCode::not_found);
}

TEST_CASE("kill of a queued job never starts it") {
  Stage stage(at_most(1));
  REQUIRE(stage.start("a").ok());
  REQUIRE(stage.start("b")->queued);
  CHECK(stage.kill("b").ok());
  stage.exit("a");
  CHECK_FALSE(stage.processes->children.contains("b"));
  REQUIRE(stage.ledger->told.size() == 2);
  CHECK(stage.ledger->told[0]->failure->code == ErrorCode::cancelled);
}

TEST_CASE("kill_scope ends the task's jobs alone and answers when all are gone") {
  Stage stage(at_most(3));
  stage.processes->obedient = false;
  REQUIRE(stage.start(stage.job("a", "T1")).ok());
  REQUIRE(stage.start(stage.job("b", "T2")).ok());
  REQUIRE(stage.start(stage.job("c", "T1", JobScope::mission)).ok());
  REQUIRE(stage.start(stage.job("d", "T1")).ok());  // queued
  auto killed = stage.kill_scope({"M", "T1", {}, JobScope::task});
  CHECK_FALSE(killed.done());
  CHECK(stage.check("d").state == JobState::done);
  CHECK(stage.processes->at("b").kills == 0);
  CHECK(stage.processes->at("c").kills == 0);

  // T9: a child born during the stop dies too; one of another task is not touched.
  CHECK(stage.start(stage.job("late", "T1")).error().code == ErrorCode::cancelled);
  CHECK(stage.start(stage.job("other", "T2")).ok());

  stage.processes->at("a").finish_killed();
  stage.time.run();
  REQUIRE(killed.ok());
  CHECK(*killed.get() == 2);
  CHECK(stage.start(stage.job("later", "T1")).ok());
  CHECK(*stage.kill_scope({"nobody"}).get() == 0);
}

TEST_CASE("T7 each completion is told exactly once over random orders of exits and kills") {
  Stage stage(at_most(5));
  std::mt19937 random(7);
  constexpr int count = 200;
  auto id = [](int i) { return "j" + std::to_string(i); };
  for (int i = 0; i < count; ++i) {
    stage.ledger->refusals = static_cast<int>(random() % 3);
    REQUIRE(stage.start(id(i)).ok());
    auto victim = id(static_cast<int>(random() % static_cast<unsigned>(i + 1)));
    auto child = stage.processes->children.find(victim);
    if (random() % 4 == 0)
      stage.kill(victim);
    else if (child != stage.processes->children.end())
      stage.exit(victim, static_cast<int>(random() % 2));
  }
  stage.ledger->refusals = 0;
  for (int i = 0; i < count; ++i) {
    if (stage.processes->children.contains(id(i))) stage.exit(id(i));
    stage.kill(id(i));
  }
  stage.time.advance(1min);
  std::map<std::string, int> told;
  for (const auto& receipt : stage.ledger->told) ++told[receipt->job_id];
  CHECK(told.size() == count);
  for (const auto& [job, times] : told) CHECK(times == 1);
  CHECK(stage.processes->most <= 5);
}

TEST_CASE("T7 a failed notice is retried, with growing delay, until it is taken") {
  Stage stage;
  stage.ledger->refusals = 20;
  REQUIRE(stage.start("a").ok());
  stage.exit("a");
  stage.time.advance(10s);
  CHECK(stage.ledger->told.empty());
  CHECK(stage.ledger->refusals > 10);  // it was not hammered
  stage.time.advance(10min);
  CHECK(stage.ledger->told.size() == 1);
}

TEST_CASE("T7 an owner that is slow to answer is not told twice") {
  Stage stage;
  stage.ledger->silent = true;
  REQUIRE(stage.start("a").ok());
  stage.exit("a");
  stage.time.advance(1h);
  CHECK(stage.ledger->told.size() == 1);
}

TEST_CASE("T7 what a dead owner did not hear is told to its next incarnation, and nothing else") {
  Stage stage;
  REQUIRE(stage.start("heard").ok());
  REQUIRE(stage.start("missed").ok());
  REQUIRE(stage.start("running").ok());
  stage.exit("heard");
  compat::kill(stage.owner);
  stage.time.run();
  stage.processes->at("missed").output = std::string(200'000, 'x');
  stage.exit("missed");
  stage.time.advance(1h);
  CHECK(stage.ledger->told.size() == 1);

  auto reborn = std::make_shared<Ledger>();
  auto owner = stage.time.spawn<Owner, job_owner>(reborn);
  auto bind = [&](const std::string& session) {
    RebindJobs wanted{{"M", session, {}}, owner};
    REQUIRE(stage.time.ask<Unit>(stage.jobs, rebind_atom_v, wanted).ok());
  };
  bind("somebody-else");
  CHECK(reborn->told.empty());
  bind("s1");
  REQUIRE(reborn->told.size() == 1);
  CHECK(reborn->told[0]->job_id == "missed");
  CHECK(reborn->told[0]->exit.output.size() == 64U << 10U);  // bounded while it waited
  stage.exit("running");
  CHECK(reborn->told.size() == 2);
}

TEST_CASE("receipts without an owner are bounded, and the loss is said") {
  JobsConfig config;
  config.receipts.max_parked = 3;
  Stage stage(config);
  compat::kill(stage.owner);
  for (int i = 0; i < 5; ++i) {
    REQUIRE(stage.start("j" + std::to_string(i)).ok());
    stage.exit("j" + std::to_string(i));
  }
  CHECK(stage.notices->size() == 2);
  CHECK(stage.notices->at(0).type == "jobs.receipt_dropped");
  CHECK(stage.notices->at(0).mission == "M");
}

TEST_CASE("a job without an owner tells nobody") {
  Stage stage;
  auto wanted = stage.job("a");
  wanted.owner = nullptr;
  REQUIRE(stage.start(wanted).ok());
  stage.exit("a");
  RebindJobs rebind{{"M", "s1", {}}, stage.owner};
  CHECK(stage.time.ask<Unit>(stage.jobs, rebind_atom_v, rebind).ok());
  CHECK(stage.ledger->told.empty());
  CHECK(stage.check("a").state == JobState::done);
}

TEST_CASE("a crash of a job's actor kills the process, and the owner is told when it is gone") {
  Stage stage;
  stage.processes->obedient = false;
  REQUIRE(stage.start("a").ok());
  auto& child = stage.processes->at("a");
  child.throws_on_kill = true;  // in the actor's handler
  auto killed = stage.kill_scope({"M"});
  stage.time.run();
  REQUIRE(stage.time.crashes.size() == 1);
  CHECK(child.kills >= 2);  // once more by the crash
  CHECK(stage.ledger->told.empty());
  CHECK_FALSE(killed.done());
  child.finish_killed();
  stage.time.run();
  REQUIRE(stage.ledger->told.size() == 1);
  CHECK(stage.ledger->told[0]->failure->code == ErrorCode::internal);
  CHECK(killed.ok());
  CHECK(stage.start("b").ok());
}

TEST_CASE("list shows what matches, oldest first, finished ones for a while") {
  JobsConfig config;
  config.max_finished = 2;
  Stage stage(config);
  for (const auto* id : {"a", "b", "c", "d"}) REQUIRE(stage.start(stage.job(id, "T1")).ok());
  REQUIRE(stage.start(stage.job("e", "T2")).ok());
  for (const auto* id : {"a", "b", "c"}) stage.exit(id);
  auto list = stage.time.ask<JobList>(stage.jobs, list_atom_v, JobFilter{"M", "T1"});
  std::string ids;
  for (const auto& job : list->jobs) ids += job.id;
  CHECK(ids == "bcd");
  CHECK(stage.time.ask<JobInfo>(stage.jobs, check_atom_v, std::string("a")).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("asked to stop, the jobs actor ends when all jobs are gone, and starts none") {
  Stage stage(at_most(1));
  stage.processes->obedient = false;
  REQUIRE(stage.start("a").ok());
  REQUIRE(stage.start("b").ok());
  compat::stop(stage.jobs);
  stage.time.run();
  CHECK_FALSE(stage.time.dead(stage.jobs));
  CHECK(stage.start("c").error().code == ErrorCode::unavailable);
  stage.processes->at("a").finish_killed();
  stage.time.run();
  CHECK(stage.time.dead(stage.jobs));
  CHECK(stage.processes->children.size() == 1);
}

TEST_CASE("T9 what belongs to an epoch that is over is not started, also when it had to wait") {
  Stage stage(at_most(1));
  TreeEpoch mission;
  auto task = TreeEpoch::within(mission);
  auto late = stage.job("late");
  late.epoch = task.ticket();
  auto waits = stage.job("waits");
  waits.epoch = task.ticket();
  auto other = stage.job("other", "T2");
  other.epoch = mission.ticket();
  REQUIRE(stage.start("runs").ok());
  REQUIRE(stage.start(waits)->queued);
  REQUIRE(stage.start(other)->queued);
  SECTION("of one task") { task.advance(); }
  SECTION("of the whole mission") { mission.advance(); }
  CHECK(stage.start(late).error().code == ErrorCode::cancelled);
  stage.exit("runs");
  CHECK(stage.check("waits").failure->code == ErrorCode::cancelled);
  bool other_lives = other.epoch.current();
  CHECK((stage.check("other").state == JobState::running) == other_lives);
  CHECK(stage.processes->children.size() == (other_lives ? 2U : 1U));
  auto anew = stage.job("anew");
  anew.epoch = task.ticket();
  CHECK(stage.start(anew).ok() == other_lives);  // a task of an old epoch has no new one
}

TEST_CASE("when the jobs actor is killed no process outlives it") {
  Stage stage;
  REQUIRE(stage.start("a").ok());
  REQUIRE(stage.start("b").ok());
  compat::kill(stage.jobs);
  stage.time.run();
  CHECK(stage.processes->running == 0);
}

}  // namespace muster
