// Which imports lead nowhere for certain.

#include <algorithm>
#include <array>
#include <optional>

#include "runtime/core/import_paths.hpp"
#include "runtime/core/imports.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

/// Folders and files that a build makes.
bool may_be_generated(std::string_view path) {
  static constexpr std::array<std::string_view, 8> marks{
      "generated", "build", "dist", "out", "gen", "pkg", "target", "node_modules"};
  const auto lower = to_lower(path);
  if (lower.find("generated") != std::string::npos || lower.find(".gen") != std::string::npos)
    return true;
  for (std::string_view rest = lower; !rest.empty();) {
    const auto end = std::min(rest.find('/'), rest.size());
    const auto part = rest.substr(0, end);
    if (part.starts_with("__") || std::find(marks.begin(), marks.end(), part) != marks.end())
      return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

/// A file of this name with whatever suffix, or a folder: some tool may know what it means.
bool anything_at(const TreePaths& paths, std::string_view path) {
  return paths.has(path) || paths.has_folder(path) ||
         !paths.first_with_prefix(std::string(path) + '.').empty();
}

/// The path without the suffix of a program's text: "./x.js" may be made of x.ts, x.coffee, ...
std::string_view without_suffix(std::string_view path) {
  const auto dot = base_name(path).rfind('.');
  if (dot == std::string_view::npos || dot == 0) return path;
  return path.substr(0, path.size() - base_name(path).size() + dot);
}

using Missing = std::optional<std::string>;

Missing missing_beside(const TreePaths& paths, std::string_view from, std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  std::string path;
  if (!path_beside(from, target, path) || path.empty()) return std::nullopt;
  if (anything_at(paths, path) || anything_at(paths, without_suffix(path))) return std::nullopt;
  return path;
}

bool is_dotted(std::string_view target) {
  return target.starts_with("./") || target.starts_with("../");
}

Missing missing_python(const TreePaths& paths, std::string_view from, std::string_view target) {
  std::string path;
  // "from . import x" takes x from the package as often as from a file.
  if (target.find_first_not_of('.') == std::string_view::npos) return std::nullopt;
  if (!imports::python_relative(from, target, path) || anything_at(paths, path))
    return std::nullopt;
  return path + ".py";
}

Missing missing_rust(const TreePaths& paths, std::string_view from, std::string_view target) {
  const auto places = imports::rust_mod_places(from, target);
  for (const auto& place : places)
    if (anything_at(paths, place)) return std::nullopt;
  return places.front() + ".rs";
}

/// "source ./x.sh" is relative to where the script is run: only what is nowhere is missing. Files
/// of settings ("./.env") are each user's own and are not asked about.
Missing missing_sourced(const TreePaths& paths, std::string_view target) {
  while (target.starts_with("./") || target.starts_with("../"))
    target.remove_prefix(target.find('/') + 1);
  if (target.empty() || !paths.ending_with(target).empty()) return std::nullopt;
  return std::string(target);
}

Missing missing_of(const TreePaths& paths, std::string_view from, const Import& import) {
  const std::string_view target = import.target;
  switch (import.form) {
    case ImportForm::script:
    case ImportForm::css:
      return is_dotted(target) ? missing_beside(paths, from, target) : std::nullopt;
    case ImportForm::ruby_relative:
    case ImportForm::php_beside:
      return missing_beside(paths, from, target);
    case ImportForm::python:
      return missing_python(paths, from, target);
    case ImportForm::rust_mod:
      return missing_rust(paths, from, target);
    case ImportForm::bash_source:
      return is_dotted(target) && target.ends_with(".sh") ? missing_sourced(paths, target)
                                                          : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<BrokenImport> broken_imports(const TreePaths& paths, std::string_view from,
                                         const std::vector<Import>& imports) {
  std::vector<BrokenImport> out;
  for (const auto& import : imports) {
    if (import.guarded) continue;
    auto missing = missing_of(paths, from, import);
    if (!missing || may_be_generated(*missing)) continue;
    // A folder without a single file of the tree is made by something else. The folder of a module
    // that is a file itself is the exception.
    const bool own = import.form == ImportForm::rust_mod;
    if (!own && !paths.has_folder(parent_path(*missing))) continue;
    out.push_back({import.line, import.target, std::move(*missing)});
  }
  return out;
}

}  // namespace muster
