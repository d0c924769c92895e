// Matches written anew: text, indentation, overlap, and the difference.
#include "adapters/treesitter/code_rewrite.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster::treesitter {
namespace {

std::vector<Replacement> replacements(const char* language, const std::string& pattern,
                                      const std::string& to, const std::string& text) {
  SearchSpec spec;
  spec.pattern = pattern;
  auto search = CodeSearch::make(*language_named(language), spec);
  REQUIRE(search.ok());
  SourceParser parser;
  auto matches = (*search)->find(parser, text);
  REQUIRE(matches.ok());
  return RewriteTemplate(to).replacements(text, *matches);
}

std::string rewritten(const char* language, const std::string& pattern, const std::string& to,
                      const std::string& text) {
  return replaced(text, replacements(language, pattern, to, text));
}

}  // namespace

TEST_CASE("holes are filled with what they took") {
  CHECK(rewritten("js", "f($A, $B)", "g($B, $A)", "f(1, 2); f(x, f(3, 4));") ==
        "g(2, 1); g(f(3, 4), x);");  // the outer match counts
  CHECK(rewritten("js", "f($A, $$$R)", "g([$$$R], $A)", "f(1, 2, 3)") == "g([2, 3], 1)");
  CHECK(rewritten("js", "f($A)", "cost($A, '$5')", "f(1)") == "cost(1, '$5')");
  CHECK(rewritten("python", "print($A)", "log($A)", "print(1)\n") == "log(1)\n");
}

TEST_CASE("lines keep the indentation of where they stand") {
  CHECK(rewritten("js", "if ($A) { $$$B }", "while ($A) {\n  $$$B\n}",
                  "function f() {\n    if (x) {\n        a();\n        b();\n    }\n}\n") ==
        "function f() {\n    while (x) {\n      a();\n      b();\n    }\n}\n");
}

TEST_CASE("the difference is a patch") {
  const std::string text = "a();\nb();\nc();\nd();\nf(1);\ne();\ng();\nh();\ni();\nj();\nf(2)";
  const auto diff = unified_diff("x.js", text, replacements("js", "f($A)", "f($A, 0)", text));
  CHECK(diff ==
        "--- a/x.js\n+++ b/x.js\n"
        "@@ -2,10 +2,10 @@\n b();\n c();\n d();\n-f(1);\n+f(1, 0);\n e();\n g();\n h();\n i();\n "
        "j();\n"
        "-f(2)\n\\ No newline at end of file\n+f(2, 0)\n\\ No newline at end of file\n");
}

TEST_CASE("the holes of a template are known") {
  CHECK(RewriteTemplate("g($A, $$$REST, $A) + '$5'").holes() ==
        std::vector<std::string>{"A", "REST"});
}

}  // namespace muster::treesitter
