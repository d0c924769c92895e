#pragma once
// Replacing a piece of text exactly, and saying what is wrong when it cannot be done. Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::files {

/// The content with `old_text` replaced by `new_text`: exactly one occurrence, or all of them. In a
/// file whose lines end with CR LF, texts with plain line feeds stand for such lines. Errors:
/// invalid_argument (nothing to look for, nothing would change), not_found (with the nearest
/// similar lines), conflict (several places, each with its line number).
Result<std::string> edit_text(std::string_view content, std::string_view old_text,
                              std::string_view new_text, bool all);

/// A line as read() and the error texts show it: "     7\ttext", cut when very long.
std::string numbered_line(std::size_t number, std::string_view line);

/// Text that has a NUL in its first 8,000 bytes is binary, as git sees it.
bool looks_binary(std::string_view start);

}  // namespace muster::files
