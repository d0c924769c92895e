#include "adapters/io/descriptor_limit.hpp"

#include <mutex>

namespace muster {
namespace {

std::mutex mutex;
std::optional<rlim_t> before;  // guarded by mutex

}  // namespace

std::uint64_t raise_descriptor_limit() noexcept {
  const std::lock_guard lock(mutex);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur >= limit.rlim_max) return limit.rlim_cur;
  rlimit raised = limit;
  raised.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return limit.rlim_cur;
  if (!before) before = limit.rlim_cur;
  return raised.rlim_cur;
}

std::optional<rlim_t> descriptor_limit_of_children() noexcept {
  const std::lock_guard lock(mutex);
  return before;
}

}  // namespace muster
