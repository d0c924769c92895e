#pragma once
// A definition of a file, found by its name and written anew.

#include <string>
#include <string_view>

#include "adapters/treesitter/code_rewrite.hpp"
#include "adapters/treesitter/outline.hpp"
#include "runtime/ports/workspace_code.hpp"

namespace muster::treesitter {

/// The definition of this name or path ("run", "Engine::run", "Engine.run"); one that has a body
/// comes before one that only declares it. Errors: not_found with names that are there, conflict
/// when several have it, with their lines.
Result<Symbol> find_symbol(const SourceTree& tree, std::string_view wanted);

/// How a definition's body, or all of it, is replaced by `text`, which is indented as its place is.
/// A body in braces keeps them when the text brings none. invalid_argument: it has no body.
Result<Replacement> replace_symbol(const SourceTree& tree, const Symbol& symbol, SymbolPart part,
                                   std::string_view text);

}  // namespace muster::treesitter
