#pragma once
// Text for XML 1.0 documents.

#include <string>
#include <string_view>

namespace muster {

/// `text`, any bytes, as character data or as the value of an attribute in double quotes: markup is
/// escaped, line breaks and tabs are kept as character references (a parser would make blanks of
/// them in an attribute), and what XML 1.0 does not allow in any form (ill-formed UTF-8, other
/// control characters, U+FFFE, U+FFFF) becomes U+FFFD. Pure.
[[nodiscard]] std::string xml_text(std::string_view text);

/// The same for character data, where line feeds and tabs stand for themselves. Pure.
[[nodiscard]] std::string xml_content(std::string_view text);

}  // namespace muster
