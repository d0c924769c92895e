#include "runtime/core/intensity.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

TEST_CASE("OTP: more than MaxR restarts within MaxT end the supervisor", "[intensity]") {
  Intensity intensity(3, 1000);
  CHECK(intensity.allow(0));
  CHECK(intensity.allow(10));
  CHECK(intensity.allow(20));
  CHECK_FALSE(intensity.allow(30));
}

TEST_CASE("OTP: restarts outside the period do not count", "[intensity]") {
  Intensity intensity(2, 1000);
  CHECK(intensity.allow(0));
  CHECK(intensity.allow(500));
  CHECK(intensity.allow(1001));
  CHECK_FALSE(intensity.allow(1500));  // 500 is still inside: the window is closed on both sides
  Intensity slow(1, 1000);
  for (int i = 0; i < 100; ++i) CHECK(slow.allow(i * 1001));
}

TEST_CASE("OTP: intensity 0 allows no restart", "[intensity]") {
  Intensity intensity(0, 1000);
  CHECK_FALSE(intensity.allow(0));
  CHECK_FALSE(intensity.allow(100'000));
}

TEST_CASE("intensity counts what is recent and keeps no more", "[intensity]") {
  Intensity intensity(5, 100);
  for (int i = 0; i < 1000; ++i) (void)intensity.allow(50);
  CHECK(intensity.count(50) == 5);
  CHECK(intensity.count(151) == 0);
}
