#include "runtime/core/backoff.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <random>

using namespace muster;

TEST_CASE("S5 backoff grows exponentially with full jitter", "[backoff]") {
  Backoff backoff({.base_ms = 100, .min_ms = 0, .max_ms = 1000, .factor = 2, .quiet_ms = 0});
  CHECK(backoff.next(0, 0.5) == 50);    // half of 100
  CHECK(backoff.next(0, 0.5) == 100);   // half of 200
  CHECK(backoff.next(0, 0.25) == 100);  // a quarter of 400
  CHECK(backoff.next(0, 0.0) == 0);
  CHECK(backoff.next(0, 0.5) == 500);  // the cap
  for (int i = 0; i < 5000; ++i) CHECK(backoff.next(0, 0.999) < 1000);
}

TEST_CASE("S5 jitter covers the whole range", "[backoff]") {
  std::mt19937 engine(7);
  std::uniform_real_distribution<double> dice(0, 1);
  std::int64_t lowest = 1000, highest = 0;
  for (int i = 0; i < 1000; ++i) {
    Backoff fresh({.base_ms = 1000, .min_ms = 10, .max_ms = 5000});
    const auto delay = fresh.next(0, dice(engine));
    lowest = std::min(lowest, delay);
    highest = std::max(highest, delay);
  }
  CHECK(lowest >= 10);
  CHECK(lowest < 100);
  CHECK(highest > 900);
}

TEST_CASE("backoff starts anew after quiet time, not before", "[backoff]") {
  const BackoffPolicy policy{
      .base_ms = 100, .min_ms = 0, .max_ms = 10'000, .factor = 2, .quiet_ms = 1000};
  Backoff backoff(policy);
  CHECK(backoff.next(0, 0.5) == 50);
  CHECK(backoff.next(1049, 0.5) == 100);  // 999 ms after the delay ended
  CHECK(backoff.next(2149, 0.5) == 50);   // 1000 ms after
  backoff.reset();
  CHECK(backoff.attempt() == 0);
}

TEST_CASE("D3 backoff survives a restart and nonsense", "[backoff]") {
  const BackoffPolicy policy{.base_ms = 100, .min_ms = 0, .max_ms = 10'000};
  Backoff backoff(policy);
  (void)backoff.next(5, 0.1);
  (void)backoff.next(6, 0.1);
  auto copy = Backoff::from_json(backoff.to_json(), policy);
  CHECK(copy.attempt() == 2);
  CHECK(copy.next(7, 0.5) == backoff.next(7, 0.5));
  CHECK(Backoff::from_json(nlohmann::json::parse(R"({"attempt":"x"})"), policy).attempt() == 0);
  CHECK(Backoff::from_json(nlohmann::json::parse(R"({"attempt":99999999999})"), policy).ceiling() ==
        10'000);
  CHECK(Backoff({.base_ms = 5, .min_ms = 9, .max_ms = 3}).next(0, 0.5) == 3);
}
