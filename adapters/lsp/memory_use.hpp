#pragma once

#include <sys/types.h>

#include <cstdint>

namespace muster::lsp {

/// Resident bytes of a process and all below it, as /proc tells them: what they share counts for
/// each. 0 when it has gone. Any thread; reads a few small files for each process.
[[nodiscard]] std::uint64_t resident_bytes(pid_t root);

}  // namespace muster::lsp
