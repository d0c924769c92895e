#pragma once
// What a change did to imports: those that lead nowhere since.

#include <map>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"

namespace muster {

/// An import that leads nowhere for certain, in a changed file or in one that imports it.
struct LostImport {
  std::string file;
  int line = 0;         ///< from 1
  std::string target;   ///< as it is written
  std::string missing;  ///< the path from the root that is not there, perhaps without its suffix
};

/// Whether one of the removed files is what it names. Pure.
[[nodiscard]] bool names_removed(const LostImport& lost, const std::vector<std::string>& removed);

/// Errors for those imports that the change broke: written by it, or of a file that it removed.
/// `before`: the changed files' contents at the base, new ones left out; an import that stands
/// there already and names none of `removed` was broken before. Pure.
[[nodiscard]] std::vector<ReviewFinding> import_findings(
    const std::vector<LostImport>& lost, const std::vector<std::string>& changed,
    const std::map<std::string, std::string>& before, const std::vector<std::string>& removed);

}  // namespace muster
