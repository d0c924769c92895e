// J5, many jobs at once, and what they leave behind.

#include <sys/resource.h>

#include <catch2/catch_test_macros.hpp>

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

TEST_CASE("J5 a gigabyte of output costs bounded memory and does not hold up other jobs",
          "[process]") {
  constexpr std::uint64_t kFlood = 1ULL << 30U;
  Bench bench;
  bench.run_shell("head -c 5000000 /dev/zero");  // buffers of the loop and the ring are warm
  const auto before = resident_bytes();
  const auto flood = bench.shell("head -c " + std::to_string(kFlood) + " /dev/zero");
  while (flood.process->output_bytes() < (1U << 20U)) std::this_thread::yield();
  std::size_t most = 0;
  int finished_meanwhile = 0;
  while (!flood.over()) {
    if (!bench.run_shell("echo done").success()) break;
    if (!flood.over()) ++finished_meanwhile;
    most = std::max(most, resident_bytes());
  }
  const auto exit = flood.wait();
  CHECK(exit.success());
  CHECK(exit.output_bytes == kFlood);
  CHECK(exit.output == std::string(1U << 20U, '\0'));
  // sha256 of 2^30 zero bytes
  CHECK(exit.output_digest == "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14");
  CHECK(finished_meanwhile >= 3);
#if defined(__SANITIZE_ADDRESS__)
  constexpr std::size_t kBound = 300U << 20U;  // freed memory waits in the sanitizer's quarantine
#else
  constexpr std::size_t kBound = 16U << 20U;
#endif
  CHECK(most <= before + kBound);
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

TEST_CASE("without descriptors a start fails and is reported; later ones work again", "[process]") {
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
