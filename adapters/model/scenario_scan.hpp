#pragma once
// A pull scanner over JSON text: finds values without building them. The scripted model reads large
// requests with it, and a scenario's errors find their line.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace muster::scripted {

/// Walks over JSON text. Every function leaves the cursor behind what it took and returns false
/// (or nullopt) where the text is not what was asked for; the cursor is of no use after that. What
/// is skipped is checked for structure, not for the inside of its strings and numbers.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text, std::size_t at = 0) noexcept : text_(text), at_(at) {}

  /// The next character that is not white space, '\0' at the end. Takes only the white space.
  char peek() noexcept;
  /// Takes `wanted` if it is next.
  bool take(char wanted) noexcept;
  /// Takes a string; what stands between its quotes, still escaped.
  std::optional<std::string_view> string() noexcept;
  /// Takes any value; its text. Nesting is limited to 256.
  std::optional<std::string_view> value() noexcept;
  /// Takes `{` or `[` and says whether a first element follows; else takes the closing bracket.
  bool open(char bracket, bool& has_element) noexcept;
  /// After an element: takes a comma (more = true) or the closing bracket (more = false).
  bool next(char closing, bool& more) noexcept;
  /// Takes `"key":`.
  std::optional<std::string_view> key() noexcept;

  [[nodiscard]] std::size_t at() const noexcept { return at_; }

 private:
  bool skip(int depth) noexcept;
  bool skip_scalar() noexcept;

  std::string_view text_;
  std::size_t at_;
};

/// Undoes the escapes of a JSON string; at most `max_bytes` of it, cut between characters. A broken
/// escape becomes U+FFFD.
std::string unescape_json(std::string_view escaped, std::size_t max_bytes);

/// Appends `text` as the inside of a JSON string. Bytes that are no UTF-8 become U+FFFD.
void append_escaped(std::string& out, std::string_view text);

/// Length of the prefix of `text` that has at most `max_bytes` and cuts no UTF-8 character.
std::size_t utf8_prefix(std::string_view text, std::size_t max_bytes) noexcept;

}  // namespace muster::scripted
