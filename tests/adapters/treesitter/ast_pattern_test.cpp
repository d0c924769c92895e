// Patterns against code: what they match, what their holes take.
#include "adapters/treesitter/ast_pattern.hpp"

#include <catch2/catch_test_macros.hpp>

#include "adapters/treesitter/code_search.hpp"

namespace muster::treesitter {
namespace {

std::vector<CodeMatch> found(const char* language, const SearchSpec& spec,
                             const std::string& text) {
  auto search = CodeSearch::make(*language_named(language), spec);
  INFO((search ? "" : search.error().text()));
  REQUIRE(search.ok());
  SourceParser parser;
  auto matches = (*search)->find(parser, text);
  REQUIRE(matches.ok());
  return *matches;
}

std::vector<std::string> texts(const char* language, const std::string& pattern,
                               const std::string& text) {
  std::vector<std::string> out;
  SearchSpec spec;
  spec.pattern = pattern;
  for (const auto& match : found(language, spec, text)) out.push_back(match.text);
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a hole takes one named node, the same name the same code") {
  CHECK(texts("js", "f($A)", "f(1); f(1, 2); f(); g(1); x.f(2);") == Texts{"f(1)"});
  CHECK(texts("js", "$A == $A", "a == a; a == b; f(x) == f( x );") ==
        Texts{"a == a", "f(x) == f( x )"});
  CHECK(texts("js", "$_A == $_A", "a == a; a == b;") == Texts{"a == a", "a == b"});
  CHECK(texts("python", "print($A)", "print(1)\nprint(1, 2)\n") == Texts{"print(1)"});
  CHECK(texts("go", "fmt.Println($A)", "package a\nfunc f() { fmt.Println(\"x\") }\n").size() <= 1);
  CHECK(texts("rust", "$A.unwrap()", "fn f() { a.unwrap(); b.c().unwrap(); }") ==
        Texts{"a.unwrap()", "b.c().unwrap()"});
  CHECK(texts("cpp", "if ($A) return $B;", "void f() { if (x) return 1; if (y) { } }") ==
        Texts{"if (x) return 1;"});
}

TEST_CASE("three dollars take any number of nodes") {
  CHECK(texts("js", "f($$$)", "f(); f(1); f(1, 2); g();") == Texts{"f()", "f(1)", "f(1, 2)"});
  SearchSpec spec;
  spec.pattern = "f($A, $$$REST)";
  const auto matches = found("js", spec, "f(1, 2, 3)");
  REQUIRE(matches.size() == 1);
  REQUIRE(matches[0].captures.size() == 2);
  CHECK(matches[0].captures[0].text == "1");
  CHECK(matches[0].captures[1].text == "2, 3");
  CHECK(matches[0].captures[1].parts == Texts{"2", ",", "3"});
  CHECK(texts("ts", "function $F($$$P) { $$$B }",
              "function a() {} function b(x: number) { return x; } const c = () => 1;")
            .size() == 2);
}

TEST_CASE("punctuation that the pattern lacks is passed over, names are not") {
  CHECK(texts("js", "function $F() { $$$ }", "async function f() { return 1 }").size() == 1);
  CHECK(texts("js", "let a = 1", "let a = 1;") == Texts{"let a = 1;"});
  CHECK(texts("js", "const a = 1", "let a = 1;").empty());
  CHECK(texts("js", "foo", "foo(foo)") == Texts{"foo", "foo"});
}

TEST_CASE("a comment is passed over before a hole or a word, not before what has parts") {
  CHECK(texts("js", "f($A, b)", "f(/*1*/ a, /*2*/ b)").size() == 1);
  CHECK(texts("js", "while ($A) $B", "while (a) /*c*/ b()").size() == 1);
  CHECK(texts("js", "while ($A) b()", "while (a) /*c*/ b()").empty());
  CHECK(texts("c", "if ($A) return $B;", "int f() { if (a) /*c*/ return b; }").empty());
}

TEST_CASE("a text without the words of a pattern is not parsed, and holds no match") {
  const auto possible = [](const char* language, const char* pattern, const char* text) {
    auto compiled = AstPattern::compile(*language_named(language), pattern);
    REQUIRE(compiled.ok());
    return compiled->possible_in(text);
  };
  CHECK(possible("c", "sizeof($A)", "n = sizeof(x);"));
  CHECK(!possible("c", "sizeof($A)", "n = my_sizeof(x) + sizeofs;"));
  CHECK(!possible("c", "if ($A) return $B;", "#ifdef A\nint x;\n#endif"));
  CHECK(possible("c", "if ($A) return $B;", "#ifdef A\nif(x)return\"y\";\n#endif"));
  CHECK(!possible("cpp", "if ($A) return $B;", "// if it can, return\nint x;"));
  CHECK(possible("cpp", "if ($A) return $B;", "R\"(if)\" return"));
  CHECK(!possible("js", "foo($A)", "bar(1)"));
  // Letters may follow a number at once.
  CHECK(possible("python", "$A if $B else $C", "x = 1if y else 2"));
  CHECK(texts("python", "$A if $B else $C", "x = 1if y else 2\n").size() == 1);
  // What stands behind $$$ need not be there.
  CHECK(possible("ruby", "def f $$$A end", "def f; 1"));
  CHECK(possible("php", "if ($A) { $$$B }", "<?php IF ($x) { y(); }"));
  CHECK(texts("php", "if ($A) { $$$B }", "<?php IF ($x) { y(); }").size() == 1);
}

TEST_CASE("a selector names the part of a text that is the pattern") {
  SearchSpec spec;
  spec.pattern = "class A { $M() { $$$ } }";
  spec.selector = "method_definition";
  const auto matches = found("js", spec, "class B { go() { return 1; } }");
  REQUIRE(matches.size() == 1);
  CHECK(matches[0].text == "go() { return 1; }");
}

TEST_CASE("constraints narrow a search, holes are shared") {
  const std::string text = "function a() { log(x); }\nfunction b() { log(y); throw y; }\nlog(z);\n";
  SearchSpec spec;
  spec.pattern = "log($A)";
  CHECK(found("js", spec, text).size() == 3);
  auto inside = spec;
  inside.inside = "function b() { $$$ }";
  CHECK(found("js", inside, text).size() == 1);
  auto regex = spec;
  regex.where = {{"A", "^[xz]$"}};
  CHECK(found("js", regex, text).size() == 2);
  SearchSpec functions;
  functions.pattern = "function $F() { $$$ }";
  auto has = functions;
  has.has = "throw $B";
  CHECK(found("js", has, text).size() == 1);
  auto without = functions;
  without.without = "throw $B";
  CHECK(found("js", without, text).size() == 1);
}

TEST_CASE("a query of tree-sitter's own language") {
  SearchSpec spec;
  spec.query = "(call_expression function: (identifier) @name arguments: (arguments) @args)";
  const auto matches = found("js", spec, "f(1); a.b(2);");
  REQUIRE(matches.size() == 1);
  REQUIRE(matches[0].captures.size() == 2);
  CHECK(matches[0].captures[0].text == "f");
  CHECK(matches[0].captures[1].text == "(1)");
}

TEST_CASE("places are told in bytes, code points and UTF-16 units") {
  SearchSpec spec;
  spec.pattern = "f($A)";
  const auto matches = found("js", spec, "let a;\n'\xF0\x9F\x98\x80\xC3\xA9' + f(1);\n");
  REQUIRE(matches.size() == 1);
  const auto& at = matches[0].range.begin;
  CHECK(at.line == 1);
  CHECK(at.offset == 7 + 8 + 3);
  CHECK(at.column == 2 + 2 + 3);
  CHECK(at.column_utf16 == 3 + 2 + 3);
  CHECK(matches[0].lines == "'\xF0\x9F\x98\x80\xC3\xA9' + f(1);");
}

TEST_CASE("a bad pattern says what is wrong with it") {
  const auto error = [](const SearchSpec& spec) {
    auto made = CodeSearch::make(*language_named("js"), spec);
    REQUIRE_FALSE(made.ok());
    return made.error().text();
  };
  SearchSpec spec;
  CHECK(error(spec).find("pattern or a query") != std::string::npos);
  spec.pattern = "a; b";
  CHECK(error(spec).find("more than one statement") != std::string::npos);
  spec.pattern = "  ";
  CHECK(error(spec).find("empty") != std::string::npos);
  spec.pattern = "f($A)";
  spec.selector = "no_such_kind";
  CHECK(error(spec).find("no_such_kind") != std::string::npos);
  spec.selector = "";
  spec.where = {{"A", "("}};
  CHECK(error(spec).find("where") != std::string::npos);
  SearchSpec query;
  query.query = "(no_such_node) @a";
  CHECK(error(query).find("at byte 1") != std::string::npos);
}

}  // namespace muster::treesitter
