#pragma once
// The built-in checks of a plan: verification without a command.

#include <string>

#include "runtime/core/plan.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/shell_parser.hpp"
#include "runtime/ports/syntax.hpp"

namespace muster {

/// Judges a check on the content of its (existing) file: "" when it holds, else what is wrong, with
/// the line where there is one. "exists" holds; "matches" is RE2 over the whole text, multi-line;
/// "parses" knows shell and every language with a grammar. invalid_argument: a bad pattern, a
/// language without a parser, an unknown check.
Result<std::string> judge_builtin_check(const Verification& check, const std::string& content,
                                        const ShellParser& shell, SyntaxPort& syntax);

}  // namespace muster
