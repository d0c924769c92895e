// The index of real folders: what it answers, and what changes do to it.
#include "adapters/index/code_index.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <random>
#include <thread>

#include "tests/adapters/index/index_fixture.hpp"

namespace muster::index::test {

using Catch::Matchers::ContainsSubstring;

namespace {

/// All that an index knows of a tree.
Lines everything(CodeIndex& index) {
  auto out = symbols(index, {"", "", "", 100'000});
  for (const auto* name : {"alpha", "beta", "gamma", "delta", "C"})
    for (auto& line : references(index, name)) out.push_back(std::string(name) + " " + line);
  for (const auto& file : must(index.dependents({"a.py", "b.py"}))) out.push_back("dep " + file);
  out.push_back(must(index.map({500, "alpha", {}})));
  const auto report = must(index.refresh());
  out.push_back(std::to_string(report.files) + " " + std::to_string(report.symbols));
  out.insert(out.end(), report.skipped.begin(), report.skipped.end());
  return out;
}

void put_project(const Place& place, const std::string& tree = "tree") {
  place.put("src/engine.hpp", "#pragma once\nclass Engine {\n public:\n  int run(int x);\n};\n",
            tree);
  place.put("src/engine.cpp",
            "#include \"engine.hpp\"\nint Engine::run(int x) { return x; }\n"
            "int twice(Engine& e) {\n  return e.run(1) + e.run(2);\n}\n",
            tree);
  place.put("tool/main.py", "from .lib import work\n\ndef main():\n    work(1)\n", tree);
  place.put("tool/lib.py", "def work(n):\n    return n\n", tree);
  place.put("README.md", "# Title\n", tree);
  place.put("data.json", "{}\n", tree);
  place.put("notes.xyz", "nothing\n", tree);
}

}  // namespace

TEST_CASE("symbols by name, path, kind, folder and wildcard") {
  const Place place;
  put_project(place);
  const auto index = place.open();
  const auto report = must(index->refresh());
  CHECK(report.files == 6);
  CHECK(report.parsed == 5);
  CHECK(report.lines == 17);
  CHECK(report.symbols == 7);
  CHECK(report.skipped.empty());
  CHECK(symbols(*index, {"run"}) ==
        Lines{"src/engine.cpp:2 function Engine::run", "src/engine.hpp:4 method Engine::run"});
  CHECK(symbols(*index, {"Engine::run"}) == symbols(*index, {"run"}));
  CHECK(symbols(*index, {"Engine.run"}) == symbols(*index, {"run"}));
  CHECK(symbols(*index, {"gine::run"}).empty());
  CHECK(symbols(*index, {"Eng*::r*"}) == symbols(*index, {"run"}));
  CHECK(symbols(*index, {"*w*"}) ==
        Lines{"src/engine.cpp:3 function twice", "tool/lib.py:1 function work"});
  CHECK(symbols(*index, {"", "class"}) == Lines{"src/engine.hpp:2 class Engine"});
  CHECK(symbols(*index, {"", "", "tool"}) ==
        Lines{"tool/lib.py:1 function work", "tool/main.py:3 function main"});
  CHECK(symbols(*index, {"", "", "tool/lib.py"}) == Lines{"tool/lib.py:1 function work"});
  CHECK(symbols(*index, {"", "", "too"}).empty());
  CHECK(symbols(*index, {"", "", "", 2}).size() == 2);
  CHECK(must(index->symbols({"twice"}))[0].signature == "int twice(Engine& e)");
  CHECK(must(index->symbols({"twice"}))[0].end_line == 5);
}

TEST_CASE("references with their line, their column and what is around them") {
  const Place place;
  put_project(place);
  const auto index = place.open();
  CHECK(references(*index, "run") ==
        Lines{"src/engine.cpp:4:12 return e.run(1) + e.run(2); [twice]",
              "src/engine.cpp:4:23 return e.run(1) + e.run(2); [twice]"});
  CHECK(references(*index, "run", 1) ==
        Lines{"src/engine.cpp:4:12 return e.run(1) + e.run(2); [twice]", "..."});
  CHECK(references(*index, "work") ==
        Lines{"tool/main.py:1:18 from .lib import work []", "tool/main.py:4:5 work(1) [main]"});
  CHECK(references(*index, "nowhere").empty());
  CHECK(references(*index, "").empty());
  place.put("u.js", "const ä = 'öü', y = zed\n");
  CHECK(references(*index, "zed") == Lines{"u.js:1:21 const ä = 'öü', y = zed []"});
}

TEST_CASE("a change, a deletion and a new name are seen at the next question") {
  const Place place;
  put_project(place);
  const auto index = place.open();
  must(index->refresh());
  CHECK(must(index->refresh()).parsed == 0);
  place.put("tool/lib.py", "def work(n):\n    return other(n)\n\ndef extra():\n    pass\n");
  CHECK(symbols(*index, {"extra"}) == Lines{"tool/lib.py:4 function extra"});
  CHECK(references(*index, "other").size() == 1);
  place.remove("tool/lib.py");
  CHECK(symbols(*index, {"extra"}).empty());
  CHECK(references(*index, "other").empty());
  std::filesystem::rename(place.path("src/engine.hpp"), place.path("src/motor.hpp"));
  const auto report = must(index->refresh());
  CHECK(report.parsed == 0);  // its content is known
  CHECK(report.removed == 1);
  CHECK(symbols(*index, {"Engine"}) == Lines{"src/motor.hpp:2 class Engine"});
  // The same size within one tick of the clock.
  place.put("t.py", "def aaaa(): pass\n");
  CHECK(symbols(*index, {"aaaa"}).size() == 1);
  place.put("t.py", "def bbbb(): pass\n");
  CHECK(symbols(*index, {"bbbb"}).size() == 1);
}

TEST_CASE("what one process wrote, the next finds") {
  const Place place;
  put_project(place);
  const auto first = everything(*place.open());
  const auto index = place.open();
  CHECK(must(index->refresh()).parsed == 0);
  CHECK(everything(*index) == first);
}

TEST_CASE("trees share contents") {
  const Place place;
  put_project(place);
  put_project(place, "copy");
  place.put("tool/lib.py", "def changed():\n    pass\n", "copy");
  SqliteCodeIndex port(place.options());
  const auto one = must(port.open(place.tree()));
  const auto two = must(port.open(place.tree("copy")));
  CHECK(must(one->refresh()).parsed == 5);
  CHECK(must(two->refresh()).parsed == 1);
  CHECK(symbols(*one, {"work"}).size() == 1);
  CHECK(symbols(*two, {"work"}).empty());
  CHECK(symbols(*two, {"changed"}).size() == 1);
}

TEST_CASE("who imports a file, directly or through others") {
  const Place place;
  place.put("a.py", "x = 1\n");
  place.put("b.py", "from .a import x\n");
  place.put("c.py", "import b\n");
  place.put("d.py", "import json\n");
  place.put("lib/go.mod", "module example.com/m\n");
  place.put("lib/main.go", "package main\nimport \"example.com/m/in\"\nfunc main() { in.F() }\n");
  place.put("lib/in/f.go", "package in\nfunc F() {}\n");
  const auto index = place.open();
  CHECK(must(index->dependents({"a.py"})) == Lines{"b.py", "c.py"});
  CHECK(must(index->dependents({"./b.py"})) == Lines{"c.py"});
  CHECK(must(index->dependents({"a.py", "b.py"})) == Lines{"c.py"});
  CHECK(must(index->dependents({"c.py", "nothing"})).empty());
  CHECK(must(index->dependents({"lib/in/f.go"})) == Lines{"lib/main.go"});
}

TEST_CASE("imports that lead nowhere, and files that only ignore files hide") {
  const Place place;
  place.put(".gitignore", "made.ts\n");
  place.put("made.ts", "export const x = 1\n");
  place.put("a.ts", "import x from './made'\nimport y from './gone'\nimport z from 'pkg'\n");
  place.put("b.py", "from .gone import x\n");
  const auto index = place.open();
  Lines found;
  for (const auto& it : must(index->missing_imports({})))
    found.push_back(it.file + ":" + std::to_string(it.line) + " " + it.target + " " + it.missing);
  CHECK(found == Lines{"a.ts:2 ./gone gone", "b.py:1 .gone gone.py"});
  CHECK(must(index->missing_imports({"b.py"})).size() == 1);
}

TEST_CASE("the map has the files that others use") {
  const Place place;
  put_project(place);
  const auto index = place.open();
  CHECK_THAT(must(index->map({})),
             ContainsSubstring("src/engine.hpp:\n2: class Engine\n4:   int run(int x);\n"));
  CHECK(must(index->map({0, "", {}})).empty());
  CHECK_THAT(must(index->map({12, "", {"tool/lib.py"}})), ContainsSubstring("tool/lib.py"));
}

TEST_CASE("ignore files count, hidden files are seen, .git is not") {
  const Place place;
  place.put(".gitignore", "out/\n*.skip.py\n");
  place.put("out/a.py", "def in_out(): pass\n");
  place.put("b.skip.py", "def skipped(): pass\n");
  place.put(".hidden/c.py", "def hidden(): pass\n");
  place.put(".git/d.py", "def git(): pass\n");
  const auto index = place.open();
  CHECK(symbols(*index) == Lines{".hidden/c.py:1 function hidden"});
  place.put(".gitignore", "");
  CHECK(symbols(*index).size() == 3);
}

TEST_CASE("what agents may not read is not in the index either") {
  const Place place;
  place.put("a.py", "def open_one(): pass\n");
  place.put(".env.py", "def secret_one(): pass\n");
  place.put(".ssh/b.py", "def secret_two(): pass\n");
  const auto index = place.open();
  CHECK(symbols(*index) == Lines{"a.py:1 function open_one"});
}

TEST_CASE("what cannot be parsed is said, every time, and does not stop the others") {
  const Place place;
  auto options = place.options();
  options.refresh.max_file_bytes = 10'000;
  place.put("good.py", "def good(): pass\n");
  place.put("huge.py", std::string(10'001, '#'));
  place.put("binary.py", std::string("def f(): pass\0\0", 15));
  place.put("broken.py", "def f(:\n  \xff\xfe ((((\n");
  place.put("empty.py", "");
  place.put("script", "#!/usr/bin/env python3\ndef scripted(): pass\n");
  place.put("LICENSE", "no code\n");
  ::mkfifo(place.path("pipe.py").c_str(), 0600);
  ::symlink("good.py", place.path("link.py").c_str());
  const auto index = place.open_with(options);
  const Lines said{"binary.py: is binary", "huge.py: is larger than 9 KB"};
  CHECK(must(index->refresh()).skipped == said);
  CHECK(must(index->refresh()).skipped == said);
  CHECK(must(index->refresh()).parsed == 0);
  CHECK(symbols(*index, {"good"}).size() == 1);
  CHECK(symbols(*index, {"scripted"}) == Lines{"script:2 function scripted"});
  place.put("huge.py", "def small_now(): pass\n");
  CHECK(symbols(*index, {"small_now"}).size() == 1);
}

TEST_CASE("an unreadable file is said until it can be read") {
  if (::geteuid() == 0) return;  // may read everything
  const Place place;
  place.put("a.py", "def f(): pass\n");
  ::chmod(place.path("a.py").c_str(), 0);
  const auto index = place.open();
  CHECK_THAT(must(index->refresh()).skipped.at(0), ContainsSubstring("a.py: cannot be read"));
  ::chmod(place.path("a.py").c_str(), 0600);
  CHECK(must(index->refresh()).skipped.empty());
  CHECK(symbols(*index).size() == 1);
}

TEST_CASE("names of files may be any bytes") {
  const Place place;
  const std::string odd = "caf\xe9 \n'x\".py";
  place.put(odd, "def strange(): pass\n");
  const auto index = place.open();
  CHECK(must(index->symbols({"strange"})).at(0).file == odd);
  CHECK(references(*index, "strange").empty());
  place.remove(odd);
  CHECK(symbols(*index).empty());
}

TEST_CASE("property: an index that followed every change knows what a new one knows") {
  const Place place;
  std::mt19937 random(20261128);
  const auto pick = [&](std::size_t count) { return random() % count; };
  const Lines names{"alpha", "beta", "gamma", "delta"};
  const Lines files{"a.py", "b.py", "sub/c.py", "sub/d.py",  "e.cpp",
                    "f.ts", "g.md", "h",        ".gitignore"};
  SqliteCodeIndex port(place.options());
  const auto index = must(port.open(place.tree()));
  for (int round = 0; round < 40; ++round) {
    for (auto edits = 1 + pick(3); edits > 0; --edits) {
      const auto& file = files[pick(files.size())];
      if (pick(4) == 0) {
        place.remove(file);
      } else if (file == ".gitignore") {
        place.put(file, pick(2) == 0 ? "sub/\n" : "e.*\n");
      } else if (file == "h") {
        place.put(file, pick(2) == 0 ? "#!/bin/sh\nalpha() { beta; }\n" : "text\n");
      } else if (file == "e.cpp") {
        place.put(file, "struct C { int " + names[pick(4)] + "(); };\nint x = " + names[pick(4)] +
                            "();\n");
      } else if (file == "f.ts") {
        place.put(file, "import { " + names[pick(4)] + " } from './f2'\nclass C { " +
                            names[pick(4)] + "() {} }\n");
      } else {
        place.put(file, "from .a import x\nimport b\ndef " + names[pick(4)] + "(): return " +
                            names[pick(4)] + "(1)\n");
      }
    }
    auto fresh = place.options();
    fresh.database += "." + std::to_string(round);
    INFO("round " << round);
    REQUIRE(everything(*index) == everything(*place.open_with(fresh)));
  }
}

TEST_CASE("a tree that goes is an error, and one that is made again at its place is read") {
  const Place place;
  put_project(place);
  const auto index = place.open();
  CHECK(symbols(*index, {"twice"}).size() == 1);
  std::filesystem::remove_all(place.tree());
  CHECK(index->refresh().error().code == ErrorCode::not_found);
  place.put("a.py", "def again(): pass\n");
  CHECK(symbols(*index) == Lines{"a.py:1 function again"});
}

TEST_CASE("a folder that is not there is an error") {
  const Place place;
  SqliteCodeIndex port(place.options());
  CHECK(port.open(place.tree("none")).error().code == ErrorCode::not_found);
  place.put("file", "");
  CHECK_FALSE(port.open(place.path("file")).ok());
  auto options = place.options();
  options.refresh.ripgrep = "no-such-ripgrep";
  CHECK(place.open_with(options)->refresh().error().code == ErrorCode::unavailable);
  options = place.options();
  options.database = place.path("file") + "/index.db";
  CHECK_FALSE(place.open_with(options)->refresh().ok());
}

}  // namespace muster::index::test
