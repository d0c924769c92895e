#include "adapters/io/read_all.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <string>

using muster::ErrorCode;
using muster::read_all;

TEST_CASE("a file that does not know its size is read whole", "[io]") {
  const auto maps = read_all("/proc/self/maps");
  REQUIRE(maps.ok());
  CHECK(maps->size() > 4096);
  CHECK(maps->ends_with('\n'));
}

TEST_CASE("what cannot be read is an error with its path, never an exception", "[io]") {
  CHECK(read_all("/proc/self/nothing").error().code == ErrorCode::not_found);
  const auto folder = read_all("/proc/self");
  REQUIRE_FALSE(folder.ok());
  CHECK(folder.error().code == ErrorCode::io_error);
  CHECK(folder.error().context == "/proc/self");

  // What a dying process shows: its folder is there, its file cannot be read.
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(read_all("/proc/" + std::to_string(child) + "/mem").ok());
  ::waitpid(child, nullptr, 0);
}
