#define CAF_SUITE admission_rate
#include "actors/admission_rate.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;
using namespace std::chrono_literals;

namespace {

struct fixture {
  admission_rate rate;
  admission_rate::time_point now = admission_rate::time_point{} + 1h;

  /// How many of those who come now get a turn, and the longest wait of one.
  std::pair<size_t, admission_rate::duration> rush(size_t count) {
    size_t in = 0;
    auto longest = 0ns;
    for (size_t i = 0; i < count; ++i)
      if (const auto wait = rate.take(now)) {
        ++in;
        longest = std::max(longest, *wait);
      }
    return {in, longest};
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admission_rate_tests, fixture)

CAF_TEST(a few wait for nothing) {
  for (uint32_t i = 0; i < admission_rate::burst; ++i) {
    CAF_CHECK(rate.is_free(now));
    CAF_CHECK(rate.take(now) == admission_rate::duration::zero());
  }
  CAF_CHECK(rate.take(now) == admission_rate::duration::zero());
  CAF_CHECK(rate.take(now) == admission_rate::interval);
  CAF_CHECK(!rate.is_free(now));
}

CAF_TEST(those who are on their way count as if they had come) {
  CAF_CHECK(rate.is_free(now, admission_rate::burst));
  CAF_CHECK(!rate.is_free(now, admission_rate::burst + 1));
  rush(admission_rate::burst);
  CAF_CHECK(!rate.is_free(now, 1));
}

CAF_TEST(a rush is let in one after the other and none waits longer than the bound) {
  const auto [in, longest] = rush(10'000);
  CAF_CHECK(longest <= admission_rate::longest_wait);
  CAF_CHECK(longest > admission_rate::longest_wait - 2 * admission_rate::interval);
  const auto most =
      admission_rate::burst + 2 + admission_rate::longest_wait / admission_rate::interval;
  CAF_CHECK(in <= static_cast<size_t>(most));
  CAF_CHECK(in + 2 >= static_cast<size_t>(most));
}

CAF_TEST(whoever was turned away takes no turn) {
  rush(10'000);
  CAF_CHECK(!rate.take(now));
  now += admission_rate::interval;
  CAF_CHECK(rate.take(now).has_value());
  CAF_CHECK(!rate.take(now));
}

CAF_TEST(over any time no more get in than the rate allows) {
  size_t in = 0;
  const auto begun = now;
  for (; now < begun + 20s; now += 1ms)
    in += rate.take(now) ? 1U : 0U;
  const auto allowed =
      admission_rate::burst + 2 + (20s + admission_rate::longest_wait) / admission_rate::interval;
  CAF_CHECK(in <= static_cast<size_t>(allowed));
  CAF_CHECK(in + 10 >= static_cast<size_t>(allowed));
}

CAF_TEST(after a rest the burst is there again and not more) {
  rush(10'000);
  now += 1h;
  CAF_CHECK(rate.is_free(now));
  const auto [in, longest] = rush(admission_rate::burst);
  CAF_CHECK_EQUAL(in, size_t{admission_rate::burst});
  CAF_CHECK(longest == admission_rate::duration::zero());
  rate.take(now);
  CAF_CHECK(rate.take(now) > admission_rate::duration::zero());
}

CAF_TEST_FIXTURE_SCOPE_END()
