#pragma once
// The real program at full load for a long time.

namespace muster::soak {

struct SoakOptions {
  double minutes = 30;
  bool keep = false;  ///< the folder
};

/// Missions one after the other, each as long as the time that is left allows, each in an engine of
/// its own: many tasks at once, in many iterations. Says on stdout how memory, descriptors, threads
/// and children of each engine went; true = all stayed in their bounds, and nothing was left.
bool soak(const SoakOptions& options);

}  // namespace muster::soak
