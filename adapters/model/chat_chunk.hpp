#pragma once
// The common shapes of a streamed chunk, read without building a JSON document.

#include <optional>
#include <string>
#include <string_view>

namespace muster::model {

/// A chunk that carries text and nothing unusual. The views are JSON string contents, still
/// escaped, inside the chunk.
struct PlainChunk {
  std::string_view text;           ///< choices[0].delta.content
  std::string_view reasoning;      ///< choices[0].delta.reasoning_content or .reasoning
  std::string_view finish_reason;  ///< empty = null or missing
};

/// Reads a chunk of one choice whose delta holds strings only. nullopt for anything else (tool
/// calls, usage, errors, several choices, unknown structure, broken JSON): then a real parser
/// decides.
[[nodiscard]] std::optional<PlainChunk> scan_plain_chunk(std::string_view json);

/// Appends the value of a JSON string's content. Lone surrogates and ill-formed UTF-8 become
/// U+FFFD. False when an escape is broken; `out` then holds what came before.
bool append_unescaped(std::string& out, std::string_view content);

}  // namespace muster::model
