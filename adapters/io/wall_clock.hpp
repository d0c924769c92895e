#pragma once

#include <chrono>
#include <cstdint>

namespace muster {

/// Milliseconds since 1970 by the wall clock, which may be set back. Any thread.
[[nodiscard]] inline std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace muster
