#pragma once
// A long mission whose engine is killed again and again, as by hand.

#include <cstdint>

namespace muster::soak {

struct KillOptions {
  int kills = 10;
  double minutes = 20;  ///< of the mission, about, if nobody disturbed it
  std::uint64_t seed = 1;
  bool keep = false;  ///< the folder
};

/// Runs the mission once at full speed and undisturbed, then slowly with the kills, and compares.
/// Says on stdout what it does; true = the same end.
bool survive_kills(const KillOptions& options);

}  // namespace muster::soak
