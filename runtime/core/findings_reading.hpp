#pragma once
// What the readers of single tools' outputs share. A reader looks at one line and at a bounded
// number of lines around it, so that reading is linear in the output, whoever wrote it.

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/findings.hpp"

namespace muster {

/// No reader looks further ahead for what belongs to one complaint.
inline constexpr std::size_t max_look_ahead = 60;

/// An output, line by line, and what earlier lines said. Views are into the output.
class OutputCursor {
 public:
  /// `text` must outlive the cursor.
  explicit OutputCursor(std::string_view text);

  [[nodiscard]] bool at_end() const { return at_ >= lines_.size(); }
  [[nodiscard]] std::string_view line() const { return lines_[at_]; }
  /// The line `n` after this one, "" behind the end; `n` above max_look_ahead is behind the end.
  [[nodiscard]] std::string_view ahead(std::size_t n) const;
  /// The line `n` before this one, "" before the beginning.
  [[nodiscard]] std::string_view back(std::size_t n) const;
  /// All from this line on.
  [[nodiscard]] std::string_view rest() const;
  /// The next `n` lines are part of what was just read: no reader sees them.
  void skip(std::size_t n) { skip_ += n; }
  /// As skip(), for all that is before `end`, a position in rest().
  void skip_to(std::size_t end);
  void advance();

  std::string_view heading;  ///< the last line without indentation, for tools that list below it
  std::string_view file;     ///< the last "FAIL path" of jest
  std::string_view test;     ///< the test whose output this is, where a tool says so
  std::map<std::string, int, std::less<>> lines_of;  ///< pytest: failing test -> line
  std::set<std::string, std::less<>> suites;         ///< node:test: names of groups of tests

 private:
  std::string_view text_;
  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
  std::size_t skip_ = 0;
};

/// Takes what was found: bounded, each fingerprint once, and of a test that a tool names twice the
/// mention that says more.
class FindingSink {
 public:
  void add(Finding finding);
  [[nodiscard]] bool full() const { return found_.size() >= max_findings; }
  [[nodiscard]] bool any_error() const;
  /// A failing test of `tool` whose name is `name` or ends in "." + `name` is known.
  [[nodiscard]] bool knows_test(std::string_view tool, std::string_view name) const;
  std::vector<Finding> take() { return std::move(found_); }

 private:
  std::vector<Finding> found_;
  std::size_t warnings_ = 0;
  std::set<std::string> seen_;
  std::map<std::string, std::size_t> tests_;  // tool and test -> its finding
};

/// Understands the line at the cursor, or not. Pure.
using FindingReader = bool (*)(OutputCursor& at, FindingSink& found);

// One family of tools each; true: the line was the family's.
bool read_cxx(OutputCursor& at, FindingSink& found);  // gcc, clang, ctest, Catch2, GoogleTest
bool read_typescript(OutputCursor& at, FindingSink& found);        // tsc
bool read_eslint(OutputCursor& at, FindingSink& found);            // stylish
bool read_javascript_tests(OutputCursor& at, FindingSink& found);  // jest, vitest, node:test
bool read_javascript_json(OutputCursor& at, FindingSink& found);   // eslint, jest, vitest
bool read_tap(OutputCursor& at, FindingSink& found);               // TAP of any tool, bats
bool read_python(OutputCursor& at, FindingSink& found);            // pytest, unittest
bool read_go(OutputCursor& at, FindingSink& found);                // build, test, test -json
bool read_rust(OutputCursor& at, FindingSink& found);              // rustc, cargo test
bool read_maven(OutputCursor& at, FindingSink& found);             // compiler, surefire
bool read_gradle(OutputCursor& at, FindingSink& found);            // tests, Kotlin
bool read_junit_xml(OutputCursor& at, FindingSink& found);

/// A finding without fingerprint; the message becomes one bounded line.
[[nodiscard]] Finding make_finding(const char* tool, std::string_view message,
                                   std::string_view severity = "error");

/// Reads a number of at most nine digits at `at`, and moves `at` behind it; nullopt: none is there.
std::optional<int> number_at(std::string_view text, std::size_t& at);

/// "src/a.ts:5:21", "src/a.ts:5", also as "file://" URL: where a tool points to.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};
/// nullopt when `text` does not end in ":<line>" or ":<line>:<column>" behind a name.
[[nodiscard]] std::optional<Place> place_of(std::string_view text);
void set_place(Finding& finding, const Place& place);

/// The place in a stack line of JavaScript, "at f (src/a.js:1:2)" or "at src/a.js:1:2", outside of
/// node_modules and of the runtime's own files.
[[nodiscard]] std::optional<Place> javascript_frame(std::string_view line);

[[nodiscard]] std::size_t indent_of(std::string_view line);
/// `line` begins with `prefix`; the rest, trimmed.
[[nodiscard]] std::optional<std::string_view> after_prefix(std::string_view line,
                                                           std::string_view prefix);

}  // namespace muster
