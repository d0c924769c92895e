#include "adapters/process/run_command.hpp"

#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "tests/adapters/process/support.hpp"

using namespace muster;
using namespace muster::test;
using namespace std::chrono_literals;

namespace {

Result<CommandOutput> shell(const std::string& script) {
  return run_command({.argv = {"sh", "-c", script}});
}

}  // namespace

TEST_CASE("run_command keeps both streams and the exit code", "[process][command]") {
  const auto result = shell("echo out; echo err >&2; exit 3");
  REQUIRE(result);
  CHECK(result->out == "out\n");
  CHECK(result->err == "err\n");
  CHECK(result->exit_code == 3);
  CHECK_FALSE(result->success());
  CHECK_FALSE(result->truncated);
  CHECK(shell("kill -KILL $$").value().signal == SIGKILL);
}

TEST_CASE("run_command hands over standard input of any size", "[process][command]") {
  CHECK(run_command({.argv = {"cat"}}).value().out.empty());
  std::string text;
  while (text.size() < 3000000) text += "line " + std::to_string(text.size()) + "\n";
  const auto echoed = run_command({.argv = {"cat"}, .stdin_text = text});
  CHECK(echoed.value().out == text);
  // A reader that does not want it is no failure of ours.
  CHECK(run_command({.argv = {"true"}, .stdin_text = text}).value().success());
}

TEST_CASE("run_command bounds what it keeps and reads the rest", "[process][command]") {
  const auto result = run_command({"sh", "-c", "seq 1 100000; echo end >&2"}, "", {}, "", 60s, 10);
  REQUIRE(result);
  CHECK(result->out == "1\n2\n3\n4\n5\n");
  CHECK(result->err == "end\n");
  CHECK(result->truncated);
  CHECK(result->success());
  const auto exact = run_command({.argv = {"printf", "12345"}, .max_output = 5});
  CHECK(exact.value().out == "12345");
  CHECK_FALSE(exact.value().truncated);
}

TEST_CASE("run_command says what is missing", "[process][command]") {
  const auto missing = run_command({.argv = {"no-such-program-here"}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message.find("no-such-program-here") != std::string::npos);
  const auto no_cwd = run_command({.argv = {"true"}, .cwd = "/no/such/folder"});
  REQUIRE_FALSE(no_cwd);
  CHECK(no_cwd.error().code == ErrorCode::not_found);
  CHECK(no_cwd.error().message.find("/no/such/folder") != std::string::npos);
  CHECK(run_command(CommandSpec{}).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("run_command sets folder and environment", "[process][command]") {
  ::setenv("MUSTER_TOKEN", "secret", 1);
  ::setenv("UNWANTED", "1", 1);
  const auto result =
      run_command({.argv = {"sh", "-c", "pwd; echo $A; echo ${MUSTER_TOKEN-gone} ${UNWANTED-gone}"},
                   .cwd = "/usr",
                   .env = {{"A", "b c"}},
                   .unset_env = {"UNWANTED"}});
  CHECK(result.value().out == "/usr\nb c\ngone gone\n");
  ::unsetenv("MUSTER_TOKEN");
}

TEST_CASE("run_command ends a command that is late, with its group", "[process][command]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  const auto script = "echo some words >&2; sleep 1000 & echo $! > " + mail.path() + "; wait";
  const auto result = run_command({.argv = {"sh", "-c", script}, .timeout = 200ms});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::timeout);
  CHECK(result.error().context == "some words\n");
  CHECK(ends(mail.pid()));
  CHECK(adopted_end());
}

TEST_CASE("run_command lets a late command clean up, but only for a while", "[process][command]") {
  const TempFolder folder;
  const auto lock = folder / "index.lock";
  const auto polite =
      "trap 'rm " + lock + "; exit 1' TERM; : > " + lock + "; while :; do sleep 0.01; done";
  CHECK_FALSE(run_command({.argv = {"sh", "-c", polite}, .timeout = 300ms}));
  CHECK_FALSE(std::filesystem::exists(lock));
  const auto deaf = run_command(
      {.argv = {"sh", "-c", "trap '' TERM; while :; do sleep 0.01; done"}, .timeout = 50ms});
  CHECK(deaf.error().code == ErrorCode::timeout);
  CHECK(adopted_end());
}

TEST_CASE("run_command does not wait for a grandchild that holds its output",
          "[process][command]") {
  const auto result = shell("sleep 1000 & echo $!");
  REQUIRE(result);
  CHECK(result->success());
  const auto pid = static_cast<pid_t>(std::stol(result->out));
  CHECK(lives(pid));
  ::kill(pid, SIGKILL);
  CHECK(ends(pid));
}

TEST_CASE("run_command from many threads leaks nothing", "[process][command]") {
  const auto before = open_descriptors();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&good, t] {
      for (int i = 0; i < 25; ++i) {
        const auto text = std::to_string(t * 100 + i);
        const auto result = run_command({.argv = {"cat"}, .stdin_text = text});
        if (result && result->out == text) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == 100);
  CHECK(open_descriptors() == before);
  CHECK(descendants_of(::getpid()).empty());
}
