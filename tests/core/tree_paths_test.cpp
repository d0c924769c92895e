// The files of a tree by path.
#include "runtime/core/tree_paths.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster {
namespace {

using Views = std::vector<std::string_view>;

const TreePaths& tree() {
  static const TreePaths out({"src/b/c.h", "src/a.cpp", "c.h", "lib/b/c.h", "src/b/d/e.cpp",
                              "src-old/x.h", "src/b.h", "src/a.cpp"});
  return out;
}

}  // namespace

TEST_CASE("a tree's files and folders") {
  CHECK(tree().all().size() == 7);
  CHECK(tree().has("src/b/c.h"));
  CHECK_FALSE(tree().has("src/b"));
  CHECK_FALSE(tree().has(""));
  CHECK(tree().has_folder(""));
  CHECK(tree().has_folder("src/b"));
  CHECK_FALSE(tree().has_folder("src/b/c.h"));
  CHECK_FALSE(tree().has_folder("sr"));
  CHECK(tree().first_with_prefix("src/b.") == "src/b.h");
  CHECK(tree().first_with_prefix("nothing").empty());
}

TEST_CASE("paths by their ends are whole parts") {
  CHECK(tree().ending_with("c.h") == Views{"c.h", "lib/b/c.h", "src/b/c.h"});
  CHECK(tree().ending_with("b/c.h") == Views{"lib/b/c.h", "src/b/c.h"});
  CHECK(tree().ending_with("src/b/c.h") == Views{"src/b/c.h"});
  CHECK(tree().ending_with("/c.h").empty());
  CHECK(tree().ending_with(".h").empty());
  CHECK(tree().ending_with("").empty());
  CHECK(tree().folders_ending_with("b") == Views{"lib/b", "src/b"});
  CHECK(tree().folders_ending_with("src/b") == Views{"src/b"});
  CHECK(tree().folders_ending_with("d") == Views{"src/b/d"});
  CHECK(tree().folders_ending_with("old").empty());
  CHECK(tree().files_in("src", "") == Views{"src/a.cpp", "src/b.h"});
  CHECK(tree().files_in("", ".h") == Views{"c.h"});
  CHECK(tree().files_in("src/b/d", ".cpp") == Views{"src/b/d/e.cpp"});
  CHECK(tree().files_in("none", "").empty());
}

TEST_CASE("every folder is known once, also those that hold folders only") {
  const TreePaths paths({"a/b/c/1", "a/b/c/2", "a/b/d/3", "a/b-x/4", "z"});
  CHECK(paths.folders_ending_with("a") == Views{"a"});
  CHECK(paths.folders_ending_with("b") == Views{"a/b"});
  CHECK(paths.folders_ending_with("c") == Views{"a/b/c"});
  CHECK(paths.folders_ending_with("d") == Views{"a/b/d"});
  CHECK(paths.folders_ending_with("b-x") == Views{"a/b-x"});
  CHECK(TreePaths({}).all().empty());
  CHECK_FALSE(TreePaths({}).has_folder("a"));
}

TEST_CASE("a path beside a file") {
  const auto beside = [](std::string_view from, std::string_view target) {
    std::string out;
    return path_beside(from, target, out) ? out : "(outside)";
  };
  CHECK(beside("src/a.ts", "./b") == "src/b");
  CHECK(beside("src/a.ts", "../b/./c/") == "b/c");
  CHECK(beside("a.ts", "./b") == "b");
  CHECK(beside("a.ts", ".") == "");
  CHECK(beside("src/x/a.ts", "..") == "src");
  CHECK(beside("a.ts", "../b") == "(outside)");
  CHECK(beside("src/a.ts", "../../b") == "(outside)");
}

}  // namespace muster
