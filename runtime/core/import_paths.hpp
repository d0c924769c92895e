#pragma once
// Where languages look for what is imported. Internal to imports.

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/imports.hpp"

namespace muster::imports {

using Found = std::vector<std::string>;

[[nodiscard]] std::string replaced_all(std::string_view text, std::string_view what,
                                       std::string_view by);

void resolve_script(const TreePaths& paths, std::string_view from, const Import& import,
                    Found& out);
void resolve_python(const TreePaths& paths, std::string_view from, const Import& import,
                    Found& out);
void resolve_rust_mod(const TreePaths& paths, std::string_view from, const Import& import,
                      Found& out);
void resolve_rust_use(const TreePaths& paths, std::string_view from, const Import& import,
                      Found& out);

/// The path that a relative module of Python's stands for, without suffix; false when it leads out
/// of the tree or is absolute.
bool python_relative(std::string_view from, std::string_view target, std::string& out);

/// Where "mod x;" may be, without ".rs" or "/mod.rs": beside a crate's root, or below the module.
[[nodiscard]] std::vector<std::string> rust_mod_places(std::string_view from,
                                                       std::string_view target);

}  // namespace muster::imports
