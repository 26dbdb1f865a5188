#define CAF_SUITE full_jitter
#include "actors/full_jitter.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

using namespace postern::actors;
using namespace std::chrono_literals;

CAF_TEST(the bound doubles up to the cap and stays there) {
  const auto bound = [](unsigned failures) {
    return back_off_bound(500ms, 30'000ms, failures).count();
  };
  CAF_CHECK_EQUAL(bound(0), 0);
  CAF_CHECK_EQUAL(bound(1), 500);
  CAF_CHECK_EQUAL(bound(2), 1'000);
  CAF_CHECK_EQUAL(bound(6), 16'000);
  CAF_CHECK_EQUAL(bound(7), 30'000);
  CAF_CHECK_EQUAL(bound(4'000'000'000U), 30'000);
}

CAF_TEST(waits spread over the whole range and never leave it) {
  postern::runtime::seeded_random_source random{42};
  for (unsigned failures = 1; failures <= 8; ++failures) {
    const auto bound = back_off_bound(500ms, 30'000ms, failures);
    auto least = bound;
    auto most = 0ms;
    for (int i = 0; i < 1'000; ++i) {
      const auto wait = full_jitter(random, 500ms, 30'000ms, failures);
      CAF_REQUIRE(wait >= 0ms);
      CAF_REQUIRE(wait <= bound);
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    CAF_CHECK(least < bound / 20);
    CAF_CHECK(most > bound - bound / 20);
  }
}

CAF_TEST(without a failure there is no wait) {
  postern::runtime::seeded_random_source random{1};
  CAF_CHECK(full_jitter(random, 500ms, 30'000ms, 0) == 0ms);
}
