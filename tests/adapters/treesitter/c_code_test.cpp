// What of a C or C++ text is code.
#include "adapters/treesitter/c_code.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace muster::treesitter {

TEST_CASE("comments and literals are blank, and code is as it was") {
  CHECK(c_code_of("a // if\nb") == "a      \nb");
  CHECK(c_code_of("a /* if\nreturn */ b") == "a      \n          b");
  CHECK(c_code_of("f(\"if // \\\" /* \", 'x', '\\''); return") ==
        "f(              ,    ,     ); return");
  CHECK(c_code_of("int n = 1'000'000; // it's\nif") == "int n = 1'000'000;        \nif");
  const auto blanks = [](std::size_t count) { return std::string(count, ' '); };
  CHECK(c_code_of("a // joined \\\nreturn\nif") == "a" + blanks(12) + "\n" + blanks(6) + "\nif");
  CHECK(c_code_of("a // joined \\\r\nreturn\r\nif") ==
        "a" + blanks(13) + "\n" + blanks(7) + "\nif");
  CHECK(c_code_of("a // not\r\nif") == "a" + blanks(8) + "\nif");
  CHECK(c_code_of("#error don't\nif") == "#error don't\nif");
  CHECK(c_code_of("a /* no end") == "a          ");
  CHECK(c_code_of("a / b; c //") == "a / b; c   ");
  CHECK(c_code_of("") == "");
}

TEST_CASE("what a simple look cannot tell is said to be unknown") {
  CHECK_FALSE(c_code_of("R\"(if)\"").has_value());
  CHECK_FALSE(c_code_of("\"no end\nif").has_value());
  CHECK_FALSE(c_code_of("'no end").has_value());
  CHECK_FALSE(c_code_of("\"\\").has_value());
  CHECK_FALSE(c_code_of("L'\"' if").has_value());
}

}  // namespace muster::treesitter
