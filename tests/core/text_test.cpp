#include "runtime/core/text.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace muster;

TEST_CASE("F5 terminal escapes never reach a terminal", "[text]") {
  CHECK(strip_terminal_escapes("\x1b[31;1mred\x1b[0m") == "red");
  CHECK(strip_terminal_escapes("\x1b]0;title\x07text") == "text");
  CHECK(strip_terminal_escapes("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\") == "link");
  CHECK(strip_terminal_escapes("\x1bP1$r\x1b\\ok") == "ok");
  CHECK(strip_terminal_escapes("a\x1b(Bb\x1b=c\x1b"
                               "7d") == "abcd");
  CHECK(strip_terminal_escapes("\x1b[2J\x1b[?25l\x1b[1 qx") == "x");
  CHECK(strip_terminal_escapes("\xC2\x9B"
                               "31mred") == "red");
  CHECK(strip_terminal_escapes("\xC2\x9D"
                               "0;t\xC2\x9C"
                               "x") == "x");
  CHECK(strip_terminal_escapes(std::string("a\0b\x08\x7f", 5)) == "ab");
  CHECK(strip_terminal_escapes("safe\xE2\x80\xAE"
                               "evil\xE2\x81\xA6") == "safeevil");
  CHECK(strip_terminal_escapes("a\r\nb\rc\td") == "a\nb\nc\td");
  CHECK(strip_terminal_escapes("gr\xC3\xBC\xC3\x9F \xE2\x9C\x96") ==
        "gr\xC3\xBC\xC3\x9F \xE2\x9C\x96");
}

TEST_CASE("F5 an unfinished sequence hides no text", "[text]") {
  CHECK(strip_terminal_escapes("\x1b]0;never ends\nnext") == "0;never ends\nnext");
  CHECK(strip_terminal_escapes("x\x1b") == "x");
  CHECK(strip_terminal_escapes("x\x1b[") == "x");
  CHECK(strip_terminal_escapes("\x1b[12") == "");
  CHECK(strip_terminal_escapes("\x1b[\nnext") == "\nnext");
  for (int c = 0; c < 256; ++c)
    for (const auto& lead : {"\x1b", "\x1b[", "\x1b]", "\xC2", "\xE2\x80"}) {
      const auto out = strip_terminal_escapes(std::string(lead) + static_cast<char>(c) + "end");
      CHECK(out.find('\x1b') == std::string::npos);
      CHECK(valid_utf8(out) == out);
    }
}

TEST_CASE("ill-formed UTF-8 becomes replacement characters", "[text]") {
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(valid_utf8("plain \xE2\x82\xAC") == "plain \xE2\x82\xAC");
  CHECK(valid_utf8("\x80") == bad);
  CHECK(valid_utf8("\xC0\xAF") == bad + bad);
  CHECK(valid_utf8("\xED\xA0\x80") == bad + bad + bad);  // a surrogate
  CHECK(valid_utf8("\xF4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(valid_utf8("\xE2\x82") == bad);
  CHECK(valid_utf8("\xF0\x9F\x98\x80\xF0\x9F\x98") == "\xF0\x9F\x98\x80" + bad);
  CHECK(valid_utf8("\xE2(") == bad + "(");
}

TEST_CASE("head and tail never split a symbol", "[text]") {
  const std::string euro = "\xE2\x82\xAC";
  CHECK(bounded_head("abc", 3) == "abc");
  CHECK(bounded_head("a" + euro, 3) == "a");
  CHECK(bounded_head("a" + euro, 4) == "a" + euro);
  CHECK(bounded_tail(euro + "b", 3) == "b");
  CHECK(bounded_tail(euro + "b", 4) == euro + "b");
  CHECK(bounded_tail("abc", 0).empty());
  CHECK(bounded_head("\x80\x80\x80\x80\x80\x80", 5).size() == 5);
}

TEST_CASE("one_line makes a bounded single line", "[text]") {
  CHECK(one_line("  a\n\tb  c\x1b[0m ", 80) == "a b c");
  CHECK(one_line("hello world", 8) == "hello\xE2\x80\xA6");
  CHECK(one_line("hello", 5) == "hello");
  CHECK(one_line("\xE2\x82\xAC\xE2\x82\xAC", 2).empty());
  CHECK(one_line(std::string(100000, 'x'), 10).size() == 10);
}

TEST_CASE("lines, trim and case", "[text]") {
  CHECK(split_lines("a\r\nb\n\nc") == std::vector<std::string_view>{"a", "b", "", "c"});
  CHECK(split_lines("a\nb\nc", 2).size() == 2);
  CHECK(trim(" \t x y\n") == "x y");
  CHECK(iequals("OpenAI", "openai"));
  CHECK_FALSE(iequals("a", "ab"));
}
