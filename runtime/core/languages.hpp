#pragma once
// The programming languages whose structure the engine knows: which file is in which, and how a
// pattern of that language is written.

#include <span>
#include <string_view>

namespace muster {

/// What new syntax errors of a file mean.
enum class GateRule {
  refuse,  ///< the grammar errs on at most 0.1 % of valid files: the change is refused
  warn,    ///< it errs more often: a finding for the reviewer
};

struct Language {
  std::string_view name;      ///< "typescript"; also what --lang takes
  std::string_view grammar;   ///< tree-sitter's: tree_sitter_<grammar>
  std::string_view aliases;   ///< other names, blank separated
  std::string_view suffixes;  ///< of file names, blank separated: ".ts .mts"
  std::string_view names;     ///< whole file names, blank separated
  std::string_view programs;  ///< of a "#!" line, blank separated
  GateRule gate;              ///< see docs/syntax-gate.md for the table it comes from
  /// Stands for "$" in patterns: an identifier may have it in this language. Empty: "$" itself.
  std::string_view expando;
  /// Nearly every text is valid in it: a pattern is looked for in it only where that is asked for.
  bool lenient = false;
  /// "IF" is "if".
  bool keywords_in_any_case = false;
  /// Without it a piece of code is none of this language; patterns are written without it.
  std::string_view code_begins = {};
};

/// Whether a blank separated list, as these tables have them, has the word. Pure.
[[nodiscard]] bool has_word(std::string_view list, std::string_view word) noexcept;

/// All of them, by name.
[[nodiscard]] std::span<const Language> languages() noexcept;
/// By name or alias, any case; null when there is none.
[[nodiscard]] const Language* language_named(std::string_view name) noexcept;
/// By a file's name, else by the program of its first line ("#!/usr/bin/env python3"); null when
/// neither says. Of `head`, the file's content or its
/// beginning, only a first line that begins with "#!" is read.
[[nodiscard]] const Language* language_of(std::string_view path,
                                          std::string_view head = {}) noexcept;

}  // namespace muster
