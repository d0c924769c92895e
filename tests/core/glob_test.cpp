#include "runtime/core/glob.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

TEST_CASE("glob patterns", "[glob]") {
  CHECK(glob_match("*.cpp", "a.cpp"));
  CHECK_FALSE(glob_match("*.cpp", "src/a.cpp"));
  CHECK(glob_match("**/*.cpp", "a.cpp"));
  CHECK(glob_match("**/*.cpp", "src/x/a.cpp"));
  CHECK(glob_match("src/**", "src/x/a.cpp"));
  CHECK(glob_match("src/**/test/*.py", "src/test/a.py"));
  CHECK(glob_match("src/**/test/*.py", "src/a/b/test/a.py"));
  CHECK_FALSE(glob_match("src/**/test/*.py", "lib/test/a.py"));
  CHECK(glob_match("a?c", "abc"));
  CHECK_FALSE(glob_match("a?c", "a/c"));
  CHECK(glob_match("[a-c]x[!0-9]", "bxy"));
  CHECK_FALSE(glob_match("[a-c]x[!0-9]", "bx7"));
  CHECK(glob_match("[]]", "]"));
  CHECK(glob_match("*.{js,ts{,x}}", "a.tsx"));
  CHECK(glob_match("*.{js,ts{,x}}", "a.ts"));
  CHECK_FALSE(glob_match("*.{js,ts{,x}}", "a.jsx"));
  CHECK(glob_match("\\*a", "*a"));
  CHECK_FALSE(glob_match("\\*a", "ba"));
  CHECK(glob_match("\\?", "?"));
  CHECK_FALSE(glob_match("\\?", "x"));
  CHECK(glob_match("./src/*", "src/a"));
}

TEST_CASE("glob errors are values", "[glob]") {
  CHECK_FALSE(Glob::compile("").ok());
  CHECK_FALSE(Glob::compile("[a").ok());
  CHECK_FALSE(Glob::compile("{a,b").ok());
  CHECK(Glob::compile("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}").ok());
  CHECK(Glob::compile("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}").error().code ==
        ErrorCode::limit_reached);
}

TEST_CASE("a hostile pattern costs no exponential time", "[glob]") {
  std::string pattern, text(2000, 'a');
  for (int i = 0; i < 100; ++i) pattern += "*a";
  CHECK_FALSE(glob_match(pattern + "b", text));
  std::string deep, path = "a";
  for (int i = 0; i < 100; ++i) deep += "**/";
  for (int i = 0; i < 500; ++i) path += "/a";
  CHECK_FALSE(glob_match(deep + "b", path));
}
