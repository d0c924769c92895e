#pragma once
// Which symbols a query means.

#include <string>
#include <string_view>
#include <vector>

#include "adapters/index/file_facts.hpp"
#include "runtime/ports/code_index.hpp"

namespace muster::index {

/// '*' stands for any text, everything else for itself. Linear in pattern x text at the worst.
[[nodiscard]] bool wildcard_match(std::string_view pattern, std::string_view text);

/// A query, taken apart once.
class SymbolFilter {
 public:
  explicit SymbolFilter(const SymbolQuery& query);
  /// False when no symbol of a packed list can match: a look without unpacking.
  [[nodiscard]] bool possible_in(std::string_view packed) const;
  [[nodiscard]] bool matches(const FactSymbol& symbol) const;

 private:
  std::string kind_;
  std::string pattern_;  // separators as '/'
  std::string literal_;  // that a match must have somewhere; empty: nothing is known
  std::size_t parts_ = 1;
};

}  // namespace muster::index
