#include "runtime/core/repetition.hpp"

namespace muster {

bool RepetitionDetector::stuck(std::string_view text) {
  if (unit_ > 0) return true;
  if (text.size() < limits_.window || text.size() < looked_at_ + limits_.stride) return false;
  looked_at_ = text.size();
  auto end = text.substr(text.size() - limits_.window);
  // A text that equals itself moved by n bytes has the period n. Nearly every comparison ends at
  // its first byte.
  for (std::size_t unit = 1; unit <= limits_.max_unit; ++unit)
    if (end.substr(unit) == end.substr(0, end.size() - unit)) {
      unit_ = unit;
      return true;
    }
  return false;
}

}  // namespace muster
