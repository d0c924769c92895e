#include "runtime/core/paths.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

TEST_CASE("F3 paths are normalised before they are compared", "[paths]") {
  CHECK(absolute_path("/w", "a/./b//c/") == "/w/a/b/c");
  CHECK(absolute_path("/w", "../../../etc") == "/etc");
  CHECK(absolute_path("/w", "/x/../y") == "/y");
  CHECK(absolute_path("/w", "") == "/w");
  CHECK(absolute_path("/", "..") == "/");
  CHECK(path_within("/w", "/w"));
  CHECK(path_within("/w", "/w/a"));
  CHECK_FALSE(path_within("/w", "/wa"));
  CHECK_FALSE(path_below("/w", "/w"));
  CHECK(path_below("/", "/a"));
  CHECK_FALSE(path_below("/", "/"));
}

TEST_CASE("path parts", "[paths]") {
  CHECK(relative_to("/w", "/w/a/b") == "a/b");
  CHECK(relative_to("/w", "/w") == "");
  CHECK(relative_to("/w", "/wx/a") == "/wx/a");
  CHECK(base_name("a/b.c") == "b.c");
  CHECK(base_name("b") == "b");
  CHECK(parent_path("a/b") == "a");
  CHECK(parent_path("/a") == "/");
  CHECK(parent_path("a") == "");
  CHECK(join_path("a", "b") == "a/b");
  CHECK(join_path("", "b") == "b");
  CHECK(join_path("a/", "") == "a/");
}
