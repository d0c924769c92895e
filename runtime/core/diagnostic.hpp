#pragma once
// What a language server says about texts, as plain values.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// What a character is in a position. utf16 is the protocol's own; the others a server may choose.
enum class TextEncoding { utf8, utf16, utf32 };

/// A place in a text; both count from 0.
struct TextPosition {
  std::int64_t line = 0;
  std::int64_t character =
      0;  ///< code units since the line's begin; of which encoding, the holder says
  auto operator<=>(const TextPosition&) const = default;
};

struct TextRange {
  TextPosition start;
  TextPosition end;  ///< exclusive
  auto operator<=>(const TextRange&) const = default;
};

enum class Severity { error = 1, warning = 2, information = 3, hint = 4 };

/// "error", "warning", "info", "hint".
[[nodiscard]] constexpr std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::information:
      return "info";
    case Severity::hint:
      return "hint";
  }
  return "error";
}

struct Diagnostic {
  TextRange range;
  Severity severity = Severity::error;
  std::string code;     ///< "2322", "undeclared_var_use"; may be empty
  std::string source;   ///< "ts", "clang"; may be empty
  std::string message;  ///< as the server wrote it: text from outside
  auto operator<=>(const Diagnostic&) const = default;
};

/// Where something is.
struct TextLocation {
  std::string path;  ///< absolute
  TextRange range;
  auto operator<=>(const TextLocation&) const = default;
};

/// One replacement.
struct TextEdit {
  TextRange range;
  std::string new_text;
  bool operator==(const TextEdit&) const = default;
};
/// All replacements in a file; they do not overlap.
struct FileEdits {
  std::string path;  ///< absolute
  std::vector<TextEdit> edits;
  bool operator==(const FileEdits&) const = default;
};

/// A text as somebody has it; the file may hold another, or not be there.
struct DocumentText {
  std::string path;         ///< absolute
  std::string language_id;  ///< of the Language Server Protocol: "typescriptreact"
  std::string text;
};

/// Which server.
struct LanguageKey {
  std::string language;  ///< as the configuration calls it: "typescript"
  std::string root;      ///< absolute folder that it works in
};

/// What a server is asked.
struct LanguageQuestion {
  enum class Kind { diagnostics, definition, references, hover, rename };
  Kind kind = Kind::diagnostics;
  /// Texts that the server takes instead of what the files hold, each path once. Diagnostics are of
  /// all of them, another question is about a name in the first.
  std::vector<DocumentText> documents;
  std::size_t offset = 0;  ///< byte in the first document at which the name stands
  std::string new_name;    ///< of a rename
};

/// What a server says about one text.
struct DocumentDiagnostics {
  std::string path;
  Result<std::vector<Diagnostic>> found;  ///< ranges in UTF-16; why it could not be checked
};

struct LanguageAnswer {
  std::vector<DocumentDiagnostics> documents;   ///< as they were asked
  std::vector<TextLocation> places;             ///< of definitions and references
  std::string text;                             ///< of a hover: text from outside
  std::vector<FileEdits> edits;                 ///< of a rename
  TextEncoding encoding = TextEncoding::utf16;  ///< of places and edits
};

}  // namespace muster
