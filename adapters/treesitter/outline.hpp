#pragma once
// What a file defines: functions, classes and so on, with where they begin and end.

#include <string>
#include <vector>

#include "adapters/treesitter/source_tree.hpp"
#include "runtime/ports/code_index.hpp"

namespace muster::treesitter {

struct Symbol {
  std::string kind;       ///< function | method | class | struct | enum | interface | type | module
                          ///< | constant | macro | heading
  std::string name;       ///< "run"
  std::string path;       ///< with what it lies in: "Engine::Parts::run"
  std::string signature;  ///< its first line, without the body
  int line = 0;           ///< from 1
  int end_line = 0;
  std::size_t begin = 0;  ///< in bytes, with its decorators where the grammar has them in one node
  std::size_t end = 0;
  std::size_t name_begin = 0;  ///< in bytes
  int depth = 0;               ///< how many symbols it lies in
};

/// The symbols of a file, in order of place. Bodies of functions are not looked into. At most
/// `max_symbols`.
[[nodiscard]] std::vector<Symbol> outline_of(const SourceTree& tree,
                                             std::size_t max_symbols = 20'000);

/// The same as the index has it.
[[nodiscard]] IndexedSymbol indexed_symbol(std::string file, const Symbol& symbol);

}  // namespace muster::treesitter
