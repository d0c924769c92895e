#pragma once
// Memory that is free goes back to the system: snapshots of a long mission take tens of megabytes
// for a moment, in whichever arena of the allocator their thread has, and would stay there.

#include <memory>
#include <mutex>

#include "adapters/io/io_loop.hpp"
#include "runtime/ports/blocking.hpp"

namespace muster {

/// Looks once a minute, on the pool, from its making to its end. Loop and pool outlive it.
class MemoryTrim {
 public:
  MemoryTrim(IoLoop& loop, std::shared_ptr<Blocking> pool);
  ~MemoryTrim();
  MemoryTrim(const MemoryTrim&) = delete;
  MemoryTrim& operator=(const MemoryTrim&) = delete;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace muster
