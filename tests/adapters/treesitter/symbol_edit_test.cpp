// Definitions found by name and written anew, language by language.
#include "adapters/treesitter/symbol_edit.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "adapters/treesitter/tree_sitter_code.hpp"
#include "tests/support/fake_files.hpp"

namespace muster::treesitter {
namespace {

using Catch::Matchers::ContainsSubstring;

/// The text after the edit, or "error: ...".
std::string edited(const char* language, const std::string& text, const std::string& symbol,
                   const std::string& fresh, SymbolPart part = SymbolPart::body) {
  SourceParser parser;
  auto tree = parser.parse(*language_named(language), text);
  REQUIRE(tree.ok());
  auto found = find_symbol(*tree, symbol);
  if (!found) return "error: " + found.error().text();
  auto replacement = replace_symbol(*tree, *found, part, fresh);
  if (!replacement) return "error: " + replacement.error().text();
  return replaced(text, {*replacement});
}

}  // namespace

TEST_CASE("a body in braces keeps them, and its lines stand as the old ones did") {
  const std::string cpp =
      "struct A {\n  int run();\n  int stop() { return 1; }\n};\n"
      "int A::run() {\n  int x = 1;\n  return x;\n}\n";
  CHECK(edited("cpp", cpp, "A::run", "return 2;") ==
        "struct A {\n  int run();\n  int stop() { return 1; }\n};\n"
        "int A::run() {\n  return 2;\n}\n");
  CHECK(
      edited("cpp", cpp, "stop", "if (a)\n  return 2;\nreturn 3;") ==
      "struct A {\n  int run();\n  int stop() {\n    if (a)\n      return 2;\n    return 3;\n  }\n"
      "};\nint A::run() {\n  int x = 1;\n  return x;\n}\n");
  CHECK(edited("cpp", cpp, "A.run", "{ return 7; }").ends_with("int A::run() { return 7; }\n"));
  CHECK(edited("typescript", "class A {\n\trun(): void {\n\t\told();\n\t}\n}\n", "A.run",
               "fresh();\nmore();") ==
        "class A {\n\trun(): void {\n\t\tfresh();\n\t\tmore();\n\t}\n}\n");
  CHECK(edited("javascript", "export const f = async (a) => {\n  return a;\n};\n", "f",
               "return 2;") == "export const f = async (a) => {\n  return 2;\n};\n");
  CHECK(edited("go", "func (s *S) Run() int {\n\treturn 1\n}\n", "Run", "return 2") ==
        "func (s *S) Run() int {\n\treturn 2\n}\n");
  CHECK(edited("rust", "impl A {\n    fn run(&self) {}\n}\n", "A::run", "self.go();") ==
        "impl A {\n    fn run(&self) {\n        self.go();\n    }\n}\n");
}

TEST_CASE("a body by indentation") {
  CHECK(edited("python", "class A:\n    def run(self):\n        old()\n        more()\n\nx = 1\n",
               "A.run", "if a:\n  b()\nreturn 1") ==
        "class A:\n    def run(self):\n        if a:\n          b()\n        return 1\n\nx = 1\n");
  CHECK(edited("ruby", "class A\n  def run\n    old\n  end\nend\n", "run", "fresh\nmore") ==
        "class A\n  def run\n    fresh\n    more\n  end\nend\n");
}

TEST_CASE("lines of a string stay as they are, and lines end as the file's do") {
  CHECK(edited("javascript", "class A {\n  f() {\n    old()\n  }\n}\n", "f", "return `a\n  b`") ==
        "class A {\n  f() {\n    return `a\n  b`\n  }\n}\n");
  CHECK(edited("javascript", "function f() {\r\n  old()\r\n}\r\n", "f", "a()\nb()") ==
        "function f() {\r\n  a()\r\n  b()\r\n}\r\n");
}

TEST_CASE("the whole of a definition") {
  CHECK(edited("python",
               "class A:\n    def run(self):\n        old()\n\n    def other(self): pass\n", "run",
               "def run(self, x):\n    fresh(x)", SymbolPart::whole) ==
        "class A:\n    def run(self, x):\n        fresh(x)\n\n    def other(self): pass\n");
  CHECK(edited("java", "class A {\n  void run() {\n    old();\n  }\n}\n", "A.run",
               "    int run() {\n      return 1;\n    }\n",
               SymbolPart::whole) == "class A {\n  int run() {\n    return 1;\n  }\n}\n");
}

TEST_CASE("what is not there or not one is said with what there is") {
  const std::string text = "class A { run() {} }\nclass B { run() {} }\n";
  CHECK_THAT(edited("javascript", text, "walk", "x"),
             ContainsSubstring("no 'walk'; it defines A (line 1), A.run (line 1)"));
  CHECK_THAT(edited("javascript", text, "run", "x"),
             ContainsSubstring("several definitions") && ContainsSubstring("B.run (line 2)"));
  CHECK_THAT(edited("typescript", "type T = string;\n", "T", "x"),
             ContainsSubstring("it has no body"));
}

TEST_CASE("the code of a tree: search, rewrite, outline and edits of what agents may see") {
  auto map = std::make_shared<test::FileMap>(
      test::FileMap{{"a.ts", "function run(a) {\n  return a;\n}\n"}, {"notes", "no code"}});
  TreeSitterCode code("/nowhere", std::make_shared<test::FakeFiles>(map), {});
  auto outline = code.outline("a.ts");
  REQUIRE(outline.ok());
  REQUIRE(outline->size() == 1);
  CHECK(outline->front().signature == "function run(a)");
  auto edit = code.replace_symbol("a.ts", "run", SymbolPart::body, "return 2;");
  REQUIRE(edit.ok());
  CHECK(edit->before == map->at("a.ts"));
  CHECK(edit->after == "function run(a) {\n  return 2;\n}\n");
  CHECK(code.outline("gone.ts").error().code == ErrorCode::not_found);
  CHECK(code.outline("notes").error().code == ErrorCode::invalid_argument);
  CHECK(code.index().error().code == ErrorCode::unavailable);
}

}  // namespace muster::treesitter
