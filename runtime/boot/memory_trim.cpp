#include "runtime/boot/memory_trim.hpp"

#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <utility>

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto period = 60s;
constexpr std::size_t worth_it = 16U << 20U;  // free bytes that the allocator keeps

void give_back() {
  if (::mallinfo2().fordblks > worth_it) ::malloc_trim(0);
}

}  // namespace

struct MemoryTrim::Core : std::enable_shared_from_this<Core> {
  Core(IoLoop& given, std::shared_ptr<Blocking> blocking)
      : loop(given), pool(std::move(blocking)) {}

  void arm() {
    std::lock_guard lock(mutex);
    if (over) return;
    timer = loop.run_after(period, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      self->pool->run(give_back);
      self->arm();
    });
  }
  void end() {
    std::lock_guard lock(mutex);
    over = true;
    if (timer) timer->cancel();
  }

  IoLoop& loop;
  std::shared_ptr<Blocking> pool;
  std::mutex mutex;
  bool over = false;  // guarded by mutex, as is what follows
  std::shared_ptr<IoTimer> timer;
};

MemoryTrim::MemoryTrim(IoLoop& loop, std::shared_ptr<Blocking> pool)
    : core_(std::make_shared<Core>(loop, std::move(pool))) {
  core_->arm();
}

MemoryTrim::~MemoryTrim() { core_->end(); }

}  // namespace muster
