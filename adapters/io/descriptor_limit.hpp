#pragma once
// How many descriptors this process may have open.

#include <sys/resource.h>

#include <cstdint>
#include <optional>

namespace muster {

/// Raises the soft limit (RLIMIT_NOFILE) to the hard one and returns what is in force now; 0 when
/// it cannot be read. Programs that use select() break above 1,024, so children get back what was
/// in force before (spawn.hpp, job_helper.hpp). Thread-safe, idempotent.
std::uint64_t raise_descriptor_limit() noexcept;

/// The soft limit before it was first raised; nullopt when it has not been raised. Thread-safe.
[[nodiscard]] std::optional<rlim_t> descriptor_limit_of_children() noexcept;

}  // namespace muster
