#include "runtime/core/findings.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

namespace {

Finding only(std::string_view output) {
  auto found = parse_findings(output);
  REQUIRE(found.size() == 1);
  return found[0];
}

}  // namespace

TEST_CASE("each tool's complaints come in one normal form") {
  auto gcc = only(
      "src/a.cpp: In function 'f':\nsrc/a.cpp:12:5: error: 'x' was not declared in this scope\n   "
      "12 | x;\n");
  CHECK(gcc.tool == "gcc");
  CHECK(gcc.file == "src/a.cpp");
  CHECK(gcc.line == 12);
  CHECK(gcc.column == 5);
  auto warning = parse_findings("a.c:3:1: warning: unused variable 'y' [-Wunused-variable]\n");
  REQUIRE(!warning.empty());
  CHECK(warning[0].severity == "warning");
  CHECK(warning[0].code == "-Wunused-variable");
  auto linker = only("/usr/bin/ld: a.o: undefined reference to `g'\n");
  CHECK(linker.tool == "plain");
  auto tsc = only("src/a.ts(3,7): error TS2304: Cannot find name 'q'.\n");
  CHECK(tsc.code == "TS2304");
  CHECK(tsc.line == 3);
  CHECK(tsc.column == 7);
  CHECK(only("src/a.ts:3:7 - error TS2304: Cannot find name 'q'.\n").file == "src/a.ts");
  auto pytest = only("FAILED tests/test_a.py::test_sum - AssertionError: assert 3 == 4\n");
  CHECK(pytest.test == "tests/test_a.py::test_sum");
  CHECK(pytest.file == "tests/test_a.py");
  CHECK(only("not ok 7 - dotted alias\n  ---\n").test == "dotted alias");
  CHECK(parse_findings("not ok 7 - later # TODO\nok 1\n").front().tool == "plain");
  CHECK(only("✖ adds two numbers (1.2ms)\n").test == "adds two numbers");
  CHECK(only("--- FAIL: TestAdd (0.00s)\n").test == "TestAdd");
  CHECK(only("    add_test.go:12: got 3\n").line == 12);
  CHECK(only("error[E0308]: mismatched types\n").code == "E0308");
  CHECK(only("test tests::adds ... FAILED\n").test == "tests::adds");
  CHECK(only(" 3/9 Test  #3: strings ..........***Failed    0.01 sec\n").test == "strings");
  CHECK(only("/tmp/x/a_test.cpp:14: FAILED:\n").line == 14);
  CHECK(only("all went well?\nbut it did not\n").message == "but it did not");
  CHECK(parse_findings("").empty());
}

TEST_CASE("the same complaint has the same fingerprint elsewhere and later") {
  auto a = only(
      "/tmp/snap1/src/a.cpp:12:5: error: cannot open /tmp/snap1/x.h after 12 ms at 0x7ffe12\n");
  auto b =
      only("/home/u/w2/src/a.cpp:90:1: error: cannot open /home/u/w2/x.h after 7 ms at 0x1234ab\n");
  CHECK(a.fingerprint == b.fingerprint);
  auto c = only("src/a.cpp:12:5: error: cannot open y.h after 12 ms at 0x7ffe12\n");
  CHECK(a.fingerprint != c.fingerprint);
  CHECK(only("not ok 1 - first\n").fingerprint != only("not ok 1 - second\n").fingerprint);
  CHECK(fingerprint_of("gcc", "", "no member t1") != fingerprint_of("gcc", "", "no member t2"));
}

TEST_CASE("findings are bounded and free of escapes") {
  std::string flood;
  for (int i = 0; i < 5000; ++i)
    flood += "a.c:1:1: error: no member name" + std::to_string(i) + "x\n";
  CHECK(parse_findings(flood).size() == max_findings);
  CHECK(only("a.c:1:1: error: \x1b[31mred\x1b[0m\n").message == "red");
}
