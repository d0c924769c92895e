#include "runtime/core/imports.hpp"

#include <algorithm>
#include <array>

#include "runtime/core/import_paths.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using imports::Found;
using imports::replaced_all;

constexpr std::size_t kMaxIncludes = 4;

/// The one file that ends so; several could all be meant, so none is.
void add_if_unique(const TreePaths& paths, std::string_view end, Found& out) {
  const auto found = paths.ending_with(end);
  if (found.size() == 1) out.emplace_back(found.front());
}

void resolve_include(const TreePaths& paths, std::string_view from, const Import& import,
                     Found& out) {
  std::string beside;
  const bool quoted = import.form == ImportForm::c_quoted;
  if (quoted && path_beside(from, import.target, beside) && paths.has(beside))
    return out.push_back(beside);
  if (paths.has(import.target)) return out.push_back(import.target);
  // <string.h> is the system's, whatever a folder of the tree has.
  if (!quoted && import.target.find('/') == std::string::npos) return;
  std::string_view end = import.target;
  while (end.starts_with("../")) end.remove_prefix(3);
  // Which one it is only the compiler's flags tell; a few could all be meant.
  const auto found = paths.ending_with(end);
  if (found.size() <= kMaxIncludes) out.insert(out.end(), found.begin(), found.end());
}

void resolve_go(const ImportTree& tree, const Import& import, Found& out) {
  for (const auto& module : tree.go_modules) {
    if (module.name.empty() || !path_within(module.name, import.target)) continue;
    const auto folder = join_path(module.folder, relative_to(module.name, import.target));
    for (const auto file : tree.paths.files_in(folder, ".go"))
      if (!file.ends_with("_test.go")) out.emplace_back(file);
  }
}

/// "a.b.C.member" and "a.b.C.Inner" are in a/b/C.java: what follows the class is dropped.
void resolve_java(const TreePaths& paths, const Import& import, Found& out) {
  auto path = replaced_all(import.target, ".", "/");
  if (path.ends_with("/*")) {
    path.resize(path.size() - 2);
    for (const auto folder : paths.folders_ending_with(path))
      for (const auto file : paths.files_in(folder, ".java")) out.emplace_back(file);
  }
  for (; out.empty() && path.find('/') != std::string::npos; path.resize(path.rfind('/')))
    for (const auto file : paths.ending_with(path + ".java")) out.emplace_back(file);
}

void resolve_ruby(const TreePaths& paths, std::string_view from, const Import& import, Found& out) {
  auto name = import.target;
  if (!name.ends_with(".rb")) name += ".rb";
  std::string beside;
  if (import.form == ImportForm::ruby_relative) {
    if (path_beside(from, name, beside) && paths.has(beside)) out.push_back(beside);
    return;
  }
  for (const auto* place : {"lib/", "", "app/"})
    if (paths.has(place + name)) return out.push_back(place + name);
  add_if_unique(paths, "lib/" + name, out);
  if (out.empty() && name.find('/') != std::string::npos) add_if_unique(paths, name, out);
}

/// How many of the last folders two paths have in common.
std::size_t common_end(std::string_view a, std::string_view b) {
  std::size_t count = 0;
  while (!a.empty() && !b.empty() && iequals(base_name(a), base_name(b))) {
    ++count;
    a = a.substr(0, a.size() - base_name(a).size());
    b = b.substr(0, b.size() - base_name(b).size());
    if (a.ends_with('/')) a.remove_suffix(1);
    if (b.ends_with('/')) b.remove_suffix(1);
  }
  return count;
}

/// Composer maps a namespace to a folder; the file whose folders fit best is the class.
void resolve_php_use(const TreePaths& paths, const Import& import, Found& out) {
  const auto path = replaced_all(import.target, "\\", "/") + ".php";
  std::size_t best = 0;
  for (const auto file : paths.ending_with(base_name(path))) {
    const auto fits = common_end(file, path);
    if (fits > best) out.clear();
    if (fits >= best) out.emplace_back(file);
    best = std::max(best, fits);
  }
  if (out.size() > 1) out.clear();
}

void resolve_beside(const TreePaths& paths, std::string_view from, const Import& import,
                    Found& out) {
  std::string beside;
  auto target = std::string_view(import.target);
  target = target.substr(0, target.find_first_of("?#"));
  const bool rooted = target.starts_with('/') && import.form == ImportForm::html;
  if (rooted) target.remove_prefix(1);
  if (!target.starts_with('/') && path_beside(rooted ? "" : from, target, beside) &&
      paths.has(beside))
    return out.push_back(beside);
  const bool anywhere = import.form == ImportForm::bash_source ||
                        import.form == ImportForm::bash_beside ||
                        import.form == ImportForm::php_include;
  if (!anywhere) return;
  while (target.starts_with("./")) target.remove_prefix(2);
  if (paths.has(target)) return out.push_back(std::string(target));
  if (!target.empty() && !target.starts_with('/') && !target.starts_with(".."))
    add_if_unique(paths, target, out);
}

}  // namespace

std::string go_module_name(std::string_view go_mod) {
  for (auto line : split_lines(go_mod)) {
    line = trim(line);
    if (!line.starts_with("module ")) continue;
    line = trim(line.substr(7));
    line = trim(line.substr(0, line.find("//")));
    if (line.size() >= 2 && line.front() == '"') line = line.substr(1, line.size() - 2);
    return std::string(line);
  }
  return {};
}

std::vector<std::string> resolve_import(const ImportTree& tree, std::string_view from,
                                        const Import& import) {
  using enum ImportForm;
  Found out;
  const auto& paths = tree.paths;
  switch (import.form) {
    case c_quoted:
    case c_system:
      resolve_include(paths, from, import, out);
      break;
    case script:
      imports::resolve_script(paths, from, import, out);
      break;
    case python:
      imports::resolve_python(paths, from, import, out);
      break;
    case go:
      resolve_go(tree, import, out);
      break;
    case rust_mod:
      imports::resolve_rust_mod(paths, from, import, out);
      break;
    case rust_use:
      imports::resolve_rust_use(paths, from, import, out);
      break;
    case java:
      resolve_java(paths, import, out);
      break;
    case csharp:
      break;
    case ruby_require:
    case ruby_relative:
      resolve_ruby(paths, from, import, out);
      break;
    case php_use:
      resolve_php_use(paths, import, out);
      break;
    case php_include:
    case php_beside:
    case bash_source:
    case bash_beside:
    case css:
    case html:
      resolve_beside(paths, from, import, out);
      break;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  out.erase(std::remove(out.begin(), out.end(), from), out.end());
  return out;
}

}  // namespace muster
