#include "adapters/io/io_loop.hpp"

#include <uv.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

using muster::IoLoop;
using namespace std::chrono_literals;

namespace {

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("post runs tasks on the loop thread in the order of their thread", "[io]") {
  IoLoop loop;
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  std::vector<std::vector<int>> seen(kThreads);
  std::atomic<bool> elsewhere{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&, t, i] {
          if (!loop.on_loop()) elsewhere = true;
          seen[t].push_back(i);
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  loop.stop();
  CHECK_FALSE(elsewhere);
  CHECK_FALSE(loop.on_loop());
  for (const auto& numbers : seen) {
    REQUIRE(numbers.size() == kEach);
    for (int i = 0; i < kEach; ++i) REQUIRE(numbers[i] == i);
  }
}

TEST_CASE("post never runs the task inside the call, and a circle of posts starves nobody",
          "[io]") {
  IoLoop loop;
  std::promise<bool> inside;
  loop.post([&] {
    bool ran = false;
    auto flag = std::make_shared<bool>(false);
    loop.post([flag] { *flag = true; });
    ran = *flag;
    inside.set_value(ran);
  });
  CHECK_FALSE(inside.get_future().get());

  std::atomic<bool> done{false};
  std::function<void()> again = [&] {
    if (!done) loop.post(again);
  };
  loop.post(again);
  std::promise<void> fired;
  loop.run_after(1ms, [&] {
    done = true;
    fired.set_value();
  });
  CHECK(fired.get_future().wait_for(20s) == std::future_status::ready);
}

TEST_CASE("call waits for its task, from outside and from the loop", "[io]") {
  IoLoop loop;
  int value = 0;
  CHECK(loop.call([&] { loop.call([&] { value = loop.on_loop() ? 7 : 1; }); }));
  CHECK(value == 7);
  loop.stop();
  CHECK_FALSE(loop.call([&] { value = 8; }));
  CHECK_FALSE(loop.post([&] { value = 9; }));
  CHECK(value == 7);
}

TEST_CASE("timers fire in order, never early, and not after cancel", "[io]") {
  IoLoop loop;
  std::vector<int> order;
  std::promise<void> last;
  const auto start = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration took{};
  loop.run_after(60ms, [&] {
    took = std::chrono::steady_clock::now() - start;
    order.push_back(3);
    last.set_value();
  });
  loop.run_after(30ms, [&] { order.push_back(2); });
  loop.run_after(0ms, [&] { order.push_back(1); });
  const auto cancelled = loop.run_after(20ms, [&] { order.push_back(99); });
  cancelled->cancel();
  cancelled->cancel();
  REQUIRE(last.get_future().wait_for(20s) == std::future_status::ready);
  CHECK(order == std::vector<int>{1, 2, 3});
  CHECK(took >= 60ms);
}

TEST_CASE("a timer can cancel another one that is due in the same turn", "[io]") {
  IoLoop loop;
  bool second = false;
  std::promise<void> checked;
  loop.call([&] {
    auto victim = std::make_shared<std::shared_ptr<muster::IoTimer>>();
    loop.run_after(5ms, [victim] { (*victim)->cancel(); });
    *victim = loop.run_after(5ms, [&] { second = true; });
    loop.run_after(10ms, [&] { checked.set_value(); });
    uv_sleep(20);  // all three are due when the loop looks
  });
  REQUIRE(checked.get_future().wait_for(20s) == std::future_status::ready);
  CHECK_FALSE(second);
}

TEST_CASE("a timer is released when it fires, and outlives the loop harmlessly", "[io]") {
  auto fired_with = std::make_shared<int>(1);
  auto never_with = std::make_shared<int>(2);
  std::shared_ptr<muster::IoTimer> fired;
  std::shared_ptr<muster::IoTimer> pending;
  {
    IoLoop loop;
    std::promise<void> done;
    fired = loop.run_after(0ms, [fired_with, &done] { done.set_value(); });
    pending = loop.run_after(1h, [never_with] { FAIL("dropped timers do not run"); });
    done.get_future().wait();
    loop.call([] {});
    CHECK(fired_with.use_count() == 1);
    CHECK(never_with.use_count() == 2);
  }
  CHECK(never_with.use_count() == 1);
  fired->cancel();
  pending->cancel();
}

TEST_CASE("stop runs what is queued and what that queues, and leaks no descriptor", "[io]") {
  { const IoLoop warm_up; }
  const auto before = open_descriptors();
  int ran = 0;
  {
    IoLoop loop;
    loop.post([&] {
      ++ran;
      loop.post([&] {
        ++ran;
        loop.post([&] { ++ran; });
      });
    });
    loop.stop();
    loop.stop();
  }
  CHECK(ran == 3);
  CHECK(open_descriptors() == before);
}

TEST_CASE("handles that an owner left open do not keep the loop from stopping", "[io]") {
  auto forgotten = std::make_unique<uv_idle_t>();
  {
    IoLoop loop;
    loop.call([&] {
      uv_idle_init(loop.uv(), forgotten.get());
      uv_idle_start(forgotten.get(), [](uv_idle_t*) {});
    });
  }
  CHECK(uv_is_active(reinterpret_cast<uv_handle_t*>(forgotten.get())) == 0);
}

TEST_CASE("a thousand timers that are cancelled from other threads race with nothing", "[io]") {
  IoLoop loop;
  std::atomic<int> fired{0};
  std::vector<std::shared_ptr<muster::IoTimer>> timers;
  for (int i = 0; i < 1000; ++i) {
    timers.push_back(loop.run_after(std::chrono::milliseconds(i % 5), [&] { ++fired; }));
  }
  for (auto& timer : timers) timer->cancel();
  loop.call([] {});
  const int after_cancel = fired;
  std::promise<void> later;
  loop.run_after(20ms, [&] { later.set_value(); });
  later.get_future().wait();
  CHECK(fired == after_cancel);
}
