// What weakens a test is seen, in each language; what does not is let through.
#include "runtime/core/test_tampering.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

using namespace muster;

namespace {

std::vector<Finding> change(const std::string& path, const std::string& before,
                            const std::string& after) {
  return find_test_tampering({{path, before, after}});
}

/// The codes of what is found, in order, each followed by its line.
std::string codes(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& finding : findings)
    out += (out.empty() ? "" : " ") + finding.code + ":" + std::to_string(finding.line);
  return out;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

/// A file, and what happens to it.
struct Sample {
  std::string path;
  std::string text;
  /// What was done to it by replacing `what` with `by`.
  [[nodiscard]] std::string with(const std::string& what, const std::string& by) const {
    return codes(change(path, text, replaced(text, what, by)));
  }
};

const Sample js{"test/add.test.js", R"(import { add } from "../src/add.js";
import { expect, it, describe } from "vitest";

describe("add", () => {
  it("adds", () => {
    expect(add(1, 2)).toBe(3);
    expect(add(0.1, 0.2)).toBeCloseTo(0.3, 5);
  });
  it("refuses text", () => {
    expect(() => add("a", 1)).toThrow(TypeError);
  });
  it("answers an object", async () => {
    const result = await add.all([1, 2]);
    expect(result).toEqual({ sum: 3, parts: [1, 2] });
    expect(result.took).toBeLessThan(100);
  });
});
)"};

const Sample python{"tests/test_add.py", R"(import pytest
from add import add


class TestAdd:
    def test_adds(self):
        assert add(1, 2) == 3
        assert add(0.1, 0.2) == pytest.approx(0.3, abs=0.001)

    def test_refuses(self):
        with pytest.raises(TypeError):
            add("a", 1)


def test_plain():
    result = add(2, 2)
    assert result == 4, "sum"
    assert 4 in [result]
)"};

const Sample unittest{"tests/test_old.py", R"(import unittest
from add import add

class AddTest(unittest.TestCase):
    def test_adds(self):
        self.assertEqual(add(1, 2), 3)
        self.assertTrue(add(1, 1) > 0)
        self.assertAlmostEqual(add(0.1, 0.2), 0.3, places=5)
)"};

const Sample go{"add_test.go", R"(package add

import "testing"

func TestAdd(t *testing.T) {
	if got := Add(1, 2); got != 3 {
		t.Errorf("Add(1, 2) = %d", got)
	}
	t.Run("zero", func(t *testing.T) {
		if Add(0, 0) != 0 {
			t.Fatal("not zero")
		}
	})
}

func TestTestify(t *testing.T) {
	require.NoError(t, Check())
	assert.Equal(t, 3, Add(1, 2))
}
)"};

const Sample rust{"tests/add.rs", R"(use add::add;

#[test]
fn adds() {
    assert_eq!(add(1, 2), 3);
    assert!(add(1, 1) > 0, "positive");
}

#[test]
fn refuses() {
    assert!(matches!(add_text("a"), Err(_)));
}
)"};

const Sample java{"src/test/java/AddTest.java", R"(package a;

class AddTest {
  @Test
  void adds() {
    assertEquals(3, Add.add(1, 2));
    assertThat(Add.add(2, 2)).isEqualTo(4);
  }

  @Test
  void refuses() {
    assertThrows(IllegalArgumentException.class, () -> Add.add(null, 1));
  }
}
)"};

const Sample catch2{"tests/add_test.cpp", R"(#include "add.hpp"

TEST_CASE("adds", "[add]") {
  CHECK(add(1, 2) == 3);
  SECTION("zero") { REQUIRE(add(0, 0) == 0); }
}

TEST_CASE("refuses") { CHECK_THROWS_AS(add("a"), std::invalid_argument); }
)"};

const Sample gtest{"tests/add_gtest_test.cc", R"(#include <gtest/gtest.h>

TEST(Add, Adds) {
  EXPECT_EQ(add(1, 2), 3);
  EXPECT_NEAR(add(0.1, 0.2), 0.3, 0.001);
}
TEST_F(AddFixture, Zero) { ASSERT_TRUE(add(0, 0) == 0); }
)"};

const Sample bats{"tests/add.bats", R"(@test "adds" {
  run add 1 2
  [ "$status" -eq 0 ]
  [ "$output" = "3" ]
}

@test "refuses" {
  run add a
  assert_failure 2
}
)"};

}  // namespace

TEST_CASE("tampering with tests of JavaScript is seen") {
  CHECK(js.with("    expect(add(1, 2)).toBe(3);\n", "") == "assertion-removed:6");
  CHECK(js.with("expect(add(1, 2)).toBe(3);", "// expect(add(1, 2)).toBe(3);") ==
        "assertion-removed:6");
  CHECK(js.with("expect(add(1, 2)).toBe(3);", "expect(true).toBe(true);") == "assertion-removed:6");
  CHECK(js.with(".toBe(3)", ".toBe(4)") == "expectation-edited:6");
  CHECK(js.with(".toBe(3)", ".not.toBe(3)") == "expectation-edited:6");
  CHECK(js.with(".toBe(3)", ".toBeDefined()") == "assertion-weakened:6");
  CHECK(js.with(".toBe(3)", ".toBeTruthy()") == "assertion-weakened:6");
  CHECK(js.with(".toBe(3)", "") == "assertion-weakened:6");
  CHECK(js.with(".toBe(3)", ".toEqual(expect.anything())") == "assertion-weakened:6");
  CHECK(js.with("toBeCloseTo(0.3, 5)", "toBeCloseTo(0.3, 1)") == "tolerance-raised:7");
  CHECK(js.with("toThrow(TypeError)", "toThrow()") == "assertion-weakened:10");
  CHECK(js.with("toThrow(TypeError)", "not.toThrow()") != "");
  CHECK(js.with("sum: 3, parts", "sum: 4, parts") == "expectation-edited:14");
  CHECK(js.with("toEqual({ sum", "toMatchObject({ sum") == "assertion-weakened:14");
  CHECK(js.with("toBeLessThan(100)", "toBeLessThan(10000)") == "assertion-weakened:15");
  CHECK(js.with("it(\"adds\"", "it.skip(\"adds\"") == "test-skipped:5");
  CHECK(js.with("it(\"adds\"", "xit(\"adds\"") == "test-skipped:5");
  CHECK(js.with("it(\"adds\", ", "it(\"adds\", { skip: true }, ") == "test-skipped:5");
  CHECK(js.with("it(\"adds\"", "it.only(\"adds\"") == "test-focused:5");
  CHECK(js.with("describe(\"add\"", "describe.skip(\"add\"") ==
        "test-skipped:5 test-skipped:9 test-skipped:12");
  CHECK(js.with("=> {\n    expect(add(1", "=> {\n    return;\n    expect(add(1") ==
        "assertion-removed:6 assertion-removed:7");
  CHECK(js.with(R"(  it("refuses text", () => {
    expect(() => add("a", 1)).toThrow(TypeError);
  });
)",
                "") == "test-deleted:9");
  CHECK(js.with(R"(  it("refuses text", () => {
    expect(() => add("a", 1)).toThrow(TypeError);
  });
)",
                R"(/*  it("refuses text", () => {
    expect(() => add("a", 1)).toThrow(TypeError);
  }); */
)") == "test-deleted:9");
  auto gone = find_test_tampering({{js.path, js.text, std::nullopt}});
  REQUIRE(codes(gone) == "test-file-deleted:5");
  CHECK(gone[0].message.find("3 tests") != std::string::npos);
}

TEST_CASE("tampering with node:test, ava and tap is seen") {
  const Sample node{"test/a.test.mjs", R"(test('adds', (t) => {
  assert.strictEqual(add(1, 2), 3);
  assert.ok(add(1, 1));
  t.is(add(2, 2), 4);
});
)"};
  CHECK(node.with("add(1, 2), 3", "add(1, 2), 4") == "expectation-edited:2");
  CHECK(node.with("strictEqual(add(1, 2), 3)", "ok(add(1, 2))") == "assertion-weakened:2");
  CHECK(node.with("assert.ok(add(1, 1));", "assert.ok(true);") == "assertion-removed:3");
  CHECK(node.with("assert.ok(add(1, 1));", "assert.ok(add(1, 1) || true);") ==
        "assertion-removed:3");
  CHECK(node.with("  t.is(", "  t.skip('later');\n  t.is(") == "test-skipped:1");
  CHECK(node.with("t.is(add(2, 2), 4)", "t.is(add(2, 2), 4, 'a message')") == "");
}

TEST_CASE("tampering with tests of Python is seen") {
  CHECK(python.with("        assert add(1, 2) == 3\n", "") == "assertion-removed:7");
  CHECK(python.with("        assert add(1, 2) == 3\n", "        # assert add(1, 2) == 3\n") ==
        "assertion-removed:7");
  CHECK(python.with("add(1, 2) == 3", "add(1, 2) == 4") == "expectation-edited:7");
  CHECK(python.with("add(1, 2) == 3", "add(1, 2) != 3") == "expectation-edited:7");
  CHECK(python.with("add(1, 2) == 3", "add(1, 2) is not None") == "assertion-weakened:7");
  CHECK(python.with("add(1, 2) == 3", "add(1, 2)") == "assertion-weakened:7");
  CHECK(python.with("add(1, 2) == 3", "add(1, 2) == 3 or True") == "assertion-weakened:7");
  CHECK(python.with("assert add(1, 2) == 3", "assert True") == "assertion-removed:7");
  CHECK(python.with("abs=0.001", "abs=0.5") == "tolerance-raised:8");
  CHECK(python.with("raises(TypeError)", "raises(Exception)") == "assertion-weakened:11");
  CHECK(python.with("assert result == 4", "assert result == 5") == "expectation-edited:17");
  CHECK(python.with("def test_plain", "@pytest.mark.skip(reason=\"later\")\ndef test_plain") ==
        "test-skipped:16");
  CHECK(python.with("def test_plain", "@pytest.mark.xfail\ndef test_plain") == "test-skipped:16");
  CHECK(python.with("class TestAdd", "@pytest.mark.skip\nclass TestAdd") ==
        "test-skipped:7 test-skipped:11");
  CHECK(python.with("from add", "pytestmark = pytest.mark.skip\nfrom add") == "test-skipped:1");
  CHECK(python.with("    result = add", "    pytest.skip(\"x\")\n    result = add") ==
        "test-skipped:15");
  CHECK(python.with("    result = add", "    return\n    result = add") ==
        "assertion-removed:17 assertion-removed:18");
  CHECK(python.with("def test_plain", "def plain") == "test-deleted:15");
  CHECK(unittest.with("add(1, 2), 3", "add(1, 2), 4") == "expectation-edited:6");
  CHECK(unittest.with("assertEqual(add(1, 2), 3)", "assertIsNotNone(add(1, 2))") ==
        "assertion-weakened:6");
  CHECK(unittest.with("assertTrue(add(1, 1) > 0)", "assertFalse(add(1, 1) > 0)") != "");
  CHECK(unittest.with("places=5", "places=1") == "tolerance-raised:8");
  CHECK(unittest.with("    def test_adds", "    @unittest.skip(\"x\")\n    def test_adds") ==
        "test-skipped:6");
}

TEST_CASE("tampering with tests of Go is seen") {
  CHECK(go.with("got != 3", "got != 4") == "expectation-edited:6");
  CHECK(go.with("\t\tt.Errorf(\"Add(1, 2) = %d\", got)\n", "\t\tt.Logf(\"%d\", got)\n") ==
        "assertion-removed:6");
  CHECK(go.with("if Add(0, 0) != 0 {", "if false {") == "assertion-removed:10");
  CHECK(go.with("3, Add(1, 2)", "4, Add(1, 2)") == "expectation-edited:18");
  CHECK(go.with("Equal(t, 3, Add(1, 2))", "NotNil(t, Add(1, 2))") == "assertion-weakened:18");
  CHECK(go.with("\trequire.NoError(t, Check())\n", "") == "assertion-removed:17");
  CHECK(go.with("\trequire.NoError", "\tt.Skip()\n\trequire.NoError") == "test-skipped:16");
  CHECK(go.with("func TestTestify", "func testTestify") == "test-deleted:16");
}

TEST_CASE("tampering with tests of Rust is seen, in source files, too") {
  CHECK(rust.with("add(1, 2), 3", "add(1, 2), 4") == "expectation-edited:5");
  CHECK(rust.with("assert_eq!(add(1, 2), 3)", "assert_ne!(add(1, 2), 3)") ==
        "expectation-edited:5");
  CHECK(rust.with("assert!(add(1, 1) > 0, \"positive\")", "assert!(true)") ==
        "assertion-removed:6");
  CHECK(rust.with("#[test]\nfn adds", "#[test]\n#[ignore]\nfn adds") == "test-skipped:5");
  CHECK(rust.with("#[test]\nfn refuses", "#[test]\n#[should_panic]\nfn refuses") ==
        "test-skipped:11");
  CHECK(rust.with("#[test]\nfn refuses", "fn refuses") == "test-deleted:10");
  const Sample inside{"src/lib.rs", R"(pub fn add(a: i32, b: i32) -> i32 {
    assert!(a >= 0);
    a + b
}
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn adds() { assert_eq!(add(1, 2), 3); }
}
)"};
  CHECK(may_hold_tests(inside.path));
  CHECK(inside.with("    assert!(a >= 0);\n", "") == "");
  CHECK(inside.with("add(1, 2), 3", "add(1, 2), 4") == "expectation-edited:9");
}

TEST_CASE("tampering with tests of Java is seen") {
  CHECK(java.with("assertEquals(3,", "assertEquals(4,") == "expectation-edited:6");
  CHECK(java.with("assertEquals(3, Add.add(1, 2))", "assertNotNull(Add.add(1, 2))") ==
        "assertion-weakened:6");
  CHECK(java.with(".isEqualTo(4)", ".isNotNull()") == "assertion-weakened:7");
  CHECK(java.with("IllegalArgumentException.class", "Exception.class") != "");
  CHECK(java.with("  @Test\n  void refuses", "  @Disabled\n  @Test\n  void refuses") ==
        "test-skipped:12");
  CHECK(java.with("class AddTest", "@Disabled\nclass AddTest") == "test-skipped:6 test-skipped:12");
  CHECK(java.with("  @Test\n  void refuses", "  void refuses") == "test-deleted:11");
}

TEST_CASE("tampering with tests of C++ is seen") {
  CHECK(catch2.with("add(1, 2) == 3", "add(1, 2) == 4") == "expectation-edited:4");
  CHECK(catch2.with("CHECK(add(1, 2) == 3);", "CHECK(true);") == "assertion-removed:4");
  CHECK(catch2.with("CHECK(add(1, 2) == 3);", "CHECK(add(1, 2) > 0);") == "assertion-weakened:4");
  CHECK(catch2.with("\"[add]\"", "\"[.][add]\"") == "test-skipped:3 test-skipped:5");
  CHECK(catch2.with("  CHECK(add", "  SKIP(\"later\");\n  CHECK(add") == "test-skipped:3");
  CHECK(catch2.with("  SECTION(\"zero\") { REQUIRE(add(0, 0) == 0); }\n", "") == "test-deleted:5");
  CHECK(catch2.with("CHECK_THROWS_AS(add(\"a\"), std::invalid_argument)",
                    "CHECK_NOTHROW(add(\"a\"))") != "");
  CHECK(catch2.with("  CHECK(add(1, 2) == 3);\n", "#if 0\n  CHECK(add(1, 2) == 3);\n#endif\n") ==
        "assertion-removed:4");
  CHECK(gtest.with("EXPECT_EQ(add(1, 2), 3)", "EXPECT_EQ(add(1, 2), 5)") == "expectation-edited:4");
  CHECK(gtest.with("EXPECT_EQ(add(1, 2), 3)", "EXPECT_NE(add(1, 2), 3)") == "expectation-edited:4");
  CHECK(gtest.with("0.3, 0.001", "0.3, 0.5") == "tolerance-raised:5");
  CHECK(gtest.with("TEST(Add, Adds)", "TEST(Add, DISABLED_Adds)") == "test-skipped:3");
  CHECK(gtest.with("  EXPECT_EQ", "  GTEST_SKIP();\n  EXPECT_EQ") == "test-skipped:3");
}

TEST_CASE("tampering with bats is seen") {
  CHECK(bats.with("  [ \"$status\" -eq 0 ]\n", "") == "assertion-removed:3");
  CHECK(bats.with("= \"3\" ]", "= \"4\" ]") == "expectation-edited:4");
  CHECK(bats.with("= \"3\" ]", "= \"3\" ] || true") == "assertion-weakened:4");
  CHECK(bats.with("  run add a\n", "  skip\n  run add a\n") == "test-skipped:7");
  CHECK(bats.with("@test \"refuses\" {\n  run add a\n  assert_failure 2\n}\n", "") ==
        "test-deleted:7");
}

TEST_CASE("what makes tests demand more, or the same elsewhere, is no tampering") {
  const std::vector<Sample> all{js, python, unittest, go, rust, java, catch2, gtest, bats};
  for (const auto& sample : all) {
    CAPTURE(sample.path);
    CHECK(codes(change(sample.path, sample.text, sample.text)) == "");
    auto slash = sample.path.rfind('/');
    auto folder = slash == std::string::npos ? "" : sample.path.substr(0, slash + 1);
    auto moved = folder + "moved/" + sample.path.substr(slash + 1);
    CHECK(codes(find_test_tampering({{sample.path, sample.text, std::nullopt},
                                     {moved, std::nullopt, sample.text}})) == "");
    CHECK(codes(find_test_tampering({{sample.path, std::nullopt, sample.text}})) == "");
  }
  CHECK(js.with("toBe(3);", "toBe(3);\n    expect(add(5, 5)).toBe(10);") == "");
  CHECK(js.with("it(\"adds\"", "it(\"adds two numbers\"") == "");
  CHECK(js.with("describe(\"add\"", "describe(\"the sum\"") == "");
  CHECK(js.with("toThrow(TypeError)", "toThrow(new TypeError(\"no text\"))") == "");
  CHECK(js.with("expect(add(1, 2)).toBe(3);", "expect(\n      add(1, 2),\n    ).toBe(3);") == "");
  CHECK(js.with("\"../src/add.js\"", "'../lib/add.js'") == "");
  CHECK(js.with("toBeLessThan(100)", "toBeLessThan(50)") == "");
  CHECK(js.with("toBeCloseTo(0.3, 5)", "toBeCloseTo(0.3, 9)") == "");
  CHECK(js.with("toBeCloseTo(0.3, 5)", "toBe(0.3)") == "");
  CHECK(js.with("expect(add(1, 2)).toBe(3)", "expect(add(1, 2)).toStrictEqual(3)") == "");
  CHECK(js.with("add(1, 2)).toBe(3)", "sum(1, 2)).toBe(3)") == "");
  CHECK(js.with("add(1, 2)).toBe(3)", "add(2, 2)).toBe(4)") == "");
  CHECK(js.with("  it(\"answers", "  it.skip(\"is new\", () => {});\n  it(\"answers") == "");
  const Sample text{"a.test.js",
                    "test('f', () => {\n  assert.match(f(), /make test/);\n"
                    "  assert.throws(() => f(1), 'broken');\n});\n"};
  CHECK(text.with("/make test/", "/evidence make test: [0-9]+/") == "");
  CHECK(text.with("/make test/", "/make test|.*/") == "expectation-edited:2");
  CHECK(text.with("/make test/", "/make/") == "expectation-edited:2");
  CHECK(text.with("'broken'", "{ message: 'broken' }") == "");
  CHECK(python.with("def test_plain", "def test_plainly") == "");
  CHECK(python.with("assert add(1, 2) == 3", "assert add(1, 2) == 3, \"a message\"") == "");
  CHECK(python.with("def test_plain():\n", "def test_plain():\n    \"\"\"It adds.\"\"\"\n") == "");
  CHECK(python.with("raises(TypeError)", "raises(TypeError, match=\"text\")") == "");
  CHECK(python.with("abs=0.001", "abs=0.0001") == "");
  CHECK(go.with("t.Errorf(\"Add(1, 2) = %d\", got)", "t.Fatalf(\"sum: %d\", got)") == "");
  CHECK(rust.with("\"positive\"", "\"more than nothing\"") == "");
  CHECK(rust.with("#[test]\nfn refuses", "#[tokio::test]\nasync fn refuses") == "");
  CHECK(java.with("assertEquals(3, Add.add(1, 2))", "assertEquals(3, Add.add(1, 2), \"sum\")") ==
        "");
  CHECK(catch2.with("CHECK(add(1, 2) == 3)", "REQUIRE(add(1, 2) == 3)") == "");
  CHECK(gtest.with("EXPECT_EQ(add", "ASSERT_EQ(add") == "");
  CHECK(gtest.with("3);\n", "3) << \"sum\";\n") == "");
}

TEST_CASE("assertions that do not run, or fail unheard, do not count") {
  const std::string assertion = "expect(add(1, 2)).toBe(3);";
  CHECK(js.with(assertion, "if (false) { " + assertion + " }") == "assertion-removed:6");
  CHECK(js.with(assertion, "if (fast) { " + assertion + " }") == "");
  CHECK(js.with(assertion, "try { " + assertion + " } catch (e) {}") == "assertion-weakened:5");
  CHECK(js.with(assertion, "try { " + assertion + " } catch (e) { fail(e); }") == "");
  CHECK(python.with("        assert add(1, 2) == 3\n",
                    "        if False:\n            assert add(1, 2) == 3\n") ==
        "assertion-removed:7");
  CHECK(python.with("        assert add(1, 2) == 3\n",
                    "        try:\n            assert add(1, 2) == 3\n        except Exception:\n"
                    "            pass\n") == "assertion-weakened:6");
  CHECK(go.with("\tassert.Equal(t, 3, Add(1, 2))\n",
                "\tif false {\n\t\tassert.Equal(t, 3, Add(1, 2))\n\t}\n") ==
        "assertion-removed:18");
}

TEST_CASE("strings and comments are no code, whatever is in them") {
  const Sample nested{
      "a.test.js",
      "test('f', () => {\n  const t = `a ${b ? `expect(1).toBe(${c})` : \"}\"} '`;\n"
      "  const r = /['\"`]\\/[/]/; // it's\n  expect(t).toBe('x'); /* ' */\n});\n"};
  CHECK(nested.with("  expect(t).toBe('x');", "") == "assertion-removed:4");
  CHECK(nested.with("expect(1)", "expect(2)") == "");
  CHECK(nested.with("it's", "it is") == "");
  const Sample text{"tests/test_a.py",
                    "def test_a():\n    \"\"\"assert it's\n    assert 1\n    \"\"\"\n"
                    "    x = f'{a}#'  # \"\n    assert x == 'b'\n"};
  CHECK(text.with("    assert x == 'b'\n", "    pass\n") == "assertion-removed:6");
  CHECK(text.with("assert 1", "nothing") == "");
  CHECK(text.with("'b'", "\"b\"") == "");
  const Sample lifetimes{
      "tests/a.rs",
      "#[test]\nfn a() {\n  let x: &'static str = r#\"assert!(\"1\")\"#; /* a /* b */ c "
      "*/\n  assert_eq!(x.find('\"'), Some('\\''));\n}\n"};
  CHECK(lifetimes.with("  assert_eq!(x.find('\"'), Some('\\''));\n", "") == "assertion-removed:4");
  const Sample raw{"a_test.cpp",
                   "TEST_CASE(\"a\") {\n  auto x = R\"j(CHECK(1 == 2); \" )\" )j\";\n  CHECK(x == "
                   "1'000);\n}\n"};
  CHECK(raw.with("1'000", "2'000") == "expectation-edited:3");
  CHECK(raw.with("1 == 2", "3 == 4") == "");
}

TEST_CASE("tests that were merged, split, or moved to another changed file are not lost") {
  std::string a = "test('one', () => { expect(f(1)).toBe(1); });\n";
  std::string b = "test('two', () => { expect(f(2)).toBe(2); });\n";
  std::string both = "test('all', () => { expect(f(1)).toBe(1); expect(f(2)).toBe(2); });\n";
  CHECK(codes(change("a.test.js", a + b, both)) == "");
  CHECK(codes(change("a.test.js", both, a + b)) == "");
  CHECK(codes(find_test_tampering({{"a.test.js", a + b, a}, {"b.test.js", "", b}})) == "");
  // ... and when only half of it arrives, the rest is missed.
  CHECK(codes(change("a.test.js", a + b, a)) == "test-deleted:2");
}

TEST_CASE("an edited expectation is only a warning when the test's setup changed with it") {
  std::string before = "test('f', () => {\n  const x = f(1);\n  expect(x).toBe(1);\n});\n";
  auto found =
      change("a.test.js", before, replaced(replaced(before, "f(1)", "f(2)"), "toBe(1)", "toBe(2)"));
  REQUIRE(codes(found) == "expectation-edited:3");
  CHECK(found[0].severity == "warning");
  found = change("a.test.js", before, replaced(before, "toBe(1)", "toBe(2)"));
  REQUIRE(codes(found) == "expectation-edited:3");
  CHECK(found[0].severity == "error");
  CHECK(found[0].test == "f");
  CHECK(found[0].file == "a.test.js");
  CHECK(found[0].message.find("toBe(x, 1) became toBe(x, 2)") != std::string::npos);
}

TEST_CASE("what a task is about is not held against it") {
  auto before = js.text;
  auto after = replaced(before, ".toBe(3)", ".toBe(4)");
  CHECK(find_test_tampering({{js.path, before, after, TestGuard::off}}).empty());
  auto warned = find_test_tampering({{js.path, before, after, TestGuard::warns}});
  REQUIRE(warned.size() == 1);
  CHECK(warned[0].severity == "warning");
  // A test that moves out of a file that is guarded is guarded still.
  CHECK(codes(find_test_tampering({{js.path, before, std::nullopt},
                                   {"test/new.test.js", std::nullopt, after, TestGuard::off}})) ==
        "expectation-edited:6");
}

TEST_CASE("files that are no tests, or cannot be read, are told apart") {
  CHECK(codes(change("tests/data/a.json", "{\"a\": 1}", "{}")) == "");
  CHECK(codes(find_test_tampering({{"tests/a_test.rb", "assert_equal 1, f", std::nullopt}})) ==
        "test-file-deleted:0");
  CHECK(codes(find_test_tampering({{"tests/a_test.rb", "assert_equal 1, f", std::nullopt},
                                   {"spec/a_test.rb", std::nullopt, "assert_equal 1, f"}})) == "");
  CHECK(codes(find_test_tampering({{"tests/helper.js", "export const a = 1;", std::nullopt}})) ==
        "");
  auto large = change("a.test.js", std::string(max_test_file + 1, ' '), "");
  REQUIRE(codes(large) == "not-compared:0");
  CHECK(large[0].severity == "warning");
}

TEST_CASE("hostile test files take no more than linear time, and a bounded answer") {
  std::vector<std::string> texts;
  for (const char* unit : {"assert(", "expect(", "it('a',()=>{", "def test_a(", "(", "/*", "`${",
                           "=/[", "expect(a).toBe(1);\n", "R\"a(", "'", "#if 0\n", "@", "if {"}) {
    std::string text;
    while (text.size() < 200'000) text += unit;
    texts.push_back(std::move(text));
  }
  for (const char* path : {"a.test.js", "test_a.py", "a_test.go", "tests/a.rs", "ATest.java",
                           "a_test.cpp", "tests/a.bats"})
    for (const auto& text : texts) {
      CHECK(change(path, text, "x").size() <= max_tampering_findings);
      CHECK(change(path, "x", text).size() <= max_tampering_findings);
    }
  std::string many;
  for (int n = 0; n < 3000; ++n)
    many += "test('t" + std::to_string(n) + "', () => { expect(f(" + std::to_string(n) +
            ")).toBe(1); });\n";
  CHECK(change("a.test.js", many, "").size() == max_tampering_findings);
}
