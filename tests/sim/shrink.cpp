#include "tests/sim/shrink.hpp"

#include <utility>

namespace muster::sim {
namespace {

class Shrinker {
 public:
  Shrinker(const Options& options, Outcome outcome, int tries)
      : best_{options, std::move(outcome), 0}, left_(tries) {}

  Shrunk run() {
    for (bool smaller = true; smaller && left_ > 0;) {
      smaller = fewer_missions();
      smaller = fewer_faults() || smaller;
      smaller = shorter() || smaller;
      smaller = fewer_agents() || smaller;
      smaller = tamer() || smaller;
    }
    return best_;
  }

 private:
  bool still_fails(const Options& options) {
    if (left_-- <= 0 || options == best_.options) return false;
    ++best_.tries;
    auto outcome = simulate(options);
    if (!outcome.violation || outcome.violation->invariant != best_.outcome.violation->invariant)
      return false;
    best_.options = options;
    best_.outcome = std::move(outcome);
    return true;
  }
  bool fewer_missions() {
    auto options = best_.options;
    options.missions = 1;
    return still_fails(options);
  }
  bool fewer_faults() {
    bool any = false;
    auto options = best_.options;
    options.faults.clear();
    if (still_fails(options)) return true;
    for (const auto& name : std::set<std::string>(best_.options.faults)) {
      options = best_.options;
      options.faults.erase(name);
      any = still_fails(options) || any;
    }
    return any;
  }
  /// Only the first faults of those that were injected.
  bool shorter() {
    int injected = 0;
    for (const auto& [name, count] : best_.outcome.tally.faults) injected += count;
    bool any = false;
    for (int most = 0; most < injected; most = most * 2 + 1) {
      auto options = best_.options;
      if (options.max_faults >= 0 && options.max_faults <= most) break;
      options.max_faults = most;
      if (still_fails(options)) return true;
    }
    return any;
  }
  bool fewer_agents() {
    bool any = false;
    for (int step = best_.options.agents / 2; step > 0; step /= 2)
      while (best_.options.agents > step) {
        auto options = best_.options;
        options.agents -= step;
        if (!still_fails(options)) break;
        any = true;
      }
    return any;
  }
  bool tamer() {
    auto options = best_.options;
    options.tame = true;
    return still_fails(options);
  }

  Shrunk best_;
  int left_;
};

}  // namespace

Shrunk shrink(const Options& failing, Outcome outcome, int tries) {
  return Shrinker(failing, std::move(outcome), tries).run();
}

}  // namespace muster::sim
