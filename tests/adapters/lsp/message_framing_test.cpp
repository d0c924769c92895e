#include "adapters/lsp/message_framing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <random>
#include <vector>

using namespace muster;
using namespace muster::lsp;
using Catch::Matchers::ContainsSubstring;

namespace {

/// All bodies that stand in a reader; the first error ends it.
Result<std::vector<std::string>> all(FrameReader& reader) {
  std::vector<std::string> out;
  for (;;) {
    auto body = reader.next();
    if (!body) return body.error();
    if (!*body) return out;
    out.push_back(**body);
  }
}

Error error_of(std::string_view bytes) {
  FrameReader reader;
  reader.feed(bytes);
  const auto read = all(reader);
  REQUIRE_FALSE(read);
  // It stays.
  reader.feed(frame("{}"));
  REQUIRE(all(reader).error() == read.error());
  return read.error();
}

std::string random_bytes(std::mt19937& random, std::size_t most) {
  std::string out(random() % (most + 1), ' ');
  for (char& c : out) c = static_cast<char>(random() % 256);
  return out;
}

}  // namespace

TEST_CASE("a frame is a head with its length and a body") {
  CHECK(frame("{}") == "Content-Length: 2\r\n\r\n{}");
  FrameReader reader;
  reader.feed(
      "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:2\r\n\r\n{}");
  CHECK(*all(reader) == std::vector<std::string>{"{}"});
  CHECK_FALSE(reader.in_frame());
  reader.feed(frame("") + frame("a") + "Content-Le");
  CHECK(*all(reader) == std::vector<std::string>{"", "a"});
  CHECK(reader.in_frame());
}

TEST_CASE("what is no message is an error that shows it, at once") {
  const auto noise = error_of("Warning: something\nelse");
  CHECK(noise.code == ErrorCode::malformed);
  CHECK(error_of("Debugger attached.\n").message ==
        "wrote something that is no message: 'Debugger attached.'");
  CHECK(error_of("\x1b[31mred\x1b[0m words\n").message ==
        "wrote something that is no message: 'red words'");
  CHECK(error_of("Warning: no line break yet").code == ErrorCode::malformed);
  CHECK(error_of(": 1\r\n\r\n").code == ErrorCode::malformed);
  CHECK(error_of("Con: 1\r\n\r\n").code == ErrorCode::malformed);
  CHECK(error_of("Content-Length: 1\n\na").code == ErrorCode::malformed);
  CHECK(error_of("{\"jsonrpc\":\"2.0\"}").code == ErrorCode::malformed);
  CHECK(error_of("\r\n\r\n").code == ErrorCode::malformed);
  CHECK_THAT(error_of("Content-Length: x\r\n\r\n").message,
             ContainsSubstring("'Content-Length: x'"));
  CHECK(error_of("Content-Length: -1\r\n\r\n").code == ErrorCode::malformed);
  CHECK(error_of("Content-Length: 1 2\r\n\r\n").code == ErrorCode::malformed);
  CHECK(error_of("Content-Length:\r\n\r\n").code == ErrorCode::malformed);
  CHECK(error_of("Content-Length: 1\r\nContent-Length: 2\r\n\r\n").code == ErrorCode::malformed);
  CHECK(error_of("Content-Length: 1\r\nno field\r\n\r\n").code == ErrorCode::malformed);
  CHECK_THAT(error_of("Content-Type: x\r\n\r\n").message,
             ContainsSubstring("without Content-Length"));
}

TEST_CASE("heads and bodies have bounds") {
  CHECK(error_of("Content-Length: 67108865\r\n\r\n").code == ErrorCode::limit_reached);
  CHECK(error_of("Content-Length: 99999999999999999999999\r\n\r\n").code ==
        ErrorCode::limit_reached);
  CHECK(error_of("Content-X: " + std::string(max_header_bytes, 'a')).code ==
        ErrorCode::limit_reached);
  CHECK(error_of("Content-X: " + std::string(max_header_bytes, 'a') +
                 "\r\nContent-Length: 1\r\n\r\na")
            .code == ErrorCode::limit_reached);
  FrameReader reader;
  reader.feed("Content-Length: 67108864\r\n\r\n");
  REQUIRE(reader.next());  // waits, and has not made room for all of it
  CHECK(reader.in_frame());
}

TEST_CASE("frames come out whole wherever the stream is split") {
  std::mt19937 random{7};
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> bodies(1 + random() % 6);
    std::string stream;
    for (auto& body : bodies) {
      body = random_bytes(random, random() % 50 == 0 ? 20000 : 40);
      if (random() % 3 == 0) stream += "Content-Type: a/b\r\n";
      stream += frame(body);
    }
    FrameReader reader;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = 1 + random() % (random() % 4 == 0 ? 3000 : 9);
      reader.feed(std::string_view(stream).substr(at, size));
      at += size;
      const auto some = all(reader);
      REQUIRE(some);
      got.insert(got.end(), some->begin(), some->end());
    }
    REQUIRE(got == bodies);
    REQUIRE_FALSE(reader.in_frame());
  }
}

TEST_CASE("random bytes are an error or a wait, never a crash, and the same in any pieces") {
  std::mt19937 random{11};
  const std::vector<std::string> pieces{"Content-Length: ", "3", "\r\n", "\r\n\r\n", "{}", "\n",
                                        "Content-Type: a",  ":", "\r",   "99999999", "abc"};
  for (int round = 0; round < 5000; ++round) {
    std::string stream;
    for (auto n = random() % 12; n > 0; --n)
      stream += random() % 4 == 0 ? random_bytes(random, 12) : pieces[random() % pieces.size()];
    FrameReader whole;
    whole.feed(stream);
    const auto expected = all(whole);
    FrameReader split;
    std::vector<std::string> got;
    std::optional<Error> failed;
    for (const char c : stream) {
      split.feed(std::string_view(&c, 1));
      auto some = all(split);
      if (some)
        got.insert(got.end(), some->begin(), some->end());
      else
        failed = some.error();
    }
    REQUIRE(failed.has_value() == !expected.ok());
    if (expected) REQUIRE(got == *expected);
  }
}
