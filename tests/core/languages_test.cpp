// Which language a file is in.
#include "runtime/core/languages.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>

namespace muster {
namespace {

std::string name_of(std::string_view path, std::string_view head = {}) {
  const auto* language = language_of(path, head);
  return language ? std::string(language->name) : "";
}

}  // namespace

TEST_CASE("a file's name says its language") {
  CHECK(name_of("src/a.ts") == "typescript");
  CHECK(name_of("src/a.d.ts") == "typescript");
  CHECK(name_of("a.tsx") == "tsx");
  CHECK(name_of("include/a.h") == "cpp");
  CHECK(name_of("x/Gemfile") == "ruby");
  CHECK(name_of("a.unknown").empty());
  CHECK(name_of("").empty());
  CHECK(name_of(".ts").empty());  // a hidden file, not a suffix
}

TEST_CASE("a file without a suffix says its language in its first line") {
  CHECK(name_of("bin/tool", "#!/usr/bin/env python3\nimport os\n") == "python");
  CHECK(name_of("bin/tool", "#!/usr/bin/env -S A=1 node --flag\n") == "javascript");
  CHECK(name_of("bin/tool", "#!/bin/sh") == "bash");
  CHECK(name_of("bin/tool", "#! /usr/bin/python3.11 -u\n") == "python");
  CHECK(name_of("bin/tool", "#!").empty());
  CHECK(name_of("bin/tool", "plain text").empty());
  CHECK(name_of("a.txt", "#!/bin/sh").empty());
}

TEST_CASE("every name, alias and suffix belongs to one language") {
  std::set<std::string> seen;
  for (const auto& language : languages()) {
    CHECK(language_named(language.name) == &language);
    for (auto list : {language.suffixes, language.names}) {
      while (!list.empty()) {
        const auto end = std::min(list.find(' '), list.size());
        CHECK(seen.insert(std::string(list.substr(0, end))).second);
        list.remove_prefix(std::min(end + 1, list.size()));
      }
    }
  }
  CHECK(language_named("TypeScript")->name == "typescript");
  CHECK(language_named("c++")->name == "cpp");
  CHECK(language_named("py")->name == "python");
  CHECK_FALSE(language_named("klingon"));
  CHECK_FALSE(language_named(""));
}

}  // namespace muster
