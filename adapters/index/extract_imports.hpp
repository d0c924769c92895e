#pragma once
// The imports in a syntax tree. Internal to the index.

#include <string_view>
#include <vector>

#include "adapters/treesitter/source_tree.hpp"
#include "runtime/core/imports.hpp"

namespace muster::index {

/// The types of nodes that may import something, blank separated.
[[nodiscard]] std::string_view import_nodes(const Language& language);

/// Appends what such a node imports, if it does.
void imports_of(const treesitter::SourceTree& tree, TSNode node, std::vector<Import>& out);

}  // namespace muster::index
