#pragma once
// Reading the HTTP Retry-After header and its relatives.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace muster {

/// The longest wait that parse_retry_after() ever returns; longer ones are cut to it.
inline constexpr std::chrono::milliseconds max_retry_after = std::chrono::hours{24};

/// How long a server asks to wait, from the value of a Retry-After header: seconds ("3", "1.5"), a
/// number with a unit ("250ms", "2s", "1m30s"), or an HTTP date in any of its three forms. `now_ms`
/// is the wall clock in ms since the epoch, used for dates only. A date in the past is 0; the
/// result is rounded up to whole milliseconds and never above max_retry_after. Anything else:
/// nullopt. Pure, thread-safe.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                                         std::int64_t now_ms);

/// The same for a header that counts in milliseconds ("retry-after-ms: 250").
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after_ms(std::string_view value);

}  // namespace muster
