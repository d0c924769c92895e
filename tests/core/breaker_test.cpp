#include "runtime/core/breaker.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace muster;

namespace {
Breaker opened_at(std::int64_t now) {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.failure(now);
  return breaker;
}
}  // namespace

TEST_CASE("S4 five failures in a row open the breaker", "[breaker]") {
  Breaker breaker;
  for (int i = 0; i < 4; ++i) breaker.failure(i);
  CHECK(breaker.allow(4));
  breaker.success(4);
  for (int i = 0; i < 4; ++i) breaker.failure(i);
  CHECK(breaker.state(5) == Breaker::State::closed);
  breaker.failure(5);
  CHECK(breaker.state(5) == Breaker::State::open);
  CHECK_FALSE(breaker.allow(5));
  CHECK(breaker.retry_at(5) == 30'005);
}

TEST_CASE("S4 after 30 s exactly one probe passes", "[breaker]") {
  auto breaker = opened_at(0);
  CHECK_FALSE(breaker.allow(29'999));
  CHECK(breaker.allow(30'000));
  for (int i = 0; i < 100; ++i) CHECK_FALSE(breaker.allow(30'001 + i));
  breaker.success(31'000);
  CHECK(breaker.state(31'000) == Breaker::State::half_open);
  CHECK(breaker.allow(31'000));
  CHECK_FALSE(breaker.allow(31'000));
  breaker.success(31'001);
  CHECK(breaker.state(31'001) == Breaker::State::closed);
  CHECK(breaker.allow(31'001));
  CHECK(breaker.allow(31'001));
}

TEST_CASE("S4 one failed probe reopens for the whole time", "[breaker]") {
  auto breaker = opened_at(0);
  CHECK(breaker.allow(30'000));
  breaker.success(30'100);
  CHECK(breaker.allow(30'200));
  breaker.failure(30'300);
  CHECK_FALSE(breaker.allow(60'299));
  CHECK(breaker.allow(60'300));
  breaker.success(60'301);  // the earlier success does not count
  CHECK(breaker.state(60'301) == Breaker::State::half_open);
}

TEST_CASE("S4 late results change nothing while it is open", "[breaker]") {
  auto breaker = opened_at(0);
  breaker.success(10);
  breaker.failure(20'000);
  CHECK(breaker.retry_at(20'000) == 30'000);
  breaker.success(30'000);  // half-open, but no probe runs
  breaker.failure(30'000);
  CHECK(breaker.allow(30'000));
}

TEST_CASE("S4 an abandoned or lost probe frees its place", "[breaker]") {
  auto breaker = opened_at(0);
  CHECK(breaker.allow(30'000));
  breaker.abandon();
  CHECK(breaker.allow(30'001));
  CHECK_FALSE(breaker.allow(30'002));
  CHECK(breaker.allow(30'001 + 900'000));
}

TEST_CASE("D3 the breaker survives a restart", "[breaker]") {
  auto breaker = opened_at(1000);
  auto copy = Breaker::from_json(breaker.to_json(), {});
  CHECK_FALSE(copy.allow(30'999));
  CHECK(copy.allow(31'000));
  auto probing = Breaker::from_json(copy.to_json(), {});
  CHECK(probing.allow(31'001));  // the probe's process is gone
  CHECK(Breaker::from_json(nlohmann::json::array(), {}).allow(0));
  CHECK(Breaker::from_json({{"failures", 99}}, {}).allow(0));
}
