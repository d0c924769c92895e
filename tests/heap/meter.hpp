#pragma once
// What this process holds.

#include <cstdint>
#include <vector>

namespace muster::heap {

struct Holding {
  std::int64_t heap_bytes = 0;  ///< allocated and not freed
  int descriptors = 0;
  int threads = 0;
};

/// The allocator's caches of freed memory count as allocated: without them the numbers are exact.
/// Starts this program again with them switched off, unless they are.
void run_without_caches(char** argv);

/// Under valgrind the heap is what its leak check finds, reachable or not.
[[nodiscard]] Holding measure();

/// The median of what each value is more than the one before: a table that grows once does not
/// count, what each round leaves behind does.
[[nodiscard]] double slope(const std::vector<double>& values);

}  // namespace muster::heap
