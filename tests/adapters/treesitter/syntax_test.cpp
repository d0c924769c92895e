// What the grammars say is wrong with a text, and what a change made worse.
#include <catch2/catch_test_macros.hpp>
#include <set>

#include "adapters/treesitter/source_tree.hpp"
#include "adapters/treesitter/tree_sitter_syntax.hpp"

namespace muster {
namespace {

std::vector<SyntaxProblem> problems(const std::string& path, const std::string& text) {
  TreeSitterSyntax syntax;
  auto report = syntax.check(path, text);
  REQUIRE(report.ok());
  REQUIRE(report->language);
  return report->problems;
}

std::vector<SyntaxProblem> news(TreeSitterSyntax& syntax, const std::string& path,
                                const std::string& before, const std::string& after) {
  auto report = syntax.compare(path, before, after);
  REQUIRE(report.ok());
  return report->problems;
}

/// One valid text of every language.
const std::vector<std::pair<std::string, std::string>> kValid = {
    {"a.sh", "for f in *; do echo \"$f\"; done\n"},
    {"a.c", "int main(void) { return 0; }\n"},
    {"a.cpp", "template <class T> struct A { T t; };\n"},
    {"a.cs", "class A { int B() => 1; }\n"},
    {"a.css", "a > b { color: red; }\n"},
    {"a.go", "package a\n\nfunc F() int { return 1 }\n"},
    {"a.html", "<p>text</p>\n"},
    {"A.java", "class A { int b() { return 1; } }\n"},
    {"a.js", "const f = async (x) => { await x?.y ?? 1; };\n"},
    {"a.json", "{\"a\": [1, null]}\n"},
    {"tsconfig.json", "{ /* a */ \"b\": 1 }\n"},
    {"a.md", "# Title\n\n- item\n"},
    {"a.php", "<?php function f(int $a): int { return $a; }\n"},
    {"a.py", "def f(a: int) -> int:\n    return a\n"},
    {"a.rb", "def f(a)\n  a + 1\nend\n"},
    {"a.rs", "fn f(a: i32) -> i32 { a }\n"},
    {"a.toml", "[a]\nb = 1\n"},
    {"a.tsx", "const A = (p: P) => <div>{p.x}</div>;\n"},
    {"a.ts", "interface A<T> { b: T | null }\n"},
    {"a.yaml", "a:\n  - b: 1\n"},
};

}  // namespace

TEST_CASE("every language has its grammar, and valid text has no problems") {
  REQUIRE(kValid.size() == languages().size());
  std::set<const Language*> seen;
  for (const auto& [path, text] : kValid) {
    INFO(path);
    CHECK(problems(path, text).empty());
    CHECK(treesitter::grammar_of(*language_of(path)));
    seen.insert(language_of(path));
  }
  CHECK(seen.size() == languages().size());
}

TEST_CASE("a problem says where, what stands there and what was expected") {
  const auto missing = problems("a.c", "int main(void) {\n  int á = 1\n  return á;\n}\n");
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].line == 2);
  CHECK(missing[0].column == 12);  // code points, not bytes
  CHECK(missing[0].message == "';' is missing");
  CHECK(missing[0].text == "int á = 1");

  const auto open = problems("a.js", "function f() {\n  if (x) {\n    g();\n}\n");
  REQUIRE_FALSE(open.empty());
  CHECK(
      (open[0].message.find("'}'") != std::string::npos || open[0].message == "'{' is not closed"));

  const auto unexpected = problems("a.py", "x = 1 +\ny = 2\n");
  REQUIRE_FALSE(unexpected.empty());
  CHECK(unexpected[0].line == 1);

  const auto json = problems("a.json", "{\"a\": 1,, \"b\": 2}\n");
  REQUIRE(json.size() == 1);
  CHECK(json[0].message == "unexpected ','");
  CHECK(json[0].expected.find("'{'") != std::string::npos);
}

TEST_CASE("what a grammar wrongly takes for an error is none") {
  CHECK(problems("a.js", "const _null = 1;\nexport { _null as null, _null as x };\n").empty());
  CHECK_FALSE(problems("a.js", "export { a as };\n").empty());
  CHECK_FALSE(problems("a.js", "export { a as b c };\n").empty());
}

TEST_CASE("a change is judged by what is new in it") {
  TreeSitterSyntax syntax;
  const std::string good = "int a;\nint b;\nint c;\n";
  const std::string bad = "int a;\nint b\nint c;\n";
  CHECK(news(syntax, "a.c", good, bad).size() == 1);
  CHECK(news(syntax, "a.c", bad, good).empty());
  CHECK(news(syntax, "a.c", bad, bad).empty());
  // An old error that moved is no new one; a second of the same kind on such a line is.
  CHECK(news(syntax, "a.c", bad, "// more\n\n" + bad).empty());
  CHECK(news(syntax, "a.c", bad, bad + bad).size() == 1);
  // A new file is compared with nothing.
  CHECK(syntax.compare("a.c", std::nullopt, bad)->problems.size() == 1);
}

TEST_CASE("incremental parsing sees what parsing anew sees") {
  std::string text = "int f0(void) { return 0; }\n";
  for (int i = 1; i < 300; ++i)
    text += "int f" + std::to_string(i) + "(int a) { if (a) { return f0(); } return a; }\n";
  TreeSitterSyntax kept;
  std::uint64_t seed = 42;
  const auto next = [&seed](std::size_t below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>((seed >> 33U) % below);
  };
  static const std::vector<std::string> pieces = {"{", "}", ";", "(", "int x;", "\"", "/*", ""};
  auto before = text;
  for (int round = 0; round < 200; ++round) {
    auto after = before;
    const auto at = next(after.size());
    after.replace(at, next(6), pieces[next(pieces.size())]);
    const auto incremental = kept.compare("a.c", before, after);
    TreeSitterSyntax fresh;
    const auto anew = fresh.compare("a.c", before, after);
    REQUIRE((incremental.ok() && anew.ok()));
    CHECK(incremental->problems.empty() == anew->problems.empty());
    before = round % 20 == 19 ? text : after;
  }
}

TEST_CASE("what no grammar knows is not judged") {
  TreeSitterSyntax syntax;
  auto report = syntax.check("notes.txt", "}{");
  REQUIRE(report.ok());
  CHECK_FALSE(report->language);
}

TEST_CASE("hostile text ends in time, with a limit that is said") {
  TreeSitterSyntax syntax({.max_bytes = 1000, .max_time = std::chrono::milliseconds(10000)});
  auto report = syntax.check("a.js", std::string(2000, '('));
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().code == ErrorCode::limit_reached);
  CHECK(report.error().context == "a.js");
  TreeSitterSyntax bounded;
  CHECK(bounded.check("a.js", std::string(200'000, '[')).ok() == true);
  std::string zeros("a\0b", 3);
  CHECK(bounded.check("a.py", zeros).ok());
  CHECK(bounded.check("a.py", "\xff\xfe\xfd").ok());
}

TEST_CASE("no more problems are listed than anybody reads") {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "int x" + std::to_string(i) + " = ;\n";
  TreeSitterSyntax syntax;
  auto report = syntax.check("a.c", text);
  REQUIRE(report.ok());
  CHECK(report->problems.size() <= 50);
  CHECK(report->truncated);
}

}  // namespace muster
