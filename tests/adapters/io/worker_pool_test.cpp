#include "adapters/io/worker_pool.hpp"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

using muster::WorkerPool;

TEST_CASE("the pool runs items at the same time on exactly its threads", "[io][pool]") {
  constexpr int kThreads = 3;
  WorkerPool pool(kThreads);
  std::latch together(kThreads);  // only passed when three items run at once
  std::mutex mutex;
  std::set<std::thread::id> ids;
  std::atomic<int> ran{0};
  std::promise<void> all;
  constexpr int kItems = kThreads + 100;
  for (int i = 0; i < kItems; ++i) {
    pool.run([&, i] {
      if (i < kThreads) together.arrive_and_wait();
      {
        const std::lock_guard lock(mutex);
        ids.insert(std::this_thread::get_id());
      }
      if (++ran == kItems) all.set_value();
    });
  }
  REQUIRE(all.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(ids.size() <= kThreads);
  CHECK_FALSE(ids.contains(std::this_thread::get_id()));
}

TEST_CASE("stop drains the queue and what the queue adds; later work is dropped", "[io][pool]") {
  std::atomic<int> ran{0};
  WorkerPool pool(2);
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  for (int i = 0; i < 50; ++i) {
    pool.run([&, opened] {
      opened.wait();
      ++ran;
      pool.run([&] { ++ran; });
    });
  }
  std::thread stopper([&] { pool.stop(); });
  gate.set_value();
  stopper.join();
  CHECK(ran == 100);
  auto captured = std::make_shared<int>(0);
  pool.run([&, captured] { ++ran; });
  CHECK(captured.use_count() == 1);
  CHECK(ran == 100);
  CHECK(pool.queued() == 0);
  pool.stop();
}

TEST_CASE("a pool of zero threads has one", "[io][pool]") {
  WorkerPool pool(0);
  std::promise<void> ran;
  pool.run([&] { ran.set_value(); });
  CHECK(ran.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}
