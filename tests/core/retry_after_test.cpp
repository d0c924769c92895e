#include "runtime/core/retry_after.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

using muster::parse_retry_after;
using std::chrono::milliseconds;

namespace {
// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::int64_t example_ms = 784'111'777'000;
}  // namespace

TEST_CASE("S5 Retry-After in seconds and with units") {
  struct Case {
    const char* text;
    std::int64_t ms;
  };
  for (const auto& [text, ms] :
       {Case{"0", 0}, Case{"3", 3000}, Case{" 12 ", 12000}, Case{"1.5", 1500}, Case{"0.0004", 1},
        Case{"250ms", 250}, Case{"2s", 2000}, Case{"1m30s", 90000}, Case{"1h", 3'600'000},
        Case{"999999999999999999999", 86'400'000}}) {
    INFO(text);
    CHECK(parse_retry_after(text, example_ms) == milliseconds{ms});
  }
}

TEST_CASE("S5 Retry-After as an HTTP date in its three forms") {
  const auto now = example_ms - 7'000;
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    INFO(text);
    CHECK(parse_retry_after(text, now) == milliseconds{7'000});
    CHECK(parse_retry_after(text, example_ms + 1) == milliseconds{0});
  }
  CHECK(parse_retry_after("Thu, 29 Feb 2024 00:00:00 GMT", 1'709'164'799'500) == milliseconds{500});
  CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now) == muster::max_retry_after);
}

TEST_CASE("S5 what is no wait is none") {
  for (const char* text :
       {"", " ", "-1", "soon", "3 apples", "1.5x", "ms", "1e3", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "a b c d e f g h i j k"}) {
    INFO(text);
    CHECK_FALSE(parse_retry_after(text, example_ms).has_value());
  }
}

TEST_CASE("S5 retry-after-ms counts in milliseconds") {
  CHECK(muster::parse_retry_after_ms("250") == milliseconds{250});
  CHECK(muster::parse_retry_after_ms("0.5") == milliseconds{1});
  CHECK_FALSE(muster::parse_retry_after_ms("250ms").has_value());
  CHECK_FALSE(muster::parse_retry_after_ms("").has_value());
}
