#include "runtime/core/new_diagnostics.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

namespace {

Diagnostic at(std::int64_t line, const std::string& message, const std::string& code = "E",
              Severity severity = Severity::error) {
  return {{{line, 2}, {line, 3}}, severity, code, "x", message};
}

}  // namespace

TEST_CASE("a complaint that moved is an old one, one more of the same is new") {
  const CheckedText before{"a\nb\n", {at(0, "bad"), at(1, "odd", "W", Severity::warning)}};
  CHECK(new_diagnostics(before, {"\n\na\nb\n", {at(2, "bad"), at(3, "odd", "W")}}).empty());
  CHECK(new_diagnostics(before, {"changed\n", {at(0, "bad")}}).empty());
  const auto two = new_diagnostics(before, {"new\na\n", {at(0, "bad"), at(1, "bad")}});
  REQUIRE(two.size() == 1);
  CHECK(two[0].range.start.line == 0);  // the one on the line that is new
  CHECK(new_diagnostics(before, {"a\n", {at(0, "bad", "F")}}).size() == 1);
  CHECK(new_diagnostics({}, {"a\n", {at(0, "h", "H", Severity::hint)}}).empty());
}

TEST_CASE("what may lie at a package that is not installed is known by its code") {
  CHECK(is_about_environment(at(0, "'gtest.h' file not found", "pp_file_not_found")));
  CHECK(is_about_environment(at(0, "Cannot find module 'left-pad' or its types", "2307")));
  CHECK_FALSE(is_about_environment(at(0, "Cannot find module './mine' or its types", "2307")));
  CHECK_FALSE(is_about_environment(at(0, "Type 'number' is not assignable", "2322")));
}

TEST_CASE("a diagnostic is a line of the normal form") {
  CHECK(describe_diagnostic("src/a.cpp", "clangd", at(4, "no\nsuch \x1b[31mthing", "undeclared")) ==
        "src/a.cpp:5:3: error: no such thing [undeclared] (clangd)");
  const auto finding = finding_of("a.ts", "tsserver", at(0, "m", ""), "warning");
  CHECK((finding.file == "a.ts" && finding.line == 1 && finding.severity == "warning"));
  CHECK(finding.message == "diagnostics: a.ts:1:3: error: m (tsserver)");
}
