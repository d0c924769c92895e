#pragma once
// Port to real parsers of source files: whether a change makes a file worse.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/languages.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// A place where a text is not what its grammar says.
struct SyntaxProblem {
  int line = 0;          ///< from 1
  int column = 0;        ///< from 1, in code points
  std::string text;      ///< what stands there, at most a line of it
  std::string expected;  ///< what could have followed, ", " separated; empty when it is not known
  std::string message;   ///< "'{' is not closed", "unexpected ')'", "';' is missing"
};

/// What the parser says of a file, or of a change of one.
struct SyntaxReport {
  const Language* language = nullptr;   ///< null: no grammar knows this file
  std::vector<SyntaxProblem> problems;  ///< in order of place; of a change the new ones only
  bool truncated = false;               ///< there are more than are listed
};

class SyntaxPort {
 public:
  virtual ~SyntaxPort() = default;
  /// What is wrong with a file of this content. limit_reached: too long, or its parser took too
  /// long. Blocks; thread-safe.
  virtual Result<SyntaxReport> check(const std::string& path, const std::string& content) = 0;
  /// What is wrong in `after` and was not in `before` (nullopt: the file is new). As check().
  virtual Result<SyntaxReport> compare(const std::string& path,
                                       const std::optional<std::string>& before,
                                       const std::string& after) = 0;
};

/// "src/a.ts:12:8: unexpected ')' in 'foo(1,)'; expected: ..." One line.
[[nodiscard]] inline std::string describe_problem(std::string_view path,
                                                  const SyntaxProblem& problem) {
  auto out = std::string(path) + ":" + std::to_string(problem.line) + ":" +
             std::to_string(problem.column) + ": " + problem.message + " in '" + problem.text + "'";
  if (!problem.expected.empty() && !problem.message.ends_with("is missing"))
    out += "; expected " + problem.expected;
  return out;
}

}  // namespace muster
