#include "runtime/core/import_findings.hpp"

#include <algorithm>

namespace muster {
namespace {

/// "src/gone" for "src/gone.ts", "src/gone/index.ts" and "src/gone" itself.
bool is_path_of(const std::string& missing, const std::string& path) {
  if (!path.starts_with(missing)) return false;
  return path.size() == missing.size() || path[missing.size()] == '.' ||
         path[missing.size()] == '/';
}

bool holds(const std::vector<std::string>& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

}  // namespace

bool names_removed(const MissingImport& lost, const std::vector<std::string>& removed) {
  return std::any_of(removed.begin(), removed.end(),
                     [&](const std::string& path) { return is_path_of(lost.missing, path); });
}

std::vector<ReviewFinding> import_findings(const std::vector<MissingImport>& lost,
                                           const std::vector<std::string>& changed,
                                           const std::map<std::string, std::string>& before,
                                           const std::vector<std::string>& removed) {
  std::vector<ReviewFinding> out;
  for (const auto& one : lost) {
    const bool taken_away = names_removed(one, removed);
    const auto old = before.find(one.file);
    const bool stood_there =
        old != before.end() && old->second.find(one.target) != std::string::npos;
    const bool written = holds(changed, one.file) && !stood_there;
    if (!taken_away && !written) continue;
    out.push_back(
        {one.file, one.line,
         "the import of '" + one.target + "' leads nowhere: " + one.missing + " is not there",
         "error"});
  }
  return out;
}

}  // namespace muster
