#define CAF_SUITE shard_pool
#include "runtime/shard_pool.hpp"

#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/unit_test.hpp>

#include <array>
#include <future>
#include <stdexcept>

using namespace postern::runtime;
using namespace postern::test;

CAF_TEST(there is at least one shard and each knows its index) {
  CAF_CHECK(shard_pool{0}.size() >= 1);
  shard_pool pool{3};
  CAF_REQUIRE_EQUAL(pool.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i)
    CAF_CHECK_EQUAL(pool.at(i).index(), i);
}

CAF_TEST(work that belongs to none goes round all shards) {
  shard_pool pool{3};
  std::vector<int> turns(3);
  for (int i = 0; i < 12; ++i)
    ++turns[pool.next().index()];
  CAF_CHECK(turns == std::vector<int>({4, 4, 4}));
}

CAF_TEST(each shard runs on a thread of its own that knows it) {
  using place = std::pair<shard*, std::thread::id>;
  std::array<std::promise<place>, 2> ran;
  shard_pool pool{2};
  pool.start();
  std::vector<std::thread::id> threads;
  for (size_t i = 0; i < pool.size(); ++i) {
    pool.at(i).post([&, i] { ran[i].set_value({shard::current(), std::this_thread::get_id()}); });
    const auto [current, thread] = ran[i].get_future().get();
    CAF_CHECK_EQUAL(current, &pool.at(i));
    threads.push_back(thread);
  }
  CAF_CHECK(threads[0] != threads[1]);
  CAF_CHECK(threads[0] != std::this_thread::get_id());
  CAF_CHECK(shard::current() == nullptr);
  pool.stop();
  pool.stop();  // as the destructor does after whoever stopped it
}

CAF_TEST(blocking work runs elsewhere and its result comes back to the shard) {
  shard_pool pool{1};
  std::thread::id worked, resumed;
  std::unique_ptr<int> got;
  start(pool.at(0), [&]() -> awaitable<void> {
    got = co_await pool.run_blocking([&] {
      worked = std::this_thread::get_id();
      return std::make_unique<int>(7);
    });
    resumed = std::this_thread::get_id();
  });
  CAF_REQUIRE(run_until(pool.at(0), [&] { return got != nullptr; }));
  CAF_CHECK_EQUAL(*got, 7);
  CAF_CHECK(resumed == std::this_thread::get_id());
  CAF_CHECK(worked != resumed);
}

CAF_TEST(blocking work does not hold up its shard) {
  shard_pool pool{1};
  std::promise<void> release;
  bool done = false, other_ran = false;
  start(pool.at(0), [&]() -> awaitable<void> {
    co_await pool.run_blocking([&] { return release.get_future().wait(), true; });
    done = true;
  });
  pool.at(0).post([&] { other_ran = true; });
  CAF_CHECK(run_until(pool.at(0), [&] { return other_ran; }));
  CAF_CHECK(!done);
  release.set_value();
  CAF_CHECK(run_until(pool.at(0), [&] { return done; }));
}

CAF_TEST(what blocking work throws reaches whoever waits for it) {
  shard_pool pool{1};
  std::string caught;
  start(pool.at(0), [&]() -> awaitable<void> {
    try {
      co_await pool.run_blocking([]() -> int { throw std::runtime_error{"broken"}; });
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
  });
  CAF_CHECK(run_until(pool.at(0), [&] { return !caught.empty(); }));
  CAF_CHECK_EQUAL(caught, "broken");
}

CAF_TEST(a pool that ends finishes blocking work and lets go of whoever waits) {
  std::promise<void> release;
  auto pool = std::make_unique<shard_pool>(1U);
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> held = owned;
  bool worked = false, resumed = false;
  start(pool->at(0), [&, owned = std::move(owned), &all = *pool]() -> awaitable<void> {
    co_await all.run_blocking([&] { return release.get_future().wait(), worked = true; });
    resumed = *owned != 0;
  });
  run_ready(pool->at(0));
  CAF_CHECK(!held.expired());
  release.set_value();
  pool.reset();
  CAF_CHECK(worked);
  CAF_CHECK(!resumed);
  CAF_CHECK(held.expired());
}
