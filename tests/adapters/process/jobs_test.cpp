// J1, J2, J4 and starting.

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "runtime/core/sha256.hpp"
#include "tests/adapters/process/support.hpp"

using namespace muster;
using namespace muster::test;
using namespace std::chrono_literals;

TEST_CASE("J1 the exit code, both streams and the digest of a job are kept", "[process]") {
  Bench bench;
  const auto exit = bench.run_shell("echo out; echo err >&2; echo again; exit 7");
  CHECK_FALSE(exit.start_error);
  CHECK(exit.exit_code == 7);
  CHECK(exit.signal == 0);
  CHECK_FALSE(exit.success());
  CHECK_FALSE(exit.killed);
  CHECK_FALSE(exit.timed_out);
  CHECK(exit.output == "out\nerr\nagain\n");
  CHECK(exit.output_bytes == exit.output.size());
  CHECK(exit.output_digest == sha256_hex("out\nerr\nagain\n"));
  CHECK(exit.started_at_ms > 1600000000000);
  CHECK(exit.duration_ms >= 0);
  CHECK(bench.run({.argv = {"true"}}).success());
}

TEST_CASE("J1 the tail can be read while the job runs", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  const Mailbox gate(folder / "gate");
  Bench bench;
  const auto job = bench.shell("echo first; echo second; echo ready > " + mail.path() +
                               "; read x < " + gate.path() + "; echo third");
  CHECK(mail.line() == "ready");
  bench.loop.call([] {});
  // The bytes are in the pipe; the loop reads them on one of its next turns.
  while (job.process->output_bytes() < 13 || job.process->pid() == 0) std::this_thread::yield();
  CHECK(job.process->tail(1000) == "first\nsecond\n");
  CHECK(job.process->tail(7) == "second\n");
  CHECK(job.process->pid() > 0);
  CHECK_FALSE(job.over());
  std::ofstream(gate.path()) << "go\n";
  CHECK(job.wait().output == "first\nsecond\nthird\n");
  CHECK(job.process->tail(6) == "third\n");
}

TEST_CASE("J1 only the end of a long output is kept, all of it counts", "[process]") {
  Bench bench;
  const auto exit = bench.run({.argv = {"sh", "-c", "seq 1 100000; echo end"}, .ring_bytes = 1000});
  std::string all;
  for (int i = 1; i <= 100000; ++i) all += std::to_string(i) + "\n";
  all += "end\n";
  CHECK(exit.output == all.substr(all.size() - 1000));
  CHECK(exit.output_bytes == all.size());
  CHECK(exit.output_digest == sha256_hex(all));
}

TEST_CASE("J1 a signal that ends a job is told", "[process]") {
  Bench bench;
  const auto exit = bench.run_shell("kill -ABRT $$");
  CHECK(exit.signal == SIGABRT);
  CHECK(exit.exit_code == -1);
  CHECK_FALSE(exit.killed);
}

TEST_CASE("J2 completion is exit, not EOF", "[process]") {
  Bench bench;
  const auto exit = bench.run_shell("sleep 1000 & echo $!; exit 3");
  CHECK(exit.exit_code == 3);
  // The grandchild holds the pipe and did not pin the job; now it is ended and reaped.
  CHECK(ends(std::stoi(exit.output)));
}

TEST_CASE("J2 leftovers that ignore TERM are killed after the grace", "[process]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  const Mailbox gate(folder / "gate");
  Bench bench;
  const auto script = "(trap '' TERM; exec setsid sh -c 'echo $$ > " + mail.path() +
                      "; while :; do sleep 0.01; done') & read x < " + gate.path() + "; exit 0";
  const auto job = bench.start({.argv = {"sh", "-c", script}, .kill_grace = 50ms});
  const pid_t deaf = mail.pid();
  std::ofstream(gate.path()) << "go\n";
  CHECK(job.wait().success());
  CHECK(ends(deaf));
  bench.port.stop();
  CHECK(descendants_of(::getpid()).empty());
}

TEST_CASE("J2 a job that closes its output early still ends with its exit", "[process]") {
  Bench bench;
  const auto exit = bench.run_shell("echo said; exec >&- 2>&-; sleep 0.05; exit 4");
  CHECK(exit.exit_code == 4);
  CHECK(exit.output == "said\n");
}

TEST_CASE("J4 standard input is closed: nothing waits for it", "[process]") {
  Bench bench;
  const auto cat = bench.run({.argv = {"cat"}});
  CHECK(cat.success());
  CHECK(cat.output.empty());
  const auto read = bench.run_shell("read answer || { echo 'no input' >&2; exit 9; }");
  CHECK(read.exit_code == 9);
  CHECK(read.output == "no input\n");
  const auto terminal = bench.run_shell("exec 2>/dev/null; : < /dev/tty && echo has one");
  CHECK_FALSE(terminal.success());
}

TEST_CASE("a command that cannot start says why", "[process]") {
  const TempFolder folder;
  std::ofstream(folder / "plain") << "text";
  Bench bench;
  const auto start_error = [&](ProcessSpec spec) {
    const auto exit = bench.run(std::move(spec));
    CHECK_FALSE(exit.success());
    CHECK(exit.output.empty());
    return exit.start_error.value_or(Error{ErrorCode::internal, "it started"});
  };
  const auto missing = start_error({.argv = {"no-such-program-here"}});
  CHECK(missing.code == ErrorCode::not_found);
  CHECK(missing.message == "cannot start 'no-such-program-here': No such file or directory");
  const auto no_cwd = start_error({.argv = {"true"}, .cwd = folder / "nowhere"});
  CHECK(no_cwd.code == ErrorCode::not_found);
  CHECK(no_cwd.message.find("cannot enter '" + (folder / "nowhere")) == 0);
  CHECK(start_error({.argv = {folder / "plain"}}).code == ErrorCode::permission_denied);
  CHECK(start_error({}).code == ErrorCode::invalid_argument);
  CHECK(start_error({.argv = {""}}).code == ErrorCode::not_found);
  CHECK(start_error({.argv = {std::string("a\0b", 3)}}).code == ErrorCode::invalid_argument);
  CHECK(start_error({.argv = {"echo", std::string(1U << 20U, 'x')}}).code ==
        ErrorCode::invalid_argument);
}

TEST_CASE("a missing helper is a start error", "[process]") {
  IoLoop loop;
  UvProcessPort port(loop, "/nowhere/muster");
  std::promise<ProcessExit> done;
  port.start({.argv = {"true"}, .cwd = "/"},
             [&](ProcessExit exit) { done.set_value(std::move(exit)); });
  auto future = done.get_future();
  REQUIRE(future.wait_for(kPatience) == std::future_status::ready);
  CHECK(future.get().start_error.value().code == ErrorCode::not_found);
}

TEST_CASE("the environment: additions win, secrets stay here", "[process]") {
  ::setenv("MUSTER_SOCKET", "/secret/socket", 1);
  ::setenv("SOME_API_KEY", "sk-secret", 1);
  ::setenv("KEPT_BY_DEFAULT", "kept", 1);
  ::setenv("REPLACED", "old", 1);
  Bench bench;
  const auto exit = bench.run({.argv = {"env"},
                               .cwd = "/usr",
                               .env = {{"REPLACED", "new"}, {"ADDED", "a b"}},
                               .unset_env = {"SOME_API_KEY"}});
  const auto has = [&](const std::string& line) {
    return ("\n" + exit.output).find("\n" + line) != std::string::npos;
  };
  CHECK(has("KEPT_BY_DEFAULT=kept\n"));
  CHECK(has("REPLACED=new\n"));
  CHECK(has("ADDED=a b\n"));
  CHECK_FALSE(has("REPLACED=old"));
  CHECK_FALSE(has("SOME_API_KEY="));
  CHECK_FALSE(has("MUSTER_SOCKET="));
  CHECK(bench.run({.argv = {"pwd"}, .cwd = "/usr"}).output == "/usr\n");
  ::unsetenv("MUSTER_SOCKET");
}

TEST_CASE("a child has no descriptors but 0, 1, 2, no blocked and no ignored signals",
          "[process]") {
  Bench bench;
  const UniqueFd leaky(::open("/dev/null", O_RDONLY));  // without close-on-exec, as a library might
  const auto open =
      "for n in 0 1 2 3 4 5 6 7 8 9 10 11 12; do [ -e /proc/$$/fd/$n ] && echo $n; done; :";
  CHECK(bench.run_shell(open).output == "0\n1\n2\n");
  // The upper bits are those of two signals that glibc keeps for itself.
  const auto status = bench.run_shell("grep -oE '^SigBlk.*|^SigIgn.*' /proc/self/status").output;
  CHECK(status.find("SigBlk:\t0000000000000000\n") == 0);
  const auto ignored = std::stoull(status.substr(status.rfind('\t')), nullptr, 16);
  CHECK((ignored & 0x7fffffffU) == 0);
}
