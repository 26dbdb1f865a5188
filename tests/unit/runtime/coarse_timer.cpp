#define CAF_SUITE coarse_timer
#include "runtime/coarse_timer.hpp"

#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::runtime;
using namespace postern::test;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

struct fixture {
  shard home{0};
  coarse_timers& wheel = home.timers();

  static void count(void* n) { ++*static_cast<int*>(n); }
};

/// Remembers when it was called.
struct moment {
  steady::time_point armed, called;
  static void now(void* raw) { static_cast<moment*>(raw)->called = steady::now(); }
  bool has_come() const { return called != steady::time_point{}; }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(coarse_timer_tests, fixture)

CAF_TEST(a deadline calls once and not before its time) {
  coarse_timer timer;
  moment m{steady::now(), {}};
  wheel.arm(timer, 60ms, &moment::now, &m);
  CAF_CHECK(timer.armed());
  CAF_REQUIRE(run_until(home, [&] { return m.has_come(); }));
  CAF_CHECK(m.called - m.armed >= 60ms);
  CAF_CHECK(!timer.armed());
}

CAF_TEST(a loop that was busy for long calls nothing early) {
  coarse_timer first, second;
  int ticks = 0;
  wheel.arm(first, 0ms, &fixture::count, &ticks);
  CAF_REQUIRE(run_until(home, [&] { return ticks == 1; }));
  const auto busy_until = steady::now() + 250ms;  // a handler that does not return
  while (steady::now() < busy_until) {
  }
  moment m{steady::now(), {}};
  wheel.arm(second, 150ms, &moment::now, &m);
  CAF_REQUIRE(run_until(home, [&] { return m.has_come(); }));
  CAF_CHECK(m.called - m.armed >= 150ms);
}

CAF_TEST(what is disarmed or destroyed is not called) {
  int disarmed = 0, destroyed = 0, later = 0;
  coarse_timer a, b;
  wheel.arm(a, 10ms, &fixture::count, &disarmed);
  {
    coarse_timer gone;
    wheel.arm(gone, 10ms, &fixture::count, &destroyed);
  }
  a.disarm();
  a.disarm();
  wheel.arm(b, 100ms, &fixture::count, &later);
  CAF_REQUIRE(run_until(home, [&] { return later == 1; }));
  CAF_CHECK_EQUAL(disarmed, 0);
  CAF_CHECK_EQUAL(destroyed, 0);
}

CAF_TEST(arming again replaces the deadline) {
  int early = 0, late = 0;
  coarse_timer timer;
  wheel.arm(timer, 10ms, &fixture::count, &early);
  wheel.arm(timer, 100ms, &fixture::count, &late);
  CAF_REQUIRE(run_until(home, [&] { return late == 1; }));
  CAF_CHECK_EQUAL(early, 0);
}

CAF_TEST(deadlines that share a slot of the wheel keep their rounds) {
  // 512 slots of 50 ms: these meet in one slot, a round apart.
  int now = 0, next_round = 0;
  coarse_timer a, b;
  wheel.arm(b, 25'600ms, &fixture::count, &next_round);
  wheel.arm(a, 0ms, &fixture::count, &now);
  CAF_REQUIRE(run_until(home, [&] { return now == 1; }));
  CAF_CHECK_EQUAL(next_round, 0);
  CAF_CHECK(b.armed());
}

CAF_TEST(a callback may disarm and arm what is due with it) {
  struct group {
    coarse_timers& wheel;
    coarse_timer a, b, c;
    int calls = 0, b_calls = 0;
  } g{wheel, {}, {}, {}};
  wheel.arm(
      g.a, 0ms,
      [](void* raw) {
        auto& x = *static_cast<group*>(raw);
        ++x.calls;
        x.b.disarm();
        x.wheel.arm(x.a, 0ms, [](void* again) { ++static_cast<group*>(again)->calls; }, raw);
      },
      &g);
  wheel.arm(g.b, 0ms, [](void* raw) { ++static_cast<group*>(raw)->b_calls; }, &g);
  wheel.arm(g.c, 0ms, [](void* raw) { ++static_cast<group*>(raw)->calls; }, &g);
  CAF_REQUIRE(run_until(home, [&] { return g.calls == 3; }));
  CAF_CHECK_EQUAL(g.b_calls, 0);
}

CAF_TEST(a stopped wheel calls nothing) {
  int calls = 0;
  coarse_timer timer, late;
  wheel.arm(timer, 0ms, &fixture::count, &calls);
  wheel.stop();
  wheel.arm(late, 0ms, &fixture::count, &calls);
  home.io().run();  // nothing is left to wait for
  CAF_CHECK_EQUAL(calls, 0);
}

CAF_TEST(a timer may outlive its wheel) {
  coarse_timer timer;
  int calls = 0;
  {
    shard gone{1};
    gone.timers().arm(timer, 0ms, &fixture::count, &calls);
  }
  CAF_CHECK(!timer.armed());
}

CAF_TEST_FIXTURE_SCOPE_END()
