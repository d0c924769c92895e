#pragma once
// What a file of tests says, as far as two versions of it can be compared: its test cases, which of
// them are skipped, and what each asserts. By the conventions of the usual test libraries of
// JavaScript, Python, Go, Rust, Java, C++ and bats; what it does not know it does not see.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/code_tokens.hpp"

namespace muster {

/// How much an assertion demands of what it looks at.
enum class AssertionRank {
  nothing,  ///< holds whatever the code does
  some,     ///< it is there, it is true, it is not a certain value
  part,     ///< it contains, matches, is greater, is near
  whole,    ///< it is exactly this
};

struct TestAssertion {
  std::string name;                 ///< "toBe", "assertEquals", "CHECK ==" ...
  std::vector<std::string> args;    ///< what it compares, each as its tokens with single blanks
  std::vector<std::string> shapes;  ///< args with "#" for each number and string
  std::vector<bool> literal;        ///< of args: nothing in it is computed
  AssertionRank rank = AssertionRank::whole;
  AssertionRank base_rank = AssertionRank::whole;  ///< rank without the negation
  bool negated = false;
  int line = 0;

  /// Equal for assertions that demand the same of the same.
  [[nodiscard]] std::string key() const;
  /// As people read it, one line.
  [[nodiscard]] std::string text() const;
};

struct TestCase {
  std::string name;       ///< as written; empty: what is in the file outside of all test cases
  std::string path;       ///< with the names of the groups around it
  int line = 0;           ///< where it begins, from 1
  bool nested = false;    ///< inside of another test case
  bool skipped = false;   ///< it, or a group around it, is skipped, or expected to fail
  bool focused = false;   ///< "only": all others are not run
  int swallowed = 0;      ///< handlers of exceptions that do nothing
  std::size_t setup = 0;  ///< a hash of its tokens
  std::vector<TestAssertion> assertions;
};

struct TestFileContent {
  std::vector<TestCase> cases;  ///< in order; the last one is what is outside of all
  bool skipped = false;         ///< as a whole
};

/// Reads one file of tests; empty for languages that are not read. Time is linear in the text.
/// Pure.
[[nodiscard]] TestFileContent read_test_file(CodeLanguage language, std::string_view text);

}  // namespace muster
