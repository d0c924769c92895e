#pragma once
// One record of a mission's journal before it is stored.

#include <string>
#include <string_view>

namespace muster {

/// The kind of a record that holds the mission's whole state so far: what comes before it need not
/// be folded again.
inline constexpr std::string_view snapshot_kind = "snapshot";

/// A record to append: a small row (JSON, at most 512 bytes) and an optional body (any bytes) kept
/// in the segment.
struct NewRecord {
  std::string kind;  ///< "event" (mission events, folded into State) | "session" (message deltas) |
                     ///< "snapshot" | ...
  std::string key;   ///< e.g. the session id for "session"; may be empty
  std::string
      row;  ///< JSON, small; larger rows are moved into the body by the store, transparently
  std::string body;  ///< may be empty
};

}  // namespace muster
