#pragma once
// What of a text is code, in C and C++: for questions that are asked before a parse. A keyword must
// never be missed, so core/code_tokens will not do: it guesses where a literal ends, and passes
// over what "#if 0" hides, which a parser reads.

#include <optional>
#include <string>
#include <string_view>

namespace muster::treesitter {

/// The text with blanks in place of what comments, string and character literals hold; line ends
/// stay. nullopt: a simple look does not tell (a raw string, a literal that does not end on its
/// line, a prefixed character), so anything may be code. Linear.
[[nodiscard]] std::optional<std::string> c_code_of(std::string_view text);

}  // namespace muster::treesitter
