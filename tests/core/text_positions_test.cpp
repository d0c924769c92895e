#include "runtime/core/text_positions.hpp"

#include <catch2/catch_test_macros.hpp>
#include <random>

using namespace muster;

TEST_CASE("positions count in the encoding's units") {
  // a, e-acute (2 bytes), euro (3), grinning face (4 bytes, a surrogate pair), b
  const TextPositions text(
      "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
      "b");
  CHECK(text.position(10, TextEncoding::utf16) == TextPosition{0, 5});
  CHECK(text.position(10, TextEncoding::utf32) == TextPosition{0, 4});
  CHECK(text.position(10, TextEncoding::utf8) == TextPosition{0, 10});
  CHECK(text.offset({0, 3}, TextEncoding::utf16) == 6);
  CHECK(text.offset({0, 5}, TextEncoding::utf16) == 10);
  CHECK(text.offset({0, 4}, TextEncoding::utf32) == 10);
  CHECK(text.convert({0, 10}, TextEncoding::utf8, TextEncoding::utf16) == TextPosition{0, 5});
}

TEST_CASE("a place inside a character is its begin") {
  const TextPositions text("\xF0\x9F\x98\x80x");
  CHECK(text.offset({0, 1}, TextEncoding::utf16) == 0);
  CHECK(text.offset({0, 2}, TextEncoding::utf8) == 0);
  CHECK(text.position(3, TextEncoding::utf16) == TextPosition{0, 0});
}

TEST_CASE("lines end at LF, CR LF and CR") {
  const TextPositions text("a\r\nb\rc\nd");
  REQUIRE(text.lines() == 4);
  CHECK(text.offset({1, 0}, TextEncoding::utf16) == 3);
  CHECK(text.offset({2, 0}, TextEncoding::utf16) == 5);
  CHECK(text.offset({3, 1}, TextEncoding::utf16) == 8);
  // The line break belongs to its line, but no position is behind its first byte.
  CHECK(text.position(2, TextEncoding::utf16) == TextPosition{0, 1});
  CHECK(text.position(3, TextEncoding::utf16) == TextPosition{1, 0});
  CHECK(TextPositions("a\n").lines() == 2);
  CHECK(TextPositions("").lines() == 1);
  CHECK(TextPositions("\r").offset({1, 0}, TextEncoding::utf16) == 1);
}

TEST_CASE("what is past an end is the end") {
  const TextPositions text("ab\r\ncd\n");
  CHECK(text.offset({0, 99}, TextEncoding::utf16) == 2);
  CHECK(text.offset({1, 99}, TextEncoding::utf16) == 6);
  CHECK(text.offset({2, 5}, TextEncoding::utf16) == 7);
  CHECK(text.offset({99, 0}, TextEncoding::utf16) == 7);
  CHECK(text.offset({-1, 3}, TextEncoding::utf16) == 0);
  CHECK(text.offset({0, -3}, TextEncoding::utf16) == 0);
  CHECK(text.position(99, TextEncoding::utf16) == TextPosition{2, 0});
  CHECK(TextPositions("").offset({0, 1}, TextEncoding::utf16) == 0);
}

TEST_CASE("bytes that are no UTF-8 are characters of one byte") {
  const TextPositions text("\xFF\xC3(\xED\xA0\x80|");
  CHECK(text.position(6, TextEncoding::utf16) == TextPosition{0, 6});
  CHECK(text.offset({0, 6}, TextEncoding::utf16) == 6);
}

TEST_CASE("every byte's position leads back to the begin of its character") {
  std::mt19937 random{3};
  const std::string_view pieces[] = {
      "a", "\n", "\r\n", "\r", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xFF"};
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    std::vector<std::size_t> begins;
    for (auto n = random() % 20; n > 0; --n) {
      const auto piece = pieces[random() % std::size(pieces)];
      begins.push_back(bytes.size());
      bytes += piece;
    }
    begins.push_back(bytes.size());
    const TextPositions text(bytes);
    for (const auto encoding : {TextEncoding::utf8, TextEncoding::utf16, TextEncoding::utf32}) {
      for (const auto begin : begins) {
        const auto there = text.position(begin, encoding);
        const auto back = text.offset(there, encoding);
        REQUIRE(text.position(back, encoding) == there);
        // Pieces meet ("\r" and "\n"), so a begin may be the middle of a line break.
        const bool in_break =
            begin > 0 && begin < bytes.size() && bytes[begin] == '\n' && bytes[begin - 1] == '\r';
        REQUIRE(back == begin - (in_break ? 1U : 0U));
      }
    }
  }
}
