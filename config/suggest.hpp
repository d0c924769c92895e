#pragma once
// "Did you mean ...?"

#include <string>
#include <string_view>
#include <vector>

namespace muster::config {

/// The candidate that is closest to `word` (case does not count), or "" when none is close enough
/// to be a likely slip of the keyboard.
[[nodiscard]] std::string closest(std::string_view word,
                                  const std::vector<std::string>& candidates);

/// " (did you mean 'x'?)" or "".
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates);

}  // namespace muster::config
