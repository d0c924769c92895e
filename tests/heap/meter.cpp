#include "tests/heap/meter.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define MUSTER_VALGRIND 1
#endif

namespace muster::heap {
namespace {

constexpr const char* tunables = "GLIBC_TUNABLES";
constexpr const char* no_caches = "glibc.malloc.tcache_count=0";

bool under_valgrind() {
#ifdef MUSTER_VALGRIND
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

std::int64_t heap_bytes() {
#ifdef MUSTER_VALGRIND
  if (under_valgrind()) {
    unsigned long lost = 0;
    unsigned long dubious = 0;
    unsigned long reachable = 0;
    unsigned long suppressed = 0;
    // With --leak-check=full --show-leak-kinds=all it shows where what has grown came from.
    VALGRIND_DO_CHANGED_LEAK_CHECK;
    VALGRIND_COUNT_LEAKS(lost, dubious, reachable, suppressed);
    return static_cast<std::int64_t>(lost + dubious + reachable + suppressed);
  }
#endif
  auto info = ::mallinfo2();
  return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

int entries_of(const char* folder) {
  std::error_code failed;
  auto at = std::filesystem::directory_iterator(folder, failed);
  int count = 0;
  for (; !failed && at != std::filesystem::directory_iterator(); at.increment(failed)) ++count;
  return count;
}

}  // namespace

void run_without_caches(char** argv) {
  const char* value = std::getenv(tunables);
  if (under_valgrind() || (value != nullptr && std::string(value) == no_caches)) return;
  ::setenv(tunables, no_caches, 1);
  ::execv("/proc/self/exe", argv);
  std::perror("cannot start anew");
  std::exit(1);
}

Holding measure() {
  return {heap_bytes(), entries_of("/proc/self/fd") - 1, entries_of("/proc/self/task")};
}

double slope(const std::vector<double>& values) {
  std::vector<double> slopes;
  for (std::size_t i = 1; i < values.size(); ++i) slopes.push_back(values[i] - values[i - 1]);
  if (slopes.empty()) return 0;
  std::sort(slopes.begin(), slopes.end());
  return slopes[slopes.size() / 2];
}

}  // namespace muster::heap
