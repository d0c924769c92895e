#pragma once
// Places in code as models name and read them: a line and a name on it, since models do not count
// columns.

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/core/diagnostic.hpp"
#include "runtime/core/result.hpp"
#include "runtime/core/text_positions.hpp"

namespace muster {

/// The byte at which `name` stands as a whole word on a line, from 1; the first on it.
/// invalid_argument: what the line holds instead, and the nearest lines that hold the name. Pure.
[[nodiscard]] Result<std::size_t> find_name(const TextPositions& text, std::int64_t line,
                                            std::string_view name);

/// "12:5: the line's text", line and column (in characters of UTF-16) from 1. Pure.
[[nodiscard]] std::string describe_place(const TextPositions& text, const TextRange& range,
                                         TextEncoding encoding);

/// The text with the replacements made. conflict: one of them replaces something else than
/// `expected`, or two overlap: the text is not the one that they were made for. Pure.
[[nodiscard]] Result<std::string> apply_edits(const std::string& text, const FileEdits& edits,
                                              TextEncoding encoding, std::string_view expected);

}  // namespace muster
