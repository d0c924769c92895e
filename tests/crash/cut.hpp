#pragma once
// Where a run is cut off: which process dies, and when. A cut has a text form, so that a failure
// can be played again.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace muster::crash {

/// One death of the engine: at a visit of a fault point, or so long after its start.
struct Death {
  std::string point;  ///< empty = by the clock
  std::uint64_t visit = 0;
  std::chrono::milliseconds after{0};
};

/// Who dies, and who brings the mission back.
enum class Who {
  engine,  ///< the engine under its keeper, which starts it again
  both,    ///< the engine without a keeper; `muster resume` by hand
  keeper,  ///< the keeper alone; the engine follows it; `muster resume` by hand
};

/// The second death, if any, is of the engine that recovers from the first.
struct Cut {
  Who who = Who::engine;
  std::vector<Death> deaths;

  /// "engine/store.before_commit:17/140ms".
  [[nodiscard]] std::string text() const;
  static std::optional<Cut> parse(std::string_view text);
};

/// What an undisturbed run looks like, to cut it where something happens.
struct Profile {
  std::map<std::string, std::uint64_t> visits;  ///< of the fault points
  std::chrono::milliseconds duration{0};
};

/// Cut number `index` of a seed: first one at every event boundary, then random ones.
[[nodiscard]] Cut make_cut(std::uint64_t seed, std::uint64_t index, const Profile& profile);

}  // namespace muster::crash
