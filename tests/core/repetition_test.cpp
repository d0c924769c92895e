#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>

#include "runtime/core/repetition.hpp"

using namespace muster;

namespace {

/// Fed as a stream does it: in pieces, all of it each time.
bool stuck(const std::string& text, std::size_t piece = 50) {
  RepetitionDetector detector;
  for (std::size_t size = piece; size < text.size() + piece; size += piece)
    if (detector.stuck(std::string_view(text).substr(0, size))) return true;
  return false;
}

std::string times(const std::string& unit, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += unit;
  return out;
}

}  // namespace

TEST_CASE("O1 a stuck decoder is seen: one character, a word, a line, after a good beginning") {
  CHECK(stuck(std::string(20000, '!')));
  CHECK(stuck("The plan is as follows. " + times("the ", 5000)));
  CHECK(stuck(times("I will now fix the test.\n", 800)));
  CHECK(stuck("ok\n" + times("\xF0\x9F\x99\x82", 4000)));
  CHECK(stuck(times("- [ ] write the parser, then the printer, then the tests\n", 400), 3));
}

TEST_CASE("O1 it is seen early, and says of what the end is made") {
  RepetitionDetector detector;
  std::string text = "A good beginning of some length.";
  std::size_t cut = 0;
  for (; cut < 100000 && !detector.stuck(text); ++cut) text += "ab";
  CHECK(text.size() < 12000);
  CHECK(detector.unit_bytes() == 2);
  CHECK(detector.stuck(text));
}

TEST_CASE("O1 long prose, tables, banners, hex and base64 are not") {
  std::mt19937 random(7);
  std::string prose;
  std::string table = "| name | value |\n|------|-------|\n";
  std::string hex;
  std::string base64;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < 4000; ++i) {
    prose += "word" + std::to_string(random() % 500) + (i % 12 == 0 ? ".\n" : " ");
    table += "| row " + std::to_string(i) + " | 0 |\n";
    char line[64];
    std::snprintf(line, sizeof line, "%08x: 00 00 00 00 00 00 00 00\n", i * 8);
    hex += line;
    for (int n = 0; n < 4; ++n) base64 += alphabet[random() % alphabet.size()];
    if (i % 19 == 18) base64 += '\n';
  }
  CHECK_FALSE(stuck(prose));
  CHECK_FALSE(stuck(table));
  CHECK_FALSE(stuck(hex));
  CHECK_FALSE(stuck(base64));
  std::string banners;
  for (int i = 0; i < 200; ++i)
    banners += std::string(120, '=') + "\n== step " + std::to_string(i) + "\n" +
               std::string(120, '=') + "\n";
  CHECK_FALSE(stuck(banners));
  CHECK_FALSE(stuck(prose + std::string(4000, '-') + "\n"));
  CHECK_FALSE(stuck(times("0 1 2 3 4 5 6 7 8 9\n", 200)));
}
