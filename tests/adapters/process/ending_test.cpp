// J3: kill, deadline, and the death of the engine or of a helper end everything below.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <sstream>

#include "adapters/process/spawn.hpp"
#include "tests/adapters/process/support.hpp"

using namespace muster;
using namespace muster::test;
using namespace std::chrono_literals;

namespace {

pid_t parent_of(pid_t pid) {
  const auto status = slurp("/proc/" + std::to_string(pid) + "/status");
  return static_cast<pid_t>(std::stol(status.substr(status.find("\nPPid:") + 6)));
}

/// Starts this program in another role.
pid_t start_self(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "muster");
  return spawn({.file = "/proc/self/exe", .argv = arguments, .env = own_environment()}).value();
}

}  // namespace

TEST_CASE("J3 kill ends the job and all its descendants", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  Bench bench(GENERATE(true, false));
  const auto job = bench.start({.argv = {"sh", "-c", family(mail.path())}, .kill_grace = 200ms});
  const auto pids = four_pids(mail);
  for (const pid_t pid : pids) CHECK(lives(pid));
  job.process->kill();
  job.process->kill();
  const auto exit = job.wait();
  CHECK(exit.killed);
  CHECK_FALSE(exit.timed_out);
  CHECK(exit.signal == SIGTERM);
  for (const pid_t pid : pids) CHECK(ends(pid));
  bench.port.stop();
  CHECK(descendants_of(::getpid()).empty());  // no zombie either
}

TEST_CASE("J3 a child that ignores TERM is killed after the grace", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  Bench bench(GENERATE(true, false));
  const auto script = "trap 'echo no > " + mail.path() + "' TERM; echo ready > " + mail.path() +
                      "; while :; do sleep 0.01; done";
  const auto job = bench.start({.argv = {"sh", "-c", script}, .kill_grace = 300ms});
  CHECK(mail.line() == "ready");
  job.process->kill();
  CHECK(mail.line() == "no");  // it had its chance
  const auto exit = job.wait();
  CHECK(exit.signal == SIGKILL);
  CHECK(exit.killed);
  CHECK(exit.duration_ms >= 300);
}

TEST_CASE("J3 a child that cleans up on TERM tells its own exit code", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  Bench bench;
  const auto job = bench.shell("trap 'echo bye; exit 6' TERM; echo ready > " + mail.path() +
                               "; while :; do sleep 0.01; done");
  mail.line();
  job.process->kill();
  const auto exit = job.wait();
  CHECK(exit.killed);
  CHECK(exit.signal == 0);
  CHECK(exit.exit_code == 6);
  CHECK(exit.output.ends_with("bye\n"));  // after what the shell says about its own child
}

TEST_CASE("J3 a stopped child is ended too", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  Bench bench;
  const auto job = bench.shell("echo $$ > " + mail.path() + "; kill -STOP $$; exit 0");
  const pid_t pid = mail.pid();
  while (slurp("/proc/" + std::to_string(pid) + "/stat").find(") T") == std::string::npos) {
    std::this_thread::yield();
  }
  job.process->kill();
  CHECK(job.wait().signal == SIGTERM);
}

TEST_CASE("J3 the deadline ends a job and is told apart from kill", "[process]") {
  Bench bench;
  const auto late = bench.run({.argv = {"sleep", "1000"}, .deadline = 50ms});
  CHECK(late.timed_out);
  CHECK_FALSE(late.killed);
  CHECK(late.signal == SIGTERM);
  CHECK(late.duration_ms >= 50);
  const auto in_time = bench.run({.argv = {"true"}, .deadline = 10min});
  CHECK(in_time.success());
  CHECK_FALSE(in_time.timed_out);
}

TEST_CASE("J3 kill before the start and after the end", "[process]") {
  Bench bench;
  const auto early = bench.start({.argv = {"sleep", "1000"}});
  early.process->kill();  // queued right behind the start, perhaps before it
  const auto exit = early.wait();
  CHECK(exit.killed);
  CHECK_FALSE(exit.success());

  const auto done = bench.shell("exit 0");
  CHECK(done.wait().success());
  done.process->kill();
  bench.loop.call([] {});
  CHECK_FALSE(done.wait().killed);
}

TEST_CASE("J3 a chain of forks does not get away", "[process]") {
  // Each link starts the next one in a new session and exits: no parent, no group, no session to
  // hold on to.
  const TempFolder folder;
  std::ofstream(folder / "chain.sh") << "trap '' TERM\n"
                                        "n=$1\n"
                                        "[ $n -eq 20 ] && echo going > \"$2\"\n"
                                        "setsid sh \"$0\" $((n + 1)) \"$2\" &\n";
  Mailbox mail(folder / "mail");
  Bench bench(GENERATE(true, false));
  const auto job = bench.start(
      {.argv = {"sh", "-c", "sh " + (folder / "chain.sh") + " 0 " + mail.path() + "; sleep 1000"},
       .kill_grace = 50ms});
  CHECK(mail.line() == "going");
  job.process->kill();
  CHECK(job.wait().killed);
  bench.port.stop();
  CHECK(descendants_of(::getpid()).empty());
}

TEST_CASE("J3 a helper that is killed takes its job along", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  Bench bench(GENERATE(true, false));
  const auto job = bench.shell(family(mail.path()));
  const auto pids = four_pids(mail);
  while (job.process->pid() == 0) std::this_thread::yield();
  const pid_t helper = parent_of(job.process->pid());
  REQUIRE(parent_of(helper) == ::getpid());
  ::kill(helper, SIGKILL);
  const auto exit = job.wait();
  CHECK(exit.signal == SIGKILL);
  CHECK_FALSE(exit.killed);
  for (const pid_t pid : pids) CHECK(ends(pid));
  bench.port.stop();
  CHECK(adopted_end());
}

TEST_CASE("J3 the death of the engine ends all its jobs", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  const auto groups = GENERATE(as<std::string>(), "cgroups", "none");
  const pid_t engine = start_self({"__engine", "jobs", family(mail.path()), groups});
  const auto pids = four_pids(mail);
  std::vector<pid_t> everything = descendants_of(engine);
  CHECK(everything.size() >= pids.size() + 1);  // the helper
  ::kill(engine, SIGKILL);
  CHECK(ends(engine));
  for (const pid_t pid : pids) CHECK(ends(pid));
  for (const pid_t pid : everything) CHECK(ends(pid));
  CHECK(adopted_end());
}

TEST_CASE("J3 stopping the port ends its jobs, tells their owners, and starts no more",
          "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  Bench bench;
  const auto before = open_descriptors();
  const auto family_job =
      bench.start({.argv = {"sh", "-c", family(mail.path())}, .kill_grace = 100ms});
  const auto pids = four_pids(mail);
  std::vector<Bench::Running> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back(bench.start({.argv = {"sleep", "1000"}}));
  bench.port.stop();
  REQUIRE(family_job.over());
  CHECK(family_job.wait().killed);
  for (const auto& job : jobs) {
    REQUIRE(job.over());
    CHECK_FALSE(job.wait().success());
  }
  for (const pid_t pid : pids) CHECK_FALSE(lives(pid));
  CHECK(descendants_of(::getpid()).empty());
  CHECK(open_descriptors() == before);
  const auto late = bench.run({.argv = {"true"}});
  CHECK(late.start_error.value().code == ErrorCode::cancelled);
  bench.port.stop();
}

TEST_CASE("a job outlives the handle to it", "[process]") {
  Bench bench;
  auto job = bench.shell("sleep 0.02; exit 8");
  job.process.reset();
  CHECK(job.wait().exit_code == 8);
}
