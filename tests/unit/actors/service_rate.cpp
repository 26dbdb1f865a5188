#define CAF_SUITE service_rate
#include "actors/service_rate.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;
using namespace std::chrono_literals;

namespace {

struct rate_fixture {
  service_rate rate;
  actor_time now = actor_time{} + 1h;

  void serve_after(std::chrono::milliseconds interval) {
    now += interval;
    rate.on_served(now);
  }
  std::chrono::milliseconds wait_behind(size_t ahead) const { return rate.wait_behind(ahead, now); }
  /// Serves often enough for the mean to be known.
  void serve_steadily(std::chrono::milliseconds interval) {
    for (unsigned i = 0; i <= fewest_rate_samples; ++i)
      serve_after(interval);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(service_rate_tests, rate_fixture)

CAF_TEST(nothing is said of a wait until enough were served) {
  CAF_CHECK(wait_behind(1'000) == 0ms);
  for (unsigned i = 0; i < fewest_rate_samples; ++i)
    serve_after(100ms);
  CAF_CHECK(wait_behind(1'000) == 0ms);
  serve_after(100ms);
  CAF_CHECK(wait_behind(1'000) > 0ms);
}

CAF_TEST(whoever waits is served after all who are ahead) {
  serve_steadily(100ms);
  CAF_CHECK(wait_behind(0) == 100ms);
  CAF_CHECK(wait_behind(9) == 1s);
}

CAF_TEST(a time in which nobody waits does not count) {
  serve_steadily(100ms);
  rate.pause();
  serve_after(20s);
  CAF_CHECK(wait_behind(0) == 100ms);
  serve_after(100ms);
  CAF_CHECK(wait_behind(0) == 100ms);
}

CAF_TEST(what was long ago is forgotten and measured anew) {
  serve_steadily(100ms);
  rate.pause();
  now += rate_memory;
  CAF_CHECK(wait_behind(0) == 100ms);
  now += 1ms;
  CAF_CHECK(wait_behind(0) == 0ms);
  serve_after(1h);
  CAF_CHECK(wait_behind(0) == 0ms);
  for (unsigned i = 0; i < fewest_rate_samples; ++i)
    serve_after(50ms);
  CAF_CHECK(wait_behind(0) == 50ms);
}

CAF_TEST(what was slow is remembered longer but not for ever) {
  serve_steadily(20s);
  rate.pause();
  now += 40s;
  CAF_CHECK(wait_behind(0) == 20s);
  now += 1ms;
  CAF_CHECK(wait_behind(0) == 0ms);
  serve_steadily(1h);
  rate.pause();
  now += longest_rate_memory;
  CAF_CHECK(wait_behind(0) == 1h);
  now += 1ms;
  CAF_CHECK(wait_behind(0) == 0ms);
}

CAF_TEST(those who are served at once keep no old mean alive) {
  serve_steadily(20s);
  for (int i = 0; i < 5; ++i) {
    rate.pause();
    serve_after(10s);
  }
  CAF_CHECK(wait_behind(0) == 0ms);
}

CAF_TEST(nothing is forgotten while somebody waits) {
  serve_steadily(100ms);
  now += 1h;
  CAF_CHECK(wait_behind(0) == 100ms);
}

CAF_TEST(intervals in which nobody waited never add up) {
  for (int i = 0; i < 100; ++i) {
    serve_after(1s);
    rate.pause();
  }
  CAF_CHECK(wait_behind(1'000) == 0ms);
}

CAF_TEST(one burst does not change the mean by much) {
  serve_steadily(100ms);
  serve_after(0ms);
  CAF_CHECK(wait_behind(0) > 90ms);
  CAF_CHECK(wait_behind(0) < 100ms);
}

CAF_TEST(a lasting change is followed both ways) {
  serve_steadily(100ms);
  for (int i = 0; i < 200; ++i)
    serve_after(10ms);
  CAF_CHECK(wait_behind(99) < 1'010ms);
  CAF_CHECK(wait_behind(99) > 990ms);
  for (int i = 0; i < 200; ++i)
    serve_after(50ms);
  CAF_CHECK(wait_behind(99) < 5'050ms);
  CAF_CHECK(wait_behind(99) > 4'950ms);
}

CAF_TEST(a wait without end is still a time) {
  serve_steadily(1h);
  const auto wait = wait_behind(1'000'000'000'000);
  CAF_CHECK(wait >= 1h);
  CAF_CHECK(wait <= 24h);
}

CAF_TEST_FIXTURE_SCOPE_END()
