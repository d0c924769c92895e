#pragma once
// A mission's report as one page of HTML that loads nothing from anywhere.

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace muster::ui {

/// `report`: MissionReport::to_json(). `diff`: {files: [{path, status, added, removed}], patch,
/// truncated}, or {error}, or null. Everything of them is data in the page, never markup, and the
/// page's policy allows no script and no style but its own. Pure.
[[nodiscard]] std::string report_page(const nlohmann::json& report, const nlohmann::json& diff);

}  // namespace muster::ui
