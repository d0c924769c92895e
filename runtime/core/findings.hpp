#pragma once
// What a tool's output complains about, in one normal form, with a fingerprint by which the same
// complaint is known again.

#include <string>
#include <string_view>
#include <vector>

namespace muster {

struct Finding {
  /// Who complains: gcc (clang, too), javac, ctest, catch2, gtest, tsc, eslint, jest, vitest, tap
  /// (node:test, too), pytest, unittest, go, rustc, cargo, maven, gradle, kotlin, junit; plain: no
  /// tool that is known.
  std::string tool;
  std::string severity;  ///< error | warning
  std::string file;      ///< as the tool wrote it; may be empty
  int line = 0;
  int column = 0;
  std::string code;         ///< TS2304, E0308, -Wunused ...; may be empty
  std::string message;      ///< one line
  std::string test;         ///< the failing test; may be empty
  std::string fingerprint;  ///< equal for the same complaint at another place or time
};

inline constexpr std::size_t max_findings = 200;

/// Reads the output of any of the known tools, even mixed; when none is recognised, the lines that
/// speak of errors, else the last line. At most max_findings, in order, each fingerprint once.
/// Terminal escapes are taken out first. Pure.
[[nodiscard]] std::vector<Finding> parse_findings(std::string_view output);

/// A stable hash of what a message means: numbers, addresses, durations, quoted temporary paths and
/// folders do not count.
[[nodiscard]] std::string fingerprint_of(std::string_view tool, std::string_view test,
                                         std::string_view message);

}  // namespace muster
