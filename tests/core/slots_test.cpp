#include "runtime/core/slots.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

using namespace muster;

namespace {

SlotKeys keys(std::string mission = "m", std::string model = "gpt", std::string agent = "worker",
              std::string provider = "openai") {
  return {std::move(mission), std::move(provider), "", std::move(model), std::move(agent)};
}

std::size_t count(const std::vector<Ticket>& tickets) { return tickets.size(); }

}  // namespace

TEST_CASE("S1 never more than k run, all finish, slots are 0 in the end", "[slots]") {
  SlotTable table({.global = 3});
  std::mt19937 dice(42);
  std::vector<Ticket> running;
  Ticket next = 1;
  std::size_t finished = 0, gone = 0;
  while (finished + gone < 500) {
    const auto step = dice() % 4;
    if (step == 0 && next <= 500) {
      REQUIRE(table
                  .request(next, keys(),
                           next % 5 == 0 ? std::optional<std::int64_t>(next) : std::nullopt)
                  .ok());
      ++next;
    } else if (step == 1 && !running.empty()) {
      REQUIRE(table.release(running.back()));
      running.pop_back();
      ++finished;
    } else if (step == 2 && next > 1 && table.cancel(1 + dice() % (next - 1))) {
      ++gone;
    } else if (step == 3) {
      gone += table.expire(static_cast<std::int64_t>(next) / 2).size();
    }
    for (const auto ticket : table.grant()) running.push_back(ticket);
    REQUIRE(table.in_use() == static_cast<std::int64_t>(running.size()));
    REQUIRE(running.size() <= 3);
  }
  CHECK(table.in_use() == 0);
  CHECK(table.waiting() == 0);
  CHECK(table.in_use_lane("openai/gpt") == 0);
}

TEST_CASE("S2 a waiter that timed out or was cancelled frees nothing", "[slots]") {
  SlotTable table({.global = 1});
  REQUIRE(table.request(1, keys(), std::nullopt).ok());
  REQUIRE(table.request(2, keys(), 100).ok());
  REQUIRE(table.request(3, keys(), std::nullopt).ok());
  CHECK(table.grant() == std::vector<Ticket>{1});
  CHECK(table.next_deadline() == 100);
  CHECK(table.expire(99).empty());
  CHECK(table.expire(100) == std::vector<Ticket>{2});
  CHECK_FALSE(table.release(2));
  CHECK(table.cancel(3));
  CHECK_FALSE(table.cancel(3));
  CHECK_FALSE(table.release(3));
  CHECK_FALSE(table.release(99));
  CHECK(table.in_use() == 1);
  CHECK_FALSE(table.cancel(1));  // it runs; cancelling is not releasing
  CHECK(table.release(1));
  CHECK_FALSE(table.release(1));
  CHECK(table.in_use() == 0);
}

TEST_CASE("S2 a granted waiter does not expire", "[slots]") {
  SlotTable table({.global = 1});
  REQUIRE(table.request(1, keys(), 10).ok());
  CHECK(count(table.grant()) == 1);
  CHECK_FALSE(table.next_deadline());
  CHECK(table.expire(1000).empty());
  CHECK(table.holds(1));
  CHECK(table.request(1, keys(), std::nullopt).error().code == ErrorCode::already_exists);
}

TEST_CASE("S3 all limits hold at once", "[slots]") {
  SlotTable table({.global = 10,
                   .lanes = {{"OpenAI/GPT", 3}},
                   .providers = {{"openai", 4}},
                   .agents = {{"Reviewer", 1}}});
  Ticket ticket = 0;
  for (int i = 0; i < 20; ++i)
    REQUIRE(table.request(++ticket, keys("m", "gpt"), std::nullopt).ok());
  CHECK(count(table.grant()) == 3);  // the lane
  for (int i = 0; i < 20; ++i)
    REQUIRE(table.request(++ticket, keys("m", "mini"), std::nullopt).ok());
  CHECK(count(table.grant()) == 1);  // the provider
  for (int i = 0; i < 5; ++i)
    REQUIRE(table.request(++ticket, keys("m", "opus", "REVIEWER", "anthropic"), std::nullopt).ok());
  CHECK(count(table.grant()) == 1);  // the agent
  for (int i = 0; i < 20; ++i)
    REQUIRE(table.request(++ticket, keys("m", "opus", "worker", "Anthropic"), std::nullopt).ok());
  CHECK(count(table.grant()) == 5);  // global
  CHECK(table.in_use() == 10);
  CHECK(table.in_use_provider("ANTHROPIC") == 6);
}

TEST_CASE("S3 null is unlimited and 0 is none", "[slots]") {
  SlotTable open({.global = std::nullopt});
  for (Ticket ticket = 1; ticket <= 1000; ++ticket)
    REQUIRE(open.request(ticket, keys(), std::nullopt).ok());
  CHECK(count(open.grant()) == 1000);
  SlotTable none({.global = 5, .agents = {{"fixer", 0}}});
  const auto refused = none.request(1, keys("m", "gpt", "Fixer"), std::nullopt);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::limit_reached);
  CHECK(refused.error().context == "agent fixer");
  CHECK(none.waiting() == 0);
}

TEST_CASE("S3 a configured limit is a hard ceiling for adaptive growth", "[slots]") {
  SlotTable table({.global = 50, .lanes = {{"openai/gpt", 4}}});
  table.set_adaptive_limit("OPENAI/gpt", 100);
  CHECK(table.lane_limit("openai/GPT") == SlotLimit{4});
  table.set_adaptive_limit("openai/gpt", 2);
  for (Ticket ticket = 1; ticket <= 9; ++ticket)
    REQUIRE(table.request(ticket, keys(), std::nullopt).ok());
  CHECK(count(table.grant()) == 2);
  table.set_adaptive_limit("openai/gpt", std::nullopt);
  CHECK(count(table.grant()) == 2);
  table.set_adaptive_limit("openai/other", 7);
  CHECK(table.lane_limit("openai/other") == SlotLimit{7});
}

TEST_CASE("S3 unknown names and negative limits are config errors", "[slots]") {
  const SlotNames known{{"openai/gpt"}, {"openai"}, {"worker"}};
  CHECK(validate_slot_limits({.lanes = {{"OpenAI/GPT", 2}}, .agents = {{"Worker", 1}}}, known)
            .empty());
  const auto problems = validate_slot_limits({.global = -1,
                                              .lanes = {{"x/y", 1}},
                                              .providers = {{"openai", 1}, {"OpenAI", 2}},
                                              .agents = {{"worker", -3}}},
                                             known);
  CHECK(problems.size() == 4);
  CHECK(problems.at(0).starts_with("limits.global"));
  CHECK(problems.at(1) == "limits.lanes.x/y: there is no such name");
}

TEST_CASE("S5 a held-back lane keeps its waiters, others run", "[slots]") {
  SlotTable table({.global = 2});
  REQUIRE(table.request(1, keys("m", "slow"), std::nullopt).ok());
  REQUIRE(table.request(2, keys("m", "fast"), std::nullopt).ok());
  CHECK(table.grant([](const std::string& lane) { return lane != "openai/slow"; }) ==
        std::vector<Ticket>{2});
  CHECK(table.grant() == std::vector<Ticket>{1});
}

TEST_CASE("S6 a thousand waiting tasks do not starve one", "[slots]") {
  SlotTable table({.global = 2});
  for (Ticket ticket = 1; ticket <= 1000; ++ticket)
    REQUIRE(table.request(ticket, keys("big"), std::nullopt).ok());
  CHECK(count(table.grant()) == 2);
  REQUIRE(table.request(5000, keys("small"), std::nullopt).ok());
  CHECK(table.release(1));
  CHECK(table.grant() == std::vector<Ticket>{5000});
}

TEST_CASE("S6 two missions take turns on one slot, first come first served within each",
          "[slots]") {
  SlotTable table({.global = 1});
  for (Ticket ticket = 1; ticket <= 10; ++ticket)
    REQUIRE(table.request(ticket, keys(ticket <= 8 ? "a" : "b"), std::nullopt).ok());
  std::vector<Ticket> order;
  for (auto granted = table.grant(); !granted.empty(); granted = table.grant()) {
    REQUIRE(granted.size() == 1);
    order.push_back(granted.front());
    table.release(granted.front());
  }
  CHECK(order == std::vector<Ticket>{1, 9, 2, 10, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("S6 turns are kept per lane, however releases interleave", "[slots]") {
  SlotTable table({.lanes = {{"openai/x", 1}, {"openai/y", 1}}});
  Ticket ticket = 0;
  std::map<Ticket, std::pair<std::string, std::string>> who;
  for (const auto* mission : {"a", "b"})
    for (const auto* model : {"x", "y"})
      for (int i = 0; i < 50; ++i) {
        who[++ticket] = {mission, model};
        REQUIRE(table.request(ticket, keys(mission, model), std::nullopt).ok());
      }
  std::map<std::pair<std::string, std::string>, int> served;
  std::vector<Ticket> running = table.grant();
  for (int i = 0; i < 60; ++i) {
    const auto done = running.front();
    running.erase(running.begin());
    ++served[who[done]];
    table.release(done);
    for (const auto granted : table.grant()) running.push_back(granted);
  }
  for (const auto* model : {"x", "y"}) {
    const std::string name = model;
    CHECK(std::abs(served[{"a", name}] - served[{"b", name}]) <= 1);
  }
}
