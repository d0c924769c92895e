// What files define, language by language.
#include "adapters/treesitter/outline.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster::treesitter {
namespace {

using Lines = std::vector<std::string>;

/// "line kind path" of each symbol.
Lines outline(const char* language, const std::string& text) {
  SourceParser parser;
  auto tree = parser.parse(*language_named(language), text);
  REQUIRE(tree.ok());
  Lines out;
  for (const auto& symbol : outline_of(*tree))
    out.push_back(std::to_string(symbol.line) + " " + symbol.kind + " " + symbol.path);
  return out;
}

}  // namespace

TEST_CASE("C++: namespaces, classes, methods, functions, not what is only declared to be") {
  CHECK(
      outline("cpp",
              "namespace a::b {\nclass Forward;\nclass C : public D {\n public:\n  int run(int x) "
              "const;\n"
              "  int field_;\n  static C* make() { return nullptr; }\n  enum class E { one };\n};\n"
              "int C::run(int x) const { int local = 1; return x + local; }\n"
              "template <class T> struct S { T t; };\nusing X = int;\nconstexpr int limit = 3;\n"
              "std::vector<int>& all();\n}  // namespace a::b\n#define M(x) x\n") ==
      Lines{"1 module a::b", "3 class a::b::C", "5 method a::b::C::run", "7 method a::b::C::make",
            "8 enum a::b::C::E", "10 function a::b::C::run", "11 struct a::b::S", "12 type a::b::X",
            "14 function a::b::all", "16 macro M"});
}

TEST_CASE("C") {
  CHECK(
      outline(
          "c",
          "typedef struct { int a; } T;\nstruct s { int b; };\nstatic int *f(int a) { return 0; }\n"
          "int g(void);\nint v = 1;\n#define N 1\n") ==
      Lines{"1 type T", "2 struct s", "3 function f", "4 function g", "6 macro N"});
}

TEST_CASE("TypeScript and JavaScript") {
  CHECK(outline(
            "ts",
            "export class A<T> extends B {\n  private x = 1\n  async go(a: number): Promise<void> "
            "{}\n}\n"
            "interface I { a: string }\ntype T = string\nexport const f = async (x: number) => x\n"
            "const notOne = 1\nexport default function g() {}\nenum E { a }\n"
            "namespace N { export function h() {} }\n") ==
        Lines{"1 class A", "3 method A.go", "5 interface I", "6 type T", "7 function f",
              "9 function g", "10 enum E", "11 module N", "11 function N.h"});
  CHECK(outline("js",
                "class A { get x() { return 1 } static y() {} }\nfunction* f() {}\n"
                "module.exports = { g() {} }\n") ==
        Lines{"1 class A", "1 method A.x", "1 method A.y", "2 function f"});
}

TEST_CASE("Python, with decorators and classes in classes") {
  CHECK(outline(
            "python",
            "class A(B):\n    x = 1\n    @property\n    def p(self):\n        def inner(): pass\n"
            "        return 1\n    class C:\n        async def q(self): pass\n\ndef f(): pass\n") ==
        Lines{"1 class A", "4 method A.p", "7 class A.C", "8 method A.C.q", "10 function f"});
}

TEST_CASE("Go, Rust, Java, C#, Ruby, PHP, shell, Markdown") {
  CHECK(outline("go",
                "package a\ntype T struct{}\nfunc (t *T) M() int { return 1 }\nfunc F() {}\nconst "
                "c = 1\n") == Lines{"2 type T", "3 method M", "4 function F", "5 constant c"});
  CHECK(outline("rust",
                "pub struct S;\nimpl S { pub fn new() -> S { S } }\ntrait T { fn t(&self); }\n"
                "impl T for S { fn t(&self) {} }\nmod m { fn f() {} }\nconst C: u8 = 1;\n") ==
        Lines{"1 struct S", "2 method S::new", "3 interface T", "3 method T::t", "4 method S::t",
              "5 module m", "5 function m::f", "6 constant C"});
  CHECK(outline(
            "java",
            "class A { int b() { return 1; } A() {} enum E { X } }\ninterface I { void v(); }\n") ==
        Lines{"1 class A", "1 method A.b", "1 method A.A", "1 enum A.E", "2 interface I",
              "2 method I.v"});
  CHECK(outline("csharp", "namespace N { class A { int P { get; } void M() {} } }\n") ==
        Lines{"1 module N", "1 class N.A", "1 method N.A.P", "1 method N.A.M"});
  CHECK(outline("ruby",
                "module M\n  class A < B\n    def f; end\n    def self.g; end\n  end\nend\n") ==
        Lines{"1 module M", "2 class M::A", "3 method M::A::f", "4 method M::A::g"});
  CHECK(outline("php", "<?php\nclass A { function f() {} }\nfunction g() {}\n") ==
        Lines{"2 class A", "2 method A.f", "3 function g"});
  CHECK(outline("bash", "f() { :; }\nfunction g { :; }\n") ==
        Lines{"1 function f", "2 function g"});
}

TEST_CASE("a symbol has its signature and its lines") {
  SourceParser parser;
  auto tree =
      parser.parse(*language_named("cpp"), "int f(int a,\n      int b)\n{\n  return a;\n}\n");
  REQUIRE(tree.ok());
  const auto symbols = outline_of(*tree);
  REQUIRE(symbols.size() == 1);
  CHECK(symbols[0].signature == "int f(int a, int b)");
  CHECK(symbols[0].line == 1);
  CHECK(symbols[0].end_line == 5);
}

TEST_CASE("deep and broken code does not hurt") {
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "namespace n { ";
  CHECK(outline("cpp", deep).size() < 3000);
  CHECK(outline("js", "class { function (").size() <= 2);
}

}  // namespace muster::treesitter
