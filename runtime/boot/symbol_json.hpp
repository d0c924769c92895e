#pragma once
// A definition as the commands that print JSON have it.

#include <nlohmann/json.hpp>

#include "runtime/ports/code_index.hpp"

namespace muster::commands {

[[nodiscard]] inline nlohmann::json symbol_json(const IndexedSymbol& symbol) {
  return {{"file", symbol.file},       {"kind", symbol.kind},           {"name", symbol.name},
          {"path", symbol.path},       {"signature", symbol.signature}, {"line", symbol.line},
          {"endLine", symbol.end_line}};
}

}  // namespace muster::commands
