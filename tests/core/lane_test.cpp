#include "runtime/core/lane.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace muster;

namespace {

bool goes(LaneState& lane, std::int64_t now) {
  return std::holds_alternative<AdmitGo>(lane.admit(now));
}

std::int64_t wait_until(LaneState& lane, std::int64_t now) {
  const auto admission = lane.admit(now);
  REQUIRE(std::holds_alternative<AdmitWait>(admission));
  CHECK_FALSE(std::get<AdmitWait>(admission).reason.empty());
  return std::get<AdmitWait>(admission).until_ms;
}

CallOutcome failed(ErrorCode code, std::optional<std::int64_t> retry_after = {}) {
  return {code, retry_after, "says the server"};
}

}  // namespace

TEST_CASE("S5 Retry-After pauses every waiter of the lane and no other lane", "[lane]") {
  LaneState lane, other;
  CHECK(goes(lane, 0));
  const auto advice = lane.report(failed(ErrorCode::rate_limited, 3000), 100, 0.5);
  CHECK(advice.retry);
  CHECK(advice.lane_paused);
  CHECK(advice.at_ms == 3100);
  for (int i = 0; i < 10; ++i) CHECK(wait_until(lane, 200) == 3100);
  CHECK(goes(other, 200));
  CHECK_FALSE(lane.would_admit(3099));
  CHECK(goes(lane, 3100));
}

TEST_CASE("S5 a shorter Retry-After does not shorten a pause", "[lane]") {
  LaneState lane;
  lane.report(failed(ErrorCode::rate_limited, 5000), 0, 0.5);
  lane.report(failed(ErrorCode::rate_limited, 1000), 10, 0.5);
  CHECK(wait_until(lane, 20) == 5000);
}

TEST_CASE("S5 without Retry-After the lane backs off with jitter", "[lane]") {
  LanePolicy policy;
  policy.backoff = {.base_ms = 1000, .min_ms = 0, .max_ms = 60'000, .factor = 2, .quiet_ms = 0};
  LaneState lane(policy);
  CHECK(lane.report(failed(ErrorCode::rate_limited), 0, 0.5).at_ms == 500);
  CHECK(lane.report(failed(ErrorCode::rate_limited), 1000, 0.25).at_ms == 1500);
  lane.report(CallOutcome::success(), 2000, 0.5);
  CHECK(lane.report(failed(ErrorCode::rate_limited), 3000, 0.5).at_ms == 3500);
}

TEST_CASE("S5 rate limits do not open the breaker, an overload without a wait does", "[lane]") {
  LaneState lane;
  for (int i = 0; i < 20; ++i) lane.report(failed(ErrorCode::rate_limited, 1), i, 0.5);
  CHECK(lane.breaker().state(100) == Breaker::State::closed);
  for (int i = 0; i < 5; ++i) lane.report(failed(ErrorCode::overloaded), i, 0.0);
  CHECK(lane.breaker().state(100) == Breaker::State::open);
}

TEST_CASE("S5 auth errors and aborts are not retried", "[lane]") {
  LaneState lane;
  for (const auto code : {ErrorCode::unauthenticated, ErrorCode::cancelled,
                          ErrorCode::invalid_request, ErrorCode::context_overflow}) {
    const auto advice = lane.report(failed(code), 0, 0.5);
    CHECK_FALSE(advice.retry);
    CHECK_FALSE(advice.lane_paused);
  }
  CHECK(goes(lane, 0));
}

TEST_CASE("a second refusal in a row closes the lane for a while", "[lane]") {
  LaneState lane;
  lane.report(failed(ErrorCode::unauthenticated), 0, 0.5);
  CHECK(goes(lane, 1));
  lane.report(CallOutcome::success(), 2, 0.5);
  lane.report(failed(ErrorCode::unauthenticated), 3, 0.5);
  CHECK(goes(lane, 4));
  lane.report(failed(ErrorCode::quota_exhausted), 5, 0.5);
  const auto admission = lane.admit(6);
  REQUIRE(std::holds_alternative<AdmitRefuse>(admission));
  CHECK(std::get<AdmitRefuse>(admission).error ==
        Error{ErrorCode::quota_exhausted, "says the server"});
  CHECK(goes(lane, 30'005));
}

TEST_CASE("S4 the lane's breaker opens on broken calls and lets one probe pass", "[lane]") {
  LaneState lane;
  for (int i = 0; i < 5; ++i) {
    CHECK(goes(lane, i));
    const auto advice = lane.report(failed(ErrorCode::network), i, 0.5);
    CHECK(advice.retry);
    CHECK_FALSE(advice.lane_paused);
  }
  CHECK(wait_until(lane, 10) == 30'004);
  CHECK(goes(lane, 30'004));
  CHECK(wait_until(lane, 30'004) > 30'004);
  lane.report(failed(ErrorCode::cancelled), 30'005, 0.5);  // the probe was aborted: the next may go
  CHECK(goes(lane, 30'006));
  lane.report(CallOutcome::success(), 30'007, 0.5);
  CHECK(goes(lane, 30'008));
  lane.report(CallOutcome::success(), 30'009, 0.5);
  CHECK(goes(lane, 30'010));
  CHECK(goes(lane, 30'010));
}

TEST_CASE("D3 a lane's pause and breaker survive a restart", "[lane]") {
  LaneState lane;
  for (int i = 0; i < 5; ++i) lane.report(failed(ErrorCode::stalled), i, 0.5);
  lane.report(failed(ErrorCode::rate_limited, 99'000), 10, 0.5);
  auto copy = LaneState::from_json(lane.to_json(), {});
  CHECK(wait_until(copy, 20) == 99'010);
  CHECK(copy.breaker().state(20) == Breaker::State::open);
  auto fresh = LaneState::from_json(nlohmann::json(3), {});
  CHECK(goes(fresh, 0));
}
