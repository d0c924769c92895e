#pragma once
// What a change did to imports: those that lead nowhere since.

#include <map>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"
#include "runtime/core/imports.hpp"

namespace muster {

/// Whether one of the removed files is what it names. Pure.
[[nodiscard]] bool names_removed(const MissingImport& lost,
                                 const std::vector<std::string>& removed);

/// Errors for those imports that the change broke: written by it, or of a file that it removed.
/// `before`: the changed files' contents at the base, new ones left out; an import that stands
/// there already and names none of `removed` was broken before. Pure.
[[nodiscard]] std::vector<ReviewFinding> import_findings(
    const std::vector<MissingImport>& lost, const std::vector<std::string>& changed,
    const std::map<std::string, std::string>& before, const std::vector<std::string>& removed);

}  // namespace muster
