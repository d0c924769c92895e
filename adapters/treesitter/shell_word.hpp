#pragma once
// One shell word from its source: quotes, escapes, braces (POSIX 2.2 and 2.6, bash manual 3.1.2
// and 3.5.1).

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/shell_program.hpp"

namespace muster::treesitter {

struct ScannedWord {
  std::vector<ShellWord> words;  ///< more than one after brace expansion
  bool malformed = false;        ///< an open quote, or an unquoted character that ends words
};

/// Scans the source of exactly one word. A word with an expansion stays as it is, marked dynamic.
/// Pure.
[[nodiscard]] ScannedWord scan_word(std::string_view source);

}  // namespace muster::treesitter
