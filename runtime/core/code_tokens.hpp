#pragma once
// Program text as tokens, well enough to compare two versions of a test: comments are gone, strings
// are single tokens, brackets know their partners. No grammar, no preprocessor but "#if 0".

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

enum class CodeLanguage {
  none,  ///< no program text
  javascript,
  python,
  go,
  rust,
  java,  ///< Kotlin, too
  cxx,
  shell,  ///< bats, too
  other,  ///< program text in a language that is not read
};

/// By the extension of the path; TypeScript is javascript.
[[nodiscard]] CodeLanguage code_language(std::string_view path);

struct CodeToken {
  enum class Kind { word, number, string, punct } kind = Kind::punct;
  std::string_view text;  ///< of a string what is between its quotes
  int line = 1;
  int indent = 0;           ///< blanks before the first token of its line
  bool first = false;       ///< of its line
  std::size_t depth = 0;    ///< open brackets before it
  std::size_t partner = 0;  ///< of a bracket: the index of the other one; else, or without, npos

  [[nodiscard]] bool is(std::string_view other) const {
    return kind != Kind::string && text == other;
  }
  [[nodiscard]] bool word(std::string_view other) const {
    return kind == Kind::word && text == other;
  }
};

inline constexpr std::size_t no_token = static_cast<std::size_t>(-1);

/// The tokens of `text`, in one pass; none for languages that are not read. The views are into
/// `text`. Any bytes. Pure.
[[nodiscard]] std::vector<CodeToken> code_tokens(CodeLanguage language, std::string_view text);

}  // namespace muster
