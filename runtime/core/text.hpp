#pragma once
// Making text from outside (models, tools, files) safe to show and cheap to keep.

#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// The text with every ill-formed UTF-8 sequence replaced by U+FFFD, one per maximal subpart
/// (Unicode 15, section 3.9, "substitution of maximal subparts"). Pure.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// The text as it may be printed to a terminal: escape sequences (ECMA-48 CSI, OSC, DCS, SOS, PM,
/// APC and the two-character ones, 7-bit and C1) are removed, so are other control characters and
/// the bidirectional overrides that make text look like something else (CVE-2021-42574). Tabs and
/// line feeds stay; CR LF and lone CR become LF. The result is valid UTF-8. A string sequence
/// without an end hides no text: only its introducer goes. Pure.
[[nodiscard]] std::string strip_terminal_escapes(std::string_view text);

/// One line for a status display: escapes stripped, white space runs become one blank, ends
/// trimmed, at most `max_bytes` bytes; what was cut ends in "…" when there is room for it. Pure.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t max_bytes);

/// The first / last at most `max_bytes` bytes, never splitting a UTF-8 sequence. Pure; the view is
/// into `text`.
[[nodiscard]] std::string_view bounded_head(std::string_view text, std::size_t max_bytes);
[[nodiscard]] std::string_view bounded_tail(std::string_view text, std::size_t max_bytes);

/// Small helpers of ASCII text.
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);
/// A letter, a digit or "_" of ASCII.
[[nodiscard]] bool is_name_char(char c) noexcept;
/// True when every line of the text ends with CR LF (and there is one).
[[nodiscard]] bool uses_crlf(std::string_view text);
/// Plain line feeds become CR LF; those that are already stay.
[[nodiscard]] std::string to_crlf(std::string_view text);
/// Lines without their "\n" (or "\r\n"); at most `max_lines`. The last one may lack its end.
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text,
                                                        std::size_t max_lines = 1'000'000);

}  // namespace muster
