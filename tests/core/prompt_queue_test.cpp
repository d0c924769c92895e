#include "runtime/core/prompt_queue.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;
using Verdict = PromptQueue::Verdict;

TEST_CASE("T4 a cause is told once, however often it is sent") {
  PromptQueue queue;
  CHECK(queue.offer({"told-1", "use tabs"}) == Verdict::taken);
  CHECK(queue.offer({"told-1", "use tabs"}) == Verdict::duplicate);
  CHECK(queue.offer({"told-2", "be brief"}) == Verdict::taken);
  auto told = queue.take();
  REQUIRE(told.size() == 2);
  CHECK(told[0].text == "use tabs");
  CHECK(told[1].text == "be brief");
  CHECK(queue.offer({"told-1", "use tabs"}) == Verdict::duplicate);
  CHECK(queue.take().empty());
}

TEST_CASE("T4 nothing is injected while the session is busy") {
  for (auto mode : {SessionMode::busy, SessionMode::tool_running, SessionMode::awaiting_human}) {
    PromptQueue queue;
    queue.enter(mode);
    CHECK(queue.offer({"a", "x"}) == Verdict::taken);
    CHECK(queue.take().empty());
    CHECK(queue.waiting());
    queue.enter(SessionMode::idle);
    CHECK(queue.take().size() == 1);
  }
}

TEST_CASE("what an earlier actor of the session told is not told again") {
  PromptQueue queue;
  queue.told_before("told-1");
  CHECK(queue.offer({"told-1", "use tabs"}) == Verdict::duplicate);
}

TEST_CASE("a session that stops takes nothing, and does not come back") {
  PromptQueue queue;
  queue.enter(SessionMode::stopping);
  queue.enter(SessionMode::idle);
  CHECK(queue.mode() == SessionMode::stopping);
  CHECK(queue.offer({"a", "x"}) == Verdict::refused);
}

TEST_CASE("the prompts that wait are bounded") {
  PromptQueue queue;
  for (std::size_t i = 0; i < PromptQueue::max_waiting; ++i)
    REQUIRE(queue.offer({std::to_string(i), "x"}) == Verdict::taken);
  CHECK(queue.offer({"one more", "x"}) == Verdict::refused);
  CHECK(queue.take().size() == PromptQueue::max_waiting);
  CHECK(queue.offer({"one more", "x"}) == Verdict::taken);
}
