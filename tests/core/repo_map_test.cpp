// What the map shows, and in which order.
#include "runtime/core/repo_map.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "runtime/core/chat.hpp"
#include "runtime/core/map_words.hpp"
#include "runtime/core/name_id.hpp"

namespace muster {
namespace {

using Catch::Matchers::ContainsSubstring;

MapSymbol symbol(const std::string& name, int line, int end = 0, int depth = 0,
                 const std::string& kind = "function") {
  return {name, kind, "void " + name + "()", line, end == 0 ? line : end, depth};
}

std::vector<MapUse> uses(const std::vector<std::pair<std::string, int>>& names) {
  std::vector<MapUse> out;
  for (const auto& it : names)
    out.push_back({name_id(it.first), static_cast<std::uint32_t>(it.second)});
  return out;
}

/// Three files that all use core, of which one uses helper, too.
std::vector<MapFile> project() {
  return {{"core.cpp", "cpp", {symbol("run_core", 1), symbol("unused", 5)}, {}, {}},
          {"helper.cpp", "cpp", {symbol("assist", 3)}, uses({{"run_core", 1}}), {0}},
          {"main.cpp", "cpp", {symbol("main", 2)}, uses({{"run_core", 4}, {"assist", 1}}), {0, 1}},
          {"other.py", "python", {symbol("run_core", 9)}, {}, {}}};
}

std::string first_name(const std::vector<MapFile>& files, const MapWish& wish) {
  const auto ranked = rank_symbols(files, wish);
  return files[ranked[0].file].path + " " + files[ranked[0].file].symbols[ranked[0].symbol].name;
}

}  // namespace

TEST_CASE("what is used most comes first, and another language's name is another name") {
  const auto files = project();
  CHECK(first_name(files, {}) == "core.cpp run_core");
  const auto ranked = rank_symbols(files, {});
  CHECK(ranked.size() == 5);
  for (std::size_t i = 1; i < ranked.size(); ++i) CHECK(ranked[i - 1].score >= ranked[i].score);
}

TEST_CASE("a file that is not imported is not seen") {
  auto files = project();
  files.push_back({"decoy.cpp", "cpp", {symbol("run_core", 1)}, {}, {}});
  CHECK(first_name(files, {}) == "core.cpp run_core");
  // Without any imports of the language nothing is known, and both are meant.
  for (auto& file : files) file.imports.clear();
  double core = 0;
  double decoy = 0;
  for (const auto& it : rank_symbols(files, {})) {
    if (it.symbol != 0) continue;
    if (files[it.file].path == "core.cpp") core = it.score;
    if (files[it.file].path == "decoy.cpp") decoy = it.score;
  }
  CHECK(decoy > core / 2);
}

TEST_CASE("names and files of the wish weigh more") {
  const auto files = project();
  CHECK(first_name(files, {2000, "mend `assist`", {}}) == "helper.cpp assist");
  CHECK(first_name(files, {2000, "", {"other.py"}}) == "other.py run_core");
}

TEST_CASE("private names and names that everybody defines weigh less") {
  std::vector<MapFile> files{
      {"a.py", "python", {symbol("_hidden", 1), symbol("public", 2)}, {}, {}},
      {"b.py", "python", {}, uses({{"_hidden", 1}, {"public", 1}}), {0}}};
  CHECK(first_name(files, {}) == "a.py public");
  files[0].symbols[0].name = "common";
  for (int i = 0; i < 10; ++i)
    files.push_back({"c" + std::to_string(i) + ".py", "python", {symbol("common", 1)}, {}, {}});
  files[1].uses = uses({{"common", 1}, {"public", 1}});
  CHECK(first_name(files, {}) == "a.py public");
}

TEST_CASE("the text has files, lines and what symbols lie in, and no module") {
  const std::vector<MapFile> files{
      {"a.cpp",
       "cpp",
       {symbol("space", 1, 90, 0, "module"), symbol("Engine", 2, 40, 1, "class"),
        symbol("run", 5, 8, 2), symbol("later", 50, 60, 1)},
       {},
       {}},
      {"b.cpp", "cpp", {}, uses({{"run", 1}}), {0}}};
  const auto text = repo_map(files, {12, "", {}});
  CHECK(text == "a.cpp:\n2: void Engine()\n5:   void run()\n");
  CHECK(repo_map(files, {1000, "", {}}) ==
        "a.cpp:\n1: void space()\n2:   void Engine()\n5:     void run()\n50:   void later()\n");
}

TEST_CASE("the budget is kept, whatever it is, and more budget never shows less") {
  std::vector<MapFile> files;
  for (int i = 0; i < 50; ++i) {
    MapFile file{"folder/file" + std::to_string(i) + ".js", "javascript", {}, {}, {}};
    for (int k = 0; k < 20; ++k)
      file.symbols.push_back(symbol("symbol_" + std::to_string(i * k % 97), k + 1));
    file.uses = uses({{"symbol_" + std::to_string(i), i + 1}, {"symbol_3", 2}});
    files.push_back(std::move(file));
  }
  std::size_t before = 0;
  for (const std::int64_t budget : {0, 1, 5, 20, 100, 1000, 100000}) {
    const auto text = repo_map(files, {budget, "", {}});
    CHECK(estimate_tokens(text.size()) <= budget);
    CHECK(text.size() >= before);
    before = text.size();
    CHECK(text == repo_map(files, {budget, "", {}}));
  }
  CHECK_THAT(repo_map(files, {100000, "", {}}), ContainsSubstring("file49.js"));
  CHECK(repo_map(files, {-1, "", {}}).empty());
  CHECK(repo_map({}, {}).empty());
}

TEST_CASE("words of names") {
  using Words = std::vector<std::string>;
  CHECK(words_of_name("PlanParser::run_all") == Words{"plan", "parser", "run", "all"});
  CHECK(words_of_name("parseHTTPRequest2") == Words{"parse", "http", "request2"});
  CHECK(words_of_name("__x__") == Words{"x"});
  CHECK(words_of_name("").empty());
}

TEST_CASE("how well names and paths fit a task") {
  const TaskWords words("Fix the leases of run_core in src/gate.cpp, see SyntaxGate");
  CHECK(words.fit_of_name("run_core") == 1);
  CHECK(words.fit_of_name("syntaxgate") == 0.6);
  CHECK(words.fit_of_name("Lease") > 0);
  CHECK(words.fit_of_name("Fix") == 0);  // says nothing
  CHECK(words.fit_of_name("elsewhere") == 0);
  CHECK(words.fit_of_path("src/gate.cpp") == 1);
  CHECK(words.fit_of_path("lib/gate.cpp") == 1);
  CHECK(words.fit_of_path("src/leases.hpp") > 0);
  CHECK(words.fit_of_path("src/other.hpp") == 0);
  CHECK(TaskWords("").fit_of_name("x") == 0);
}

}  // namespace muster
