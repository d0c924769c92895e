#pragma once
// What /proc says about an engine and everything below it.

#include <sys/types.h>

#include <vector>

namespace muster::soak {

struct Sample {
  double at_s = 0;   ///< since the mission began
  long rss_kb = 0;   ///< VmRSS
  long peak_kb = 0;  ///< VmHWM
  int descriptors = 0;
  int threads = 0;
  int tasks = 0;               ///< whose command has run; set by who knows
  int children = 0;            ///< processes below the engine, at any depth
  std::vector<pid_t> zombies;  ///< of them
};

/// False when the process has gone.
bool look_at(pid_t engine, Sample& sample);

/// How a value went while a mission was at full load: its medians after the warm-up and at the end.
struct Course {
  double early = 0;  ///< the second quarter of the samples: the first one is the warm-up
  double late = 0;   ///< the last quarter
  double most = 0;
};
[[nodiscard]] Course course_of(std::vector<double> values);

}  // namespace muster::soak
