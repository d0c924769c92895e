#pragma once

#include <string_view>
#include <vector>

namespace muster::config {

/// Content of a data file that was compiled into the program, by its path from the root
/// ("config/agents/planner.md"). Empty when there is no such file. Lives as long as the program.
[[nodiscard]] std::string_view embedded(std::string_view path);

/// Paths of all embedded files that start with `prefix` ("config/agents/"), sorted.
[[nodiscard]] std::vector<std::string_view> embedded_files(std::string_view prefix = {});

}  // namespace muster::config
