#pragma once
// Which complaints of a language server a change has brought about.

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/diagnostic.hpp"
#include "runtime/core/events.hpp"

namespace muster {

/// A text and what a server says about it.
struct CheckedText {
  std::string text;
  std::vector<Diagnostic> found;  ///< ranges in UTF-16
};

/// The errors and warnings of `after` that `before` does not have: the same code and message count
/// as the same complaint wherever they stand, each as often as it stood there. Where one of several
/// is new, it is one on a line that is new. Pure.
[[nodiscard]] std::vector<Diagnostic> new_diagnostics(const CheckedText& before,
                                                      const CheckedText& after);

/// Whether it may lie at what is not in the tree: a package or a generated header that is not
/// installed here. What follows from that in the same file is no fault of its author's. Pure.
[[nodiscard]] bool is_about_environment(const Diagnostic& diagnostic);

/// "src/a.cpp:3:7: error: use of undeclared identifier 'x' [undeclared_var_use] (clangd)"; one
/// line, its words bounded, without terminal escapes. Pure.
[[nodiscard]] std::string describe_diagnostic(const std::string& path, const std::string& server,
                                              const Diagnostic& diagnostic);
/// The same for a fixer or a reviewer. `severity`: "error" rejects.
[[nodiscard]] ReviewFinding finding_of(const std::string& path, const std::string& server,
                                       const Diagnostic& diagnostic, const std::string& severity);

}  // namespace muster
