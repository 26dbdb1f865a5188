#define CAF_SUITE wait_point
#include "runtime/wait_point.hpp"

#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/dsl.hpp>

#include <memory>

using namespace postern::runtime;
using namespace postern::test;

namespace {

struct fixture {
  shard home{0};
  wait_point point{home};
  int passed = 0;

  void wait_times(int times) {
    start(home, [this, times]() -> awaitable<void> {
      for (int i = 0; i < times; ++i) {
        co_await point.wait();
        ++passed;
      }
    });
    run_ready(home);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(wait_point_tests, fixture)

CAF_TEST(nobody passes before the wake) {
  wait_times(1);
  CAF_CHECK_EQUAL(passed, 0);
  CAF_CHECK(point.has_waiter());
  point.wake();
  CAF_CHECK_EQUAL(passed, 0);  // never inside wake()
  run_ready(home);
  CAF_CHECK_EQUAL(passed, 1);
  CAF_CHECK(!point.has_waiter());
}

CAF_TEST(a wake with nobody waiting is kept but only one) {
  point.wake();
  point.wake();
  wait_times(2);
  CAF_CHECK_EQUAL(passed, 1);
  CAF_CHECK(point.has_waiter());
  point.wake();
  run_ready(home);
  CAF_CHECK_EQUAL(passed, 2);
}

CAF_TEST(a point that ends before its waiter has passed is not touched again) {
  auto own = std::make_unique<wait_point>(home);
  start(home, [this, &point = *own]() -> awaitable<void> {
    co_await point.wait();
    ++passed;
  });
  run_ready(home);
  own->wake();
  own.reset();
  run_ready(home);
  CAF_CHECK_EQUAL(passed, 0);
}

CAF_TEST(several wakes for one waiter are one) {
  wait_times(2);
  point.wake();
  point.wake();
  run_ready(home);
  CAF_CHECK_EQUAL(passed, 1);
  point.wake();
  run_ready(home);
  CAF_CHECK_EQUAL(passed, 2);
}

CAF_TEST_FIXTURE_SCOPE_END()
