#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "adapters/http/sse.hpp"

namespace {

using muster::http::SseParser;

struct Event {
  std::string type;
  std::string data;
  bool operator==(const Event&) const = default;
};

void drain(SseParser& parser, std::vector<Event>& out) {
  while (const auto event = parser.next())
    out.push_back({std::string{event->type}, std::string{event->data}});
}

std::vector<Event> parse_all(std::string_view text) {
  SseParser parser;
  std::vector<Event> out;
  parser.feed(text);
  drain(parser, out);
  return out;
}

/// In three pieces, each of them a copy that is gone when the next one comes.
std::vector<Event> parse_split(std::string_view text, std::size_t first, std::size_t second) {
  SseParser parser;
  std::vector<Event> out;
  for (const auto piece :
       {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
    const std::vector<char> copy(piece.begin(), piece.end());
    parser.feed({copy.data(), copy.size()});
    drain(parser, out);
  }
  return out;
}

constexpr std::string_view everything =
    "\xEF\xBB\xBF: a comment\n"
    "data: one\n\n"
    "event: named\r\ndata:two\r\ndata:  three\r\n\r\n"
    "data\rdata: x\r\r"
    "id: 7\nretry: 250\nunknown: field\ndata: four\n\n"
    "event: nothing to say\n\n"
    "data:\n\n"
    "data: {\"a\":\"b: c\"}\n\r\n"
    "data: never finished\n";

}  // namespace

TEST_CASE("server-sent events as the WHATWG defines them") {
  const std::vector<Event> expected{{"", "one"}, {"named", "two\n three"},
                                    {"", "\nx"}, {"", "four"},
                                    {"", ""},    {"", "{\"a\":\"b: c\"}"}};
  CHECK(parse_all(everything) == expected);
}

TEST_CASE("server-sent events may be cut anywhere") {
  const auto whole = parse_all(everything);
  REQUIRE(whole.size() == 6);
  for (std::size_t first = 0; first <= everything.size(); ++first) {
    for (std::size_t second = first; second <= everything.size(); ++second) {
      if (parse_split(everything, first, second) == whole) continue;
      FAIL("cut at " << first << " and " << second);
    }
  }
}

TEST_CASE("id and retry fields are kept, broken ones ignored") {
  SseParser parser;
  parser.feed({"id: a\0b\nid: 12\nretry: soon\nretry: 90\nretry: 9x\ndata: d\n\n", 56});
  REQUIRE(parser.next());
  CHECK(parser.last_event_id() == "12");
  CHECK(parser.retry_ms() == 90);
}

TEST_CASE("an event without its blank line is handed out at the end, when asked for") {
  SseParser parser;
  parser.feed("data: a\n\ndata: b\nda");
  REQUIRE(parser.next());
  REQUIRE_FALSE(parser.next());
  parser.feed("ta: c");
  REQUIRE_FALSE(parser.next());
  const auto last = parser.finish();
  REQUIRE(last);
  CHECK(last->data == "b\nc");
  CHECK_FALSE(parser.finish());
}

TEST_CASE("lines and events are bounded") {
  const std::string text(65, 'x');
  SseParser long_line(64);
  long_line.feed(text);
  CHECK_FALSE(long_line.next());
  CHECK(long_line.overflowed());
  SseParser many_lines(64);
  for (int i = 0; i < 8; ++i) {
    many_lines.feed("data: 0123456789\n");
    CHECK_FALSE(many_lines.next());
  }
  CHECK(many_lines.overflowed());
  many_lines.feed("data: x\n\n");
  CHECK_FALSE(many_lines.next());
  CHECK_FALSE(many_lines.finish());
  SseParser fits(64);
  const std::string largest = "data: " + text.substr(0, 58) + "\n\n";
  fits.feed(largest);
  CHECK(fits.next());
}
