// J5, many jobs at once, and what they leave behind.

#include <sys/resource.h>

#include <catch2/catch_test_macros.hpp>

#include "adapters/io/descriptor_limit.hpp"
#include "adapters/process/run_command.hpp"
#include "tests/adapters/process/support.hpp"

using namespace muster;
using namespace muster::test;
using namespace std::chrono_literals;

namespace {

std::size_t resident_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("J5 a flood of output costs bounded memory and does not hold up other jobs",
          "[process]") {
#if defined(__SANITIZE_ADDRESS__)
  constexpr std::uint64_t kFlood = 1ULL << 27U;
  constexpr auto kDigest = "254bcc3fc4f27172636df4bf32de9f107f620d559b20d760197e452b97453917";
  constexpr std::size_t kBound = 300U << 20U;  // freed memory waits in the sanitizer's quarantine
#else
  constexpr std::uint64_t kFlood = 1ULL << 28U;
  constexpr auto kDigest = "a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484";
  constexpr std::size_t kBound = 16U << 20U;
#endif
  const TempFolder folder;
  const Mailbox gate(folder / "gate");
  Bench bench;
  bench.run_shell("head -c 5000000 /dev/zero");  // buffers of the loop and the ring are warm
  const auto before = resident_bytes();
  // Ends with the flood's end and the gate's opening: so it is sure to run while the others do.
  const auto flood =
      bench.shell("head -c " + std::to_string(kFlood) + " /dev/zero; read x < " + gate.path());
  while (flood.process->output_bytes() < (1U << 20U)) std::this_thread::yield();
  int finished_amid = 0;
  for (int i = 0; i < 5; ++i) {
    CHECK(bench.run_shell("echo done").success());
    if (flood.process->output_bytes() < kFlood) ++finished_amid;
  }
  CHECK(finished_amid >= 1);
  std::size_t most = 0;
  while (flood.process->output_bytes() < kFlood) {
    most = std::max(most, resident_bytes());
    flood.exit.wait_for(5ms);
  }
  std::ofstream(gate.path()) << "go\n";
  const auto exit = flood.wait();
  CHECK(exit.success());
  CHECK(exit.output_bytes == kFlood);
  CHECK(exit.output == std::string(1U << 20U, '\0'));
  CHECK(exit.output_digest == kDigest);
  CHECK(most <= before + kBound);
}

TEST_CASE("J5 10 GB of output cost bounded memory", "[.nightly]") {
  constexpr std::uint64_t flood_bytes = 10'000'000'000;
  Bench bench;
  bench.run_shell("head -c 5000000 /dev/zero");
  const auto before = resident_bytes();
  const auto flood = bench.shell("head -c " + std::to_string(flood_bytes) + " /dev/zero");
  std::size_t most = 0;
  while (flood.exit.wait_for(20ms) != std::future_status::ready)
    most = std::max(most, resident_bytes());
  CHECK(flood.exit.get().success());
  CHECK(flood.exit.get().output_bytes == flood_bytes);
  CHECK(flood.exit.get().output == std::string(1U << 20U, '\0'));
  CHECK(most <= before + (16U << 20U));
}

TEST_CASE("two hundred jobs at once, without a descriptor or a zombie left", "[process]") {
  Bench bench;
  bench.run_shell("true");
  bench.loop.call([] {});
  const auto descriptors = open_descriptors();
  std::vector<Bench::Running> jobs;
  for (int i = 0; i < 200; ++i) {
    jobs.push_back(
        bench.shell("echo job " + std::to_string(i) + "; exit " + std::to_string(i % 7)));
  }
  for (int i = 0; i < 200; ++i) {
    const auto exit = jobs[i].wait();
    REQUIRE_FALSE(exit.start_error);
    REQUIRE(exit.exit_code == i % 7);
    REQUIRE(exit.output == "job " + std::to_string(i) + "\n");
  }
  bench.port.stop();
  CHECK(open_descriptors() <= descriptors);
  CHECK(descendants_of(::getpid()).empty());
}

TEST_CASE("a raised limit on descriptors is not for children: select() would break", "[process]") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  if (before.rlim_cur < 300 || before.rlim_max == 256) SKIP("no room for a lower limit");
  const rlimit low{256, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(raise_descriptor_limit() == before.rlim_max);
  CHECK(raise_descriptor_limit() == before.rlim_max);
  const auto original = std::to_string(descriptor_limit_of_children().value_or(0)) + "\n";
  Bench bench;
  CHECK(bench.run_shell("ulimit -Sn").output == original);
  CHECK(bench.run_shell("ulimit -Hn").output != original);  // it may raise its own
  // It has only just begun when it gets its limit.
  const auto number = original.substr(0, original.size() - 1);
  const auto simple = run_command(
      {"/bin/sh", "-c", "until [ $(ulimit -Sn) = \"$0\" ]; do :; done; ulimit -Sn", number}, "/",
      {}, "", kPatience, 4096);
  REQUIRE(simple.ok());
  CHECK(simple->out == original);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("without descriptors a start fails and is reported; later ones work again", "[process]") {
#if defined(__SANITIZE_ADDRESS__)
  SKIP(
      "UndefinedBehaviorSanitizer's look at a pointer needs a pipe, and calls its lack a bad "
      "pointer");
#endif
  Bench bench;
  bench.run_shell("true");
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  // Descriptors that are open stay; none can be added.
  const rlimit none{3, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto exit = bench.run_shell("true");
  ::setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(exit.start_error);
  CHECK(exit.start_error->code == ErrorCode::unavailable);
  CHECK(bench.run_shell("true").success());
}
