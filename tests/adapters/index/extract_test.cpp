// What is taken from a text, language by language.
#include "adapters/index/extract.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <set>

#include "runtime/core/name_id.hpp"

namespace muster::index {
namespace {

using Lines = std::vector<std::string>;

FileFacts facts(const char* language, const std::string& text) {
  treesitter::SourceParser parser;
  auto tree = parser.parse(*language_named(language), text);
  REQUIRE(tree.ok());
  return Extractor().facts_of(*tree);
}

Lines definitions(const FileFacts& facts) {
  Lines out;
  for (const auto& symbol : facts.symbols) out.push_back(symbol.kind + " " + symbol.name);
  return out;
}

/// The names of those asked about with how often they are used.
std::map<std::string, int> counts(const FileFacts& facts, const std::vector<std::string>& names) {
  std::map<std::string, int> out;
  for (const auto& name : names)
    out[name] = static_cast<int>(
        std::count_if(facts.uses.begin(), facts.uses.end(),
                      [&](const NameUse& use) { return use.name == name_id(name); }));
  return out;
}

/// "form-number target names !": '!' for guarded ones.
Lines imports(const FileFacts& facts) {
  Lines out;
  for (const auto& import : facts.imports) {
    auto line = import.target;
    for (const auto& name : import.names) line += " " + name;
    out.push_back(line + (import.guarded ? " !" : ""));
  }
  return out;
}

using Counts = std::map<std::string, int>;

}  // namespace

TEST_CASE("C++ facts: the last part of a name, uses without definitions, includes") {
  const auto it = facts("cpp",
                        "#include \"a/b.h\"\n#include <vector>\n"
                        "namespace n {\nclass C { int run(); };\n}\n"
                        "int n::C::run() { return run() + helper(C::x); }\n"
                        "bool operator==(C a, C b);\n");
  CHECK(definitions(it) ==
        Lines{"module n", "class C", "method run", "function run", "function operator=="});
  CHECK(counts(it, {"run", "helper", "C", "n", "x", "int", "return"}) ==
        Counts{{"run", 1}, {"helper", 1}, {"C", 4}, {"n", 1}, {"x", 1}, {"int", 0}, {"return", 0}});
  CHECK(imports(it) == Lines{"a/b.h", "vector"});
  CHECK(it.imports[0].form == ImportForm::c_quoted);
  CHECK(it.imports[1].form == ImportForm::c_system);
  CHECK(it.imports[1].line == 2);
  CHECK(it.lines == 7);
}

TEST_CASE("C facts") {
  const auto it = facts("c",
                        "#include \"x.h\"\nstruct s { int a; };\nint f(struct s *p) {\n"
                        "  return g(p->a);\n}\n");
  CHECK(definitions(it) == Lines{"struct s", "function f"});
  CHECK(counts(it, {"s", "g", "p", "f"}) == Counts{{"s", 1}, {"g", 1}, {"p", 2}, {"f", 0}});
  CHECK(imports(it) == Lines{"x.h"});
}

TEST_CASE("TypeScript facts: every way to import") {
  const auto it = facts("ts",
                        "import a, { b as c } from './a';\nimport type { T } from './t';\n"
                        "export * from './re';\nimport './side';\nimport q = require('./q');\n"
                        "const d = require('./d');\nconst e = await import(`./e`);\n"
                        "try { require('./maybe') } catch {}\nimport(`./${a}`); foo('./no');\n"
                        "class K<X> extends a { m(x: T) { return this.m(c) } }\n");
  CHECK(imports(it) == Lines{"./a", "./t", "./re", "./side", "./q", "./d", "./e", "./maybe !"});
  CHECK(definitions(it) == Lines{"class K", "method m"});
  CHECK(counts(it, {"T", "m", "K", "a"}) == Counts{{"T", 2}, {"m", 1}, {"K", 0}, {"a", 3}});
}

TEST_CASE("JavaScript and TSX facts") {
  const auto js = facts("js", "export { x } from './x.js'\nfunction f() { f(); g() }\n");
  CHECK(imports(js) == Lines{"./x.js"});
  CHECK(counts(js, {"f", "g"}) == Counts{{"f", 1}, {"g", 1}});
  const auto tsx = facts("tsx",
                         "import { Box } from './box'\n"
                         "export const App = () => <Box size={n}/>\n");
  CHECK(imports(tsx) == Lines{"./box"});
  CHECK(definitions(tsx) == Lines{"function App"});
  CHECK(counts(tsx, {"Box", "App", "n"}) == Counts{{"Box", 2}, {"App", 0}, {"n", 1}});
}

TEST_CASE("Python facts: relative modules, names, guards") {
  const auto it =
      facts("python",
            "import os.path, json as j\nfrom ..a.b import c, d as e\nfrom . import f\n"
            "from m import *\ntry:\n    import fast\nexcept ImportError:\n    fast = 0\n"
            "class K:\n    def run(self):\n        return self.run(c)\n");
  CHECK(imports(it) == Lines{"os.path", "json", "..a.b c d", ". f", "m", "fast !"});
  CHECK(definitions(it) == Lines{"class K", "method run"});
  CHECK(counts(it, {"run", "c", "K"}) == Counts{{"run", 1}, {"c", 2}, {"K", 0}});
}

TEST_CASE("Go facts") {
  const auto it = facts("go",
                        "package m\nimport (\n  \"fmt\"\n  x \"e.com/y\"\n)\n"
                        "type T struct{}\nfunc (t T) Run() { fmt.Println(x.Z, t.Run) }\n");
  CHECK(imports(it) == Lines{"fmt", "e.com/y"});
  CHECK(definitions(it) == Lines{"type T", "method Run"});
  CHECK(counts(it, {"T", "Run", "Println"}) == Counts{{"T", 1}, {"Run", 1}, {"Println", 1}});
}

TEST_CASE("Rust facts: modules, and what use lists name") {
  const auto it = facts("rust",
                        "mod a;\n#[cfg(test)]\nmod t;\nmod inner { mod deep; }\n"
                        "use crate::a::{self, B, c::{D, E as F}};\npub use z::*;\nuse q as r;\n"
                        "fn run(b: B) { run(b); }\n");
  CHECK(imports(it) == Lines{"a", "t !", "inner::deep !", "crate::a", "crate::a::B",
                             "crate::a::c::D", "crate::a::c::E", "z", "q"});
  CHECK(counts(it, {"run", "B"}) == Counts{{"run", 1}, {"B", 2}});
}

TEST_CASE("Java and C# facts") {
  const auto java = facts("java",
                          "package p;\nimport a.b.C;\nimport static a.b.C.d;\n"
                          "import e.*;\nclass K { void run() { run(); new C(); } }\n");
  CHECK(imports(java) == Lines{"a.b.C", "a.b.C.d", "e.*"});
  CHECK(definitions(java) == Lines{"class K", "method run"});
  CHECK(counts(java, {"run", "C"}) == Counts{{"run", 1}, {"C", 3}});
  const auto csharp = facts("csharp",
                            "using A.B;\nusing X = E.F;\nnamespace N.M {\n"
                            "class K { void Run() { Run(); } }\n}\n");
  CHECK(imports(csharp) == Lines{"A.B", "E.F"});
  CHECK(definitions(csharp) == Lines{"module M", "class K", "method Run"});
  CHECK(counts(csharp, {"Run", "K"}) == Counts{{"Run", 1}, {"K", 0}});
}

TEST_CASE("Ruby and PHP facts") {
  const auto ruby = facts("ruby",
                          "require 'a/b'\nrequire_relative \"../c\"\nrequire \"#{x}\"\n"
                          "begin\n  require 'maybe'\nrescue LoadError\nend\n"
                          "class K\n  def run\n    Other.new.run\n  end\nend\n");
  CHECK(imports(ruby) == Lines{"a/b", "../c", "maybe !"});
  CHECK(definitions(ruby) == Lines{"class K", "method run"});
  CHECK(counts(ruby, {"run", "Other"}) == Counts{{"run", 1}, {"Other", 1}});
  const auto php = facts("php",
                         "<?php\nuse A\\B\\C;\nuse D\\{E, F as G};\n"
                         "require_once __DIR__ . '/x.php';\ninclude 'y.php';\n"
                         "require($dir . '/z.php');\n"
                         "class K { function run() { $this->run(new C($v)); } }\n");
  CHECK(imports(php) == Lines{"A\\B\\C", "D\\E", "D\\F", "x.php", "y.php"});
  CHECK(definitions(php) == Lines{"class K", "method run"});
  CHECK(counts(php, {"run", "C"}) == Counts{{"run", 1}, {"C", 2}});
}

TEST_CASE("shell facts") {
  const auto it = facts("bash",
                        "source ./a.sh\n. \"$(dirname \"$0\")/b.sh\"\nsource \"$X\"\n"
                        "[ -f c.sh ] && . ./c.sh\ngo() { work \"$HOME\"; }\ngo\n");
  CHECK(imports(it) == Lines{"./a.sh", "b.sh !", "./c.sh !"});
  CHECK(definitions(it) == Lines{"function go"});
  CHECK(counts(it, {"go", "work", "HOME"}) == Counts{{"go", 1}, {"work", 1}, {"HOME", 1}});
}

TEST_CASE("CSS, HTML and Markdown facts") {
  const auto css = facts("css",
                         "@import 'a.css';\n@import url(\"b.css\");\n"
                         "@import url(http://x.y/c.css);\n.x { color: red }\n");
  CHECK(imports(css) == Lines{"a.css", "b.css"});
  const auto html = facts("html",
                          "<script src=\"a.js\"></script><link rel=x href=b.css>"
                          "<img src=c.png><script>var x</script>\n");
  CHECK(imports(html) == Lines{"a.js", "b.css"});
  CHECK(definitions(facts("markdown", "# Title 1.2\n\ntext\n")) == Lines{"heading Title 1.2"});
}

TEST_CASE("every language that has facts gives some, and data is not looked into") {
  std::set<std::string> without;
  for (const auto& language : languages())
    if (!has_facts(language)) without.emplace(language.name);
  CHECK(without == std::set<std::string>{"json", "jsonc", "toml", "yaml"});
  for (const auto& language : languages())
    for (const auto* text : {"", "\n", "\xff\xfe\x80", "(((((", "import \"", "use {{{", "\"\"\""})
      (void)facts(std::string(language.name).c_str(), text);
}

TEST_CASE("packed facts come back, and cut or changed ones are errors or other facts") {
  FileFacts before = facts("cpp",
                           "#include \"a.h\"\nclass C { int run(); };\nint f() { f(); g(); "
                           "return f(); }\n");
  before.imports.push_back({ImportForm::python, ".x", {"a", "b"}, 7, true});
  const auto packed = pack(before);
  const auto symbols = unpack_symbols(packed.symbols);
  REQUIRE(symbols.ok());
  REQUIRE(symbols->size() == before.symbols.size());
  for (std::size_t i = 0; i < symbols->size(); ++i) {
    CHECK((*symbols)[i].path == before.symbols[i].path);
    CHECK((*symbols)[i].name == before.symbols[i].name);
    CHECK((*symbols)[i].signature == before.symbols[i].signature);
    CHECK((*symbols)[i].end == before.symbols[i].end);
    CHECK((*symbols)[i].end_line == before.symbols[i].end_line);
  }
  CHECK(unpack_imports(packed.imports).value() == before.imports);
  CHECK(has_name(packed.names, name_id("g")));
  CHECK_FALSE(has_name(packed.names, name_id("h")));
  CHECK(unpack_places(packed.names, packed.places, name_id("f")).value().size() == 2);
  CHECK(unpack_places(packed.names, packed.places, name_id("h")).value().empty());
  for (std::size_t size = 0; size < packed.symbols.size(); ++size)
    CHECK_FALSE(unpack_symbols(std::string_view(packed.symbols).substr(0, size)).ok());
  for (std::size_t size = 0; size < packed.names.size(); ++size)
    CHECK_FALSE(unpack_names(std::string_view(packed.names).substr(0, size)).ok());
  for (std::size_t size = 0; size < packed.imports.size(); ++size)
    CHECK_FALSE(unpack_imports(std::string_view(packed.imports).substr(0, size)).ok());
  for (std::size_t at = 0; at < packed.symbols.size(); ++at) {
    auto changed = packed.symbols;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    (void)unpack_symbols(changed);  // must not read beyond, nor take memory without end
    (void)unpack_names(changed);
    (void)unpack_imports(changed);
  }
}

}  // namespace muster::index
