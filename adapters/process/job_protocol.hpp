#pragma once
// What the engine and the job helper say to each other over a SOCK_SEQPACKET pair. Both ends are
// the same binary, so these are plain structs in the machine's own layout.

#include <cstdint>

namespace muster::job_protocol {

/// The helper's end of the pair.
constexpr int kControlFd = 3;

/// Engine to helper: end the job. The end of the stream says the same.
constexpr char kEnd = 'E';

enum class Kind : std::int32_t {
  started,      ///< value = pid of the child
  cwd_failed,   ///< value = errno of chdir
  exec_failed,  ///< value = errno of fork or exec
  exited,       ///< value = exit code
  signalled,    ///< value = signal
};

/// Helper to engine: one packet each. The end of the stream says that the helper has gone, and with
/// it everything that the child left behind.
struct Report {
  Kind kind;
  std::int32_t value;
  std::int32_t end_was_asked;  ///< exited, signalled: the ending had begun before
};

}  // namespace muster::job_protocol
