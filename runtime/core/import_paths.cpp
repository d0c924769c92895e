#include "runtime/core/import_paths.hpp"

#include <algorithm>
#include <array>

#include "runtime/core/paths.hpp"

namespace muster::imports {
namespace {

// The order in which TypeScript's and Node's resolvers and the bundlers look.
constexpr std::array<std::string_view, 14> kScriptSuffixes{
    ".ts",  ".tsx", ".d.ts", ".mts", ".cts",    ".js",   ".jsx",
    ".mjs", ".cjs", ".json", ".vue", ".svelte", ".node", ".css"};

/// TypeScript imports "./x.js" and means x.ts: the name that it will have.
struct Swap {
  std::string_view written;
  std::array<std::string_view, 3> source;
};
constexpr std::array kSwaps = {
    Swap{".js", {".ts", ".tsx", ".d.ts"}}, Swap{".jsx", {".tsx", ".ts", ".d.ts"}},
    Swap{".mjs", {".mts", ".d.mts", ".ts"}}, Swap{".cjs", {".cts", ".d.cts", ".ts"}}};

bool add_script_file(const TreePaths& paths, const std::string& stem, Found& out) {
  for (const auto suffix : kScriptSuffixes) {
    auto path = stem + std::string(suffix);
    if (!paths.has(path)) continue;
    out.push_back(std::move(path));
    return true;
  }
  return false;
}

bool add_script_source(const TreePaths& paths, const std::string& path, Found& out) {
  for (const auto& swap : kSwaps) {
    if (!path.ends_with(swap.written)) continue;
    const auto stem = path.substr(0, path.size() - swap.written.size());
    for (const auto suffix : swap.source) {
      if (!paths.has(stem + std::string(suffix))) continue;
      out.push_back(stem + std::string(suffix));
      return true;
    }
  }
  return false;
}

/// A module at a path without suffix.
bool add_python_module(const TreePaths& paths, const std::string& path, Found& out) {
  for (const auto* suffix : {".py", ".pyi", "/__init__.py", "/__init__.pyi"}) {
    const auto file = path.empty() ? std::string(suffix).substr(1) : path + suffix;
    if (path.empty() && *suffix != '/') continue;
    if (!paths.has(file)) continue;
    out.push_back(file);
    return true;
  }
  return false;
}

/// "from a import b": b may be a module in a, and a itself is read as well.
void add_python(const TreePaths& paths, const std::string& path, const Import& import, Found& out) {
  add_python_module(paths, path, out);
  for (const auto& name : import.names) add_python_module(paths, join_path(path, name), out);
}

void resolve_python_absolute(const TreePaths& paths, std::string_view from, const Import& import,
                             Found& out) {
  const auto path = replaced_all(import.target, ".", "/");
  // What is nearest to the file that imports is what its path of modules most likely begins with.
  for (auto folder = parent_path(from);; folder = parent_path(folder)) {
    add_python(paths, join_path(folder, path), import, out);
    if (!out.empty() || folder.empty()) break;
  }
  for (const auto* root : {"src", "lib", "python"})
    if (out.empty()) add_python(paths, join_path(root, path), import, out);
  if (!out.empty() || path.find('/') == std::string::npos) return;
  auto found = paths.ending_with(path + ".py");
  if (found.empty()) found = paths.ending_with(path + "/__init__.py");
  if (found.size() == 1) out.emplace_back(found.front());
}

/// The folder whose lib.rs or main.rs is the crate that a file belongs to.
std::string rust_crate(const TreePaths& paths, std::string_view from) {
  for (auto folder = parent_path(from);; folder = parent_path(folder)) {
    for (const auto* root : {"lib.rs", "main.rs"})
      if (paths.has(join_path(folder, root))) return std::string(folder);
    if (folder.empty()) return std::string(parent_path(from));
  }
}

bool is_rust_root(std::string_view path) {
  const auto name = base_name(path);
  return name == "mod.rs" || name == "lib.rs" || name == "main.rs";
}

/// The folder in which a file's modules lie.
std::string rust_module_folder(std::string_view from) {
  return std::string(is_rust_root(from) ? parent_path(from) : from.substr(0, from.size() - 3));
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + separator.size(), text.size()));
  }
  return out;
}

/// The longest beginning of the path that is a file: the rest names something in it.
void add_rust(const TreePaths& paths, const std::string& folder,
              const std::vector<std::string>& parts, std::size_t first, Found& out) {
  for (auto count = parts.size(); count > first; --count) {
    auto path = folder;
    for (auto i = first; i < count; ++i) path = join_path(path, parts[i]);
    for (const auto* suffix : {".rs", "/mod.rs"})
      if (paths.has(path + suffix)) return out.push_back(path + suffix);
  }
  for (const auto* root : {"lib.rs", "mod.rs", "main.rs"})
    if (paths.has(join_path(folder, root))) return out.push_back(join_path(folder, root));
  if (paths.has(folder + ".rs")) out.push_back(folder + ".rs");
}

}  // namespace

std::string replaced_all(std::string_view text, std::string_view what, std::string_view by) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find(what), text.size());
    out += text.substr(0, end);
    if (end < text.size()) out += by;
    text.remove_prefix(std::min(end + what.size(), text.size()));
  }
  return out;
}

void resolve_script(const TreePaths& paths, std::string_view from, const Import& import,
                    Found& out) {
  auto target = std::string_view(import.target);
  target = target.substr(0, target.find_first_of("?#"));
  std::string path;
  if (!target.starts_with('.') || !path_beside(from, target, path)) return;
  const bool folder_only = target.ends_with('/') || target == "." || target == "..";
  if (!folder_only) {
    if (paths.has(path)) return out.push_back(path);
    if (add_script_source(paths, path, out) || add_script_file(paths, path, out)) return;
  }
  add_script_file(paths, join_path(path, "index"), out);
}

bool python_relative(std::string_view from, std::string_view target, std::string& out) {
  if (!target.starts_with('.')) return false;
  out = parent_path(from);
  target.remove_prefix(1);
  for (; target.starts_with('.'); target.remove_prefix(1)) {
    if (out.empty()) return false;
    out.resize(parent_path(out).size());
  }
  out = join_path(out, replaced_all(target, ".", "/"));
  return true;
}

void resolve_python(const TreePaths& paths, std::string_view from, const Import& import,
                    Found& out) {
  std::string path;
  if (!import.target.starts_with('.')) return resolve_python_absolute(paths, from, import, out);
  if (python_relative(from, import.target, path)) add_python(paths, path, import, out);
}

std::vector<std::string> rust_mod_places(std::string_view from, std::string_view target) {
  const auto path = replaced_all(target, "::", "/");
  std::vector<std::string> out{join_path(rust_module_folder(from), path)};
  // Any file can be the root of a crate: src/bin/x.rs, tests/x.rs, what Cargo.toml names.
  if (!is_rust_root(from)) out.push_back(join_path(parent_path(from), path));
  return out;
}

void resolve_rust_mod(const TreePaths& paths, std::string_view from, const Import& import,
                      Found& out) {
  for (const auto& place : rust_mod_places(from, import.target))
    for (const auto* suffix : {".rs", "/mod.rs"})
      if (paths.has(place + suffix)) return out.push_back(place + suffix);
}

void resolve_rust_use(const TreePaths& paths, std::string_view from, const Import& import,
                      Found& out) {
  const auto parts = split(import.target, "::");
  if (parts.empty()) return;
  if (parts[0] == "crate") return add_rust(paths, rust_crate(paths, from), parts, 1, out);
  std::size_t first = parts[0] == "self" ? 1 : 0;
  auto folder = rust_module_folder(from);
  for (; first < parts.size() && parts[first] == "super"; ++first) folder = parent_path(folder);
  if (first > 0) return add_rust(paths, folder, parts, first, out);
  // Another crate of the workspace; its folder has '-' where its name has '_'.
  for (const auto& name : {parts[0], replaced_all(parts[0], "_", "-")}) {
    const auto found = paths.ending_with(name + "/src/lib.rs");
    if (found.size() == 1)
      return add_rust(paths, std::string(parent_path(found.front())), parts, 1, out);
  }
}

}  // namespace muster::imports
