#include "runtime/core/fault_points.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace muster {
namespace {

#ifndef MUSTER_NO_FAULTS

struct Disarmed {
  Disarmed() { faults::disarm_all(); }
  ~Disarmed() { faults::disarm_all(); }
};

/// How a child ends that does this, 0 for an orderly end.
int signal_of(const std::function<void()>& work) {
  pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

#endif

}  // namespace

#ifndef MUSTER_NO_FAULTS

TEST_CASE("a fault point does nothing until it is armed, and acts once, at its visit") {
  Disarmed around;
  CHECK_FALSE(MUSTER_FAULT_ERROR("test.point"));
  faults::arm("test.point", 2, faults::Action::error);
  CHECK(MUSTER_FAULT_ARMED("test.point"));
  CHECK_FALSE(MUSTER_FAULT_ARMED("test.other"));
  CHECK_FALSE(MUSTER_FAULT_ERROR("test.other"));
  CHECK_FALSE(MUSTER_FAULT_ERROR("test.point"));
  CHECK(MUSTER_FAULT_ERROR("test.point"));
  CHECK_FALSE(MUSTER_FAULT_ERROR("test.point"));
  CHECK_FALSE(MUSTER_FAULT_ARMED("test.point"));
}

TEST_CASE("visits are counted from the arming") {
  Disarmed around;
  faults::arm("test.point", 1, faults::Action::error);
  CHECK(MUSTER_FAULT_ERROR("test.point"));
  faults::arm("test.point", 2, faults::Action::error);
  CHECK_FALSE(MUSTER_FAULT_ERROR("test.point"));
  CHECK(MUSTER_FAULT_ERROR("test.point"));
}

TEST_CASE("a fault point throws, also where it was asked for an error it cannot report") {
  Disarmed around;
  faults::arm("test.throws", 1, faults::Action::raise);
  CHECK_THROWS_AS(MUSTER_FAULT_POINT("test.throws"), std::runtime_error);
  CHECK_NOTHROW(MUSTER_FAULT_POINT("test.throws"));
  faults::arm("test.throws", 1, faults::Action::error);
  CHECK_THROWS_AS(MUSTER_FAULT_POINT("test.throws"), std::runtime_error);
}

TEST_CASE("a fault point kills its process") {
  Disarmed around;
  CHECK(signal_of([] {
          faults::arm("test.kills", 2, faults::Action::kill);
          MUSTER_FAULT_POINT("test.kills");
        }) == 0);
  CHECK(signal_of([] {
          faults::arm("test.kills", 2, faults::Action::kill);
          MUSTER_FAULT_POINT("test.kills");
          MUSTER_FAULT_POINT("test.kills");
        }) == SIGKILL);
}

TEST_CASE("faults are armed from text; nonsense is refused") {
  Disarmed around;
  REQUIRE(faults::arm_from("test.one:1:error,test.two:2:throw"));
  CHECK(MUSTER_FAULT_ERROR("test.one"));
  CHECK_FALSE(MUSTER_FAULT_ERROR("test.two"));
  CHECK_THROWS_AS(MUSTER_FAULT_ERROR("test.two"), std::runtime_error);
  CHECK(faults::arm_from(""));
  for (const char* bad : {"test", "test:1", "test:0:kill", "test:x:kill", "test:1:melt", ":1:kill",
                          "test:1x:kill", "test:-1:kill"})
    CHECK_FALSE(faults::arm_from(bad));
}

TEST_CASE("of many threads at a fault point exactly one fails") {
  Disarmed around;
  faults::arm("test.point", 500, faults::Action::error);
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j)
        if (MUSTER_FAULT_ERROR("test.point")) ++failed;
    });
  for (auto& thread : threads) thread.join();
  CHECK(failed == 1);
}

TEST_CASE("processes take the lines of a fault file one after the other, and count visits") {
  auto folder = std::filesystem::temp_directory_path() / "muster-faults-XXXXXX";
  std::string name = folder.string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  std::ofstream(name + "/plan") << "test.point:1:kill\ntest.point:2:kill\n";
  // A process of its own, since the environment is read once: this test's program, asked for the
  // test below.
  auto run = [&] {
    return signal_of([&] {
      ::setenv("MUSTER_FAULT", ("@" + name + "/plan").c_str(), 1);
      ::setenv("MUSTER_FAULT_COUNTS", (name + "/counts").c_str(), 1);
      std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
      std::string test = "visits a fault point three times";
      std::array<char*, 3> argv{self.data(), test.data(), nullptr};
      ::execv(self.c_str(), argv.data());
    });
  };
  CHECK(run() == SIGKILL);
  CHECK(text_of(name + "/plan") == "test.point:2:kill\n");
  CHECK(run() == SIGKILL);
  CHECK(text_of(name + "/plan").empty());
  CHECK(text_of(name + "/counts").empty());
  CHECK(run() == 0);
  CHECK(text_of(name + "/counts") == "test.point 3\n");
  std::filesystem::remove_all(name);
}

TEST_CASE("visits a fault point three times", "[.child]") {
  for (int i = 0; i < 3; ++i) MUSTER_FAULT_POINT("test.point");
}

#endif

TEST_CASE("a release has no fault points") {
  CHECK(std::system("bash " MUSTER_SOURCE_DIR "/scripts/check-faults >&2") == 0);
}

}  // namespace muster
